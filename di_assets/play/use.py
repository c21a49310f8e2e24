"""What one seat of a model uses in an episode (calls, tokens, US dollars, seconds): measured, or from a rehearsal."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import polars as pl

from di_assets.arms import Arm, Configs, ModelConfig, PlannedEpisode
from di_assets.calls.calibration import BYTES_PER_TOKEN, REASKED, Size, by_doctor
from di_assets.calls.call import FAULTS
from di_assets.game.board import may_write
from di_assets.play.rehearsal import Prompt, Talk, rehearse
from di_assets.tables import Warehouse
from di_assets.tables.words import COMPLETE, FOCAL, FOCAL_MUTED, LIVE, RIVALS_MUTED

# Assumed for a model that has not played and was not measured by the doctor.
SECONDS_PER_CALL = 3.0
REHEARSED = "rehearsed"
LEAST, LIKELY, MOST = BYTES_PER_TOKEN
REHEARSAL = (
    f"scripted stand-ins wrote; {LIKELY:g} bytes a token ({LEAST:g} to {MOST:g}), {SECONDS_PER_CALL:g} s a call, at "
    "most replies of `max_tokens`; after `di doctor` plans go by what it measured"
)
# The smallest relative error of an estimate from measured episodes.
NEAREST = 0.05


def measured(warehouse: Warehouse, arm: Arm, model: str, *, writes: bool, engine: str = LIVE) -> dict[str, Any] | None:
    """Mean use per seat and episode, over complete episodes with as many rounds and the same channel.

    Episodes of this arm are used if there are any, else those of other arms. None if the model has played none.
    Episodes in which it was asked by another engine do not count.

    Args:
        warehouse: the episodes played so far.
        arm: the arm.
        model: the model's name.
        writes: whether the seat may write messages; matters only for channels that mute some seats.
        engine: `live` or `batch`.
    """
    like = pl.col("n_rounds") == arm.rounds, pl.col("channel") == arm.channel, pl.col("status") == COMPLETE
    episodes = warehouse.scan("episodes").filter(*like, pl.col("engine").fill_null(LIVE) == engine)
    episodes = episodes.select("episode_id", "arm")
    seats = warehouse.scan("seats").filter(pl.col("model") == model).join(episodes, on="episode_id").collect()
    if arm.channel in {FOCAL_MUTED, RIVALS_MUTED}:
        seats = seats.filter((pl.col("role") == FOCAL) == ((arm.channel == RIVALS_MUTED) == writes))
    own = seats.filter(pl.col("arm") == arm.name)
    chosen = own if own.height else seats
    if not chosen.height:
        return None
    calls = warehouse.scan("calls").join(chosen.lazy().select("episode_id", "seat"), on=["episode_id", "seat"])
    sums = ("input_tokens", "cached_tokens", "output_tokens", "cost_usd")
    totals = (
        calls.select(
            pl.len().alias("calls"),
            *(pl.col(name).sum() for name in sums),
            pl.col("latency_s").filter(~pl.col("status").is_in(list(FAULTS))).mean().alias("seconds"),
        )
        .collect()
        .row(0, named=True)
    )
    n_episodes = chosen["episode_id"].n_unique()
    apart = _apart(calls, chosen)
    where = "this arm" if own.height else "other arms"
    return {
        **{name: totals[name] / chosen.height for name in ("calls", *sums)},
        "low_usd": totals["cost_usd"] / chosen.height * max(0.0, 1 - apart),
        "high_usd": totals["cost_usd"] / chosen.height * (1 + apart),
        "seconds_per_call": totals["seconds"] or 0.0,
        "basis": f"measured in {n_episodes:,} episodes of {where}",
        "unsteady": False,
    }


def _apart(calls: pl.LazyFrame, seats: pl.DataFrame) -> float:
    """Relative error of the mean cost of a seat: twice its standard error, at least `NEAREST`.

    It is `3 * NEAREST` if the error cannot be computed (one seat, or no cost).
    """
    costs = calls.group_by("episode_id", "seat").agg(pl.col("cost_usd").sum()).collect()["cost_usd"]
    mean, sd = costs.mean(), costs.std()
    if not isinstance(mean, float) or not isinstance(sd, float) or mean <= 0:
        return 3 * NEAREST
    return max(NEAREST, 2 * sd / mean / math.sqrt(seats.height))


def rehearsed(
    configs: Configs, arm: Arm, warehouse: Warehouse, model: str, todo: Sequence[PlannedEpisode], *, writes: bool
) -> dict[str, Any]:
    """The use of one seat, from a rehearsal of the first episode in `todo` with the model in such a seat.

    Args:
        configs: all configuration.
        arm: the arm.
        warehouse: where the doctor's measurements are.
        model: the model's name.
        todo: episodes that are left; at least one has the model in such a seat.
        writes: whether the seat may write messages.
    """
    planned, seat = next(
        (p, seat)
        for p in todo
        for seat, one in enumerate(p.models)
        if one == model and may_write(p.setup, seat) == writes
    )
    config, held = configs.models[model], by_doctor(warehouse, model, configs.models[model])
    others = {name: by_doctor(warehouse, name, configs.models[name]) for name in {*planned.models} & {*configs.models}}
    talk = {name: Talk(one.messages, one.chars) for name, one in others.items() if one is not None}
    prompts = rehearse(planned, arm, configs, talk)[seat]
    if held is None:
        likely, least, most = (_plain_use(config, prompts, per_token) for per_token in (LIKELY, MOST, LEAST))
        seconds, basis = SECONDS_PER_CALL, REHEARSED
    else:
        asked = config, prompts, held.sent, held.output_tokens, held.calls_per_question
        likely = _use(*asked, cached=held.tells_cache)
        fresh = likely if held.reads_cache else _use(*asked, cached=False)
        least, most = {"cost_usd": held.low * likely["cost_usd"]}, {"cost_usd": held.high * fresh["cost_usd"]}
        seconds, basis = held.seconds_per_call, f"{REHEARSED} by {held.basis}"
    return {
        **likely,
        "low_usd": least["cost_usd"],
        "high_usd": most["cost_usd"],
        "seconds_per_call": seconds,
        "basis": basis,
        "unsteady": held is not None and held.unsteady,
    }


def _plain_use(config: ModelConfig, prompts: Sequence[Prompt], per_token: float) -> dict[str, float]:
    """The use of a model that was never measured: `per_token` bytes per token, replies as long as the stand-in's.

    With `LEAST` bytes per token the result is an upper bound: replies have `max_tokens`, a share of questions is asked
    again, and no prompt is read from a cache.
    """
    most, written = per_token == LEAST, {}
    for phase in {prompt.phase for prompt in prompts}:
        sizes = [prompt.reply_bytes for prompt in prompts if prompt.phase == phase]
        written[phase] = config.max_tokens if most else sum(sizes) / len(sizes) / per_token
    again = 1 + REASKED if most else 1.0
    return _use(config, prompts, lambda size: size.bytes / per_token, written, again, cached=not most)


def _use(
    config: ModelConfig,
    prompts: Sequence[Prompt],
    sent_of: Callable[[Size], float],
    written: Mapping[str, float],
    calls_per_question: float,
    *,
    cached: bool,
) -> dict[str, float]:
    """Calls, tokens and US dollars of one seat's prompts and re-asks.

    Args:
        config: of the model.
        prompts: the seat's prompts in an episode.
        sent_of: gives the input tokens of a prompt of this size.
        written: output tokens of a reply, by phase.
        calls_per_question: 1 plus the share of questions that are asked again.
        cached: the part of a prompt that was sent before is read from a cache, if the model has a price for that.
    """
    sent = sum(max(0.0, sent_of(prompt.sent)) for prompt in prompts) * calls_per_question
    seen = 0.0
    if cached and config.price.cached is not None:
        before = sum(max(0.0, sent_of(prompt.seen)) for prompt in prompts if prompt.seen.bytes)
        seen = before + sent * (1 - 1 / calls_per_question)  # what is asked again was sent before
    received = sum(written.get(prompt.phase, 0.0) for prompt in prompts) * calls_per_question
    put = sent - seen if config.price.written is not None else 0.0
    return {
        "calls": len(prompts) * calls_per_question,
        "input_tokens": sent,
        "cached_tokens": seen,
        "output_tokens": received,
        "cost_usd": config.price.cost(round(sent), round(seen), round(received), round(put)),
    }
