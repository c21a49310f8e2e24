"""Estimates what an arm still needs: calls, tokens, US dollars and hours, from the past use of its models."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from di_assets.arms import Arm, Configs, Limits, PlannedEpisode, plan, planned_ids
from di_assets.game.board import may_write
from di_assets.play.engines import UNCACHED, EngineCost, in_batches, shares, waves_left
from di_assets.play.launches import launches
from di_assets.play.use import measured, rehearsed
from di_assets.tables import Warehouse
from di_assets.tables.words import BATCH, COMPLETE, LIVE, NO_MESSAGES


@dataclass(frozen=True, slots=True)
class Need:
    """What one model is expected to use in the episodes that are left.

    Attributes:
        model: the model's name.
        seats: number of its seats in these episodes.
        calls: number of requests, re-asks included.
        input_tokens: tokens sent.
        cached_tokens: those of them that are read from the provider's cache.
        output_tokens: tokens received.
        cost_usd: the likely cost, US dollars.
        low_usd: the lowest cost to expect, US dollars.
        high_usd: the highest cost to expect, US dollars.
        seconds_per_call: mean, from request to reply.
        basis: where these numbers come from, in words.
        unsteady: the basis is the doctor's calls, and some of the model's replies could not be used.
    """

    model: str
    seats: int
    calls: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    cost_usd: float
    low_usd: float
    high_usd: float
    seconds_per_call: float
    basis: str
    unsteady: bool


@dataclass(frozen=True, slots=True)
class Estimate:
    """What is left of an arm, and what it needs.

    Attributes:
        arm: the arm's name.
        planned: number of planned episodes.
        left: number of planned episodes that are not complete.
        needs: one need per model, sorted by name; scripted agents need nothing.
        cost_usd: the likely cost of all models, US dollars.
        low_usd: the lowest cost to expect, US dollars.
        high_usd: the highest cost to expect, US dollars.
        hours: the shortest time that limits, concurrency and the turns of the game allow; in batches about how long.
        engines: the cost of what is left by each engine, `live` first; none if no model has a price for batches.
    """

    arm: str
    planned: int
    left: int
    needs: tuple[Need, ...]
    cost_usd: float
    low_usd: float
    high_usd: float
    hours: float
    engines: tuple[EngineCost, ...] = ()

    @property
    def episode_usd(self) -> float:
        """Expected cost of one episode that is left, US dollars; 0 if none is left."""
        return self.cost_usd / self.left if self.left else 0.0


def estimate(configs: Configs, arm: Arm, warehouse: Warehouse, *, batch: str | None = None) -> Estimate:
    """Estimates what an arm (or one batch of it) still needs.

    The use of a model per seat and episode is taken from the first of these that exists: complete episodes of this arm;
    complete episodes of other arms with as many rounds and the same channel; an episode played by scripted stand-ins,
    whose prompts are counted in tokens as `di doctor` measured the model.

    Args:
        configs: all configuration.
        arm: the arm.
        warehouse: the episodes played so far.
        batch: only this partition; None for the whole arm.
    """
    known = launches(warehouse, arm) or (("next",) if arm.relaunch else ())
    planned = planned_ids(arm, launches=known, batch=batch)
    played = warehouse.scan("episodes").filter(pl.col("status") == COMPLETE).select("episode_id").collect()
    complete = set(played["episode_id"])
    todo = plan(arm, launches=known, batch=batch, without=complete)
    seats = Counter(
        (model, may_write(p.setup, seat))
        for p in todo
        for seat, model in enumerate(p.models)
        if not configs.is_scripted(model)
    )
    uses = {(model, writes): _uses(configs, arm, warehouse, model, todo, writes=writes) for model, writes in seats}
    needs = {engine: _needs(seats, {kind: by[engine] for kind, by in uses.items()}) for engine in (LIVE, BATCH)}
    costs = tuple(_engine_cost(configs, arm, engine, needs[engine], todo) for engine in (LIVE, BATCH))
    mine = needs[arm.engine]
    return Estimate(
        arm=arm.name,
        planned=len(planned),
        left=len(todo),
        needs=mine,
        cost_usd=sum(need.cost_usd for need in mine),
        low_usd=sum(need.low_usd for need in mine),
        high_usd=sum(need.high_usd for need in mine),
        hours=next(one.hours for one in costs if one.engine == arm.engine),
        engines=costs if _offers(configs, arm, mine) else (),
    )


def _uses(
    configs: Configs, arm: Arm, warehouse: Warehouse, model: str, todo: Sequence[PlannedEpisode], *, writes: bool
) -> dict[str, dict[str, Any]]:
    """The use of one seat of a model, by engine. A model without a batch interface is asked live in both."""
    live = measured(warehouse, arm, model, writes=writes)
    live = live or rehearsed(configs, arm, warehouse, model, todo, writes=writes)
    config = configs.models[model].in_batches
    if config is None:
        return {LIVE: live, BATCH: live}
    batch = measured(warehouse, arm, model, writes=writes, engine=BATCH)
    return {LIVE: live, BATCH: batch or in_batches(config, live)}


def _needs(
    seats: Mapping[tuple[str, bool], int], uses: Mapping[tuple[str, bool], Mapping[str, Any]]
) -> tuple[Need, ...]:
    """The needs of all models, sorted by name. Seats that may write and seats that may not have their own use."""
    models = sorted({model for model, _ in seats})
    kinds = {model: [(model, writes) for writes in (True, False) if (model, writes) in seats] for model in models}
    return tuple(_need(model, [(seats[kind], uses[kind]) for kind in kinds[model]]) for model in models)


def _need(model: str, uses: Sequence[tuple[int, Mapping[str, Any]]]) -> Need:
    """The need of one model, from pairs of a number of seats and the use of one of them."""

    def total(name: str) -> float:
        return sum(n * float(use[name]) for n, use in uses)

    calls = total("calls")
    asking = sum(n * use["calls"] * use["seconds_per_call"] for n, use in uses)
    return Need(
        model=model,
        seats=sum(n for n, _ in uses),
        calls=round(calls),
        input_tokens=round(total("input_tokens")),
        cached_tokens=round(total("cached_tokens")),
        output_tokens=round(total("output_tokens")),
        cost_usd=total("cost_usd"),
        low_usd=total("low_usd"),
        high_usd=total("high_usd"),
        seconds_per_call=asking / calls if calls else 0.0,
        basis="; ".join(dict.fromkeys(use["basis"] for _, use in uses)),
        unsteady=any(use["unsteady"] for _, use in uses),
    )


def _waits(configs: Configs, need: Need) -> bool:
    """Whether a model can be asked in batches."""
    return configs.models[need.model].in_batches is not None


def _offers(configs: Configs, arm: Arm, needs: Sequence[Need]) -> bool:
    """Whether there is a choice of engines: a model has a price for batches, or the arm is played in them."""
    return bool(needs) and (arm.engine == BATCH or any(configs.models[need.model].price.batch for need in needs))


def _engine_cost(
    configs: Configs, arm: Arm, engine: str, needs: Sequence[Need], todo: Sequence[PlannedEpisode]
) -> EngineCost:
    """What the needs come to by this engine. Models without a batch interface are asked while waves are under way."""
    apart = [need for need in needs if _waits(configs, need)]
    cached = shares((need.cached_tokens, need.input_tokens) for need in apart)
    cost_usd = sum(need.cost_usd for need in needs)
    if engine == LIVE:
        return EngineCost(LIVE, cost_usd, _hours(configs, arm, needs, len(todo)), cached)
    seats, calls = sum(need.seats for need in apart), sum(need.calls for need in apart)
    waves = waves_left(arm, todo, seats, calls, configs.play.batch)
    slowest = max((need.seconds_per_call for need in apart), default=0.0)
    live = _hours(configs, arm, [need for need in needs if not _waits(configs, need)], len(todo))
    assumed = UNCACHED if any(UNCACHED in need.basis for need in apart) else None
    return EngineCost(BATCH, cost_usd, max(waves * slowest / 3600, live), cached, waves, assumed)


def _hours(configs: Configs, arm: Arm, needs: Sequence[Need], left: int) -> float:
    """The longest of three times, hours: by a model's limits, by an account's limits, by the turns of the episodes."""
    accounts: dict[str, list[Need]] = {}
    for need in needs:
        accounts.setdefault(configs.models[need.model].account, []).append(need)
    seconds = [_seconds(configs.models[need.model].limits, [need]) for need in needs]
    seconds += [_seconds(configs.accounts.get(name, Limits()), group) for name, group in accounts.items()]
    turns = arm.rounds * (1 + (arm.exchanges if arm.channel != NO_MESSAGES else 0))
    slowest = max((need.seconds_per_call for need in needs), default=0.0)
    seconds.append(math.ceil(left / arm.in_flight) * turns * slowest)
    return max(seconds, default=0.0) / 3600


def _seconds(limits: Limits, needs: Iterable[Need]) -> float:
    needs = list(needs)
    calls = sum(need.calls for need in needs)
    tokens = sum(need.input_tokens + need.output_tokens for need in needs)
    asking = sum(need.calls * need.seconds_per_call for need in needs)
    return max(
        asking / limits.concurrency if limits.concurrency else 0.0,
        60 * calls / limits.requests_per_minute if limits.requests_per_minute else 0.0,
        60 * tokens / limits.tokens_per_minute if limits.tokens_per_minute else 0.0,
    )
