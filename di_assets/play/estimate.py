"""Estimates what an arm still needs: calls, tokens, US dollars and hours, from the past use of its models."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from di_assets.arms import Arm, Configs, Limits, PlannedEpisode, plan, planned_ids
from di_assets.game.board import may_write
from di_assets.play.launches import launches
from di_assets.play.use import measured, rehearsed
from di_assets.tables import Warehouse
from di_assets.tables.words import COMPLETE, NO_MESSAGES


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
        hours: the shortest time that limits, concurrency and the turns of the game allow.
    """

    arm: str
    planned: int
    left: int
    needs: tuple[Need, ...]
    cost_usd: float
    low_usd: float
    high_usd: float
    hours: float

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
    models = sorted({model for model, _ in seats})
    needs = tuple(_need(configs, arm, warehouse, model, seats, todo) for model in models)
    return Estimate(
        arm=arm.name,
        planned=len(planned),
        left=len(todo),
        needs=needs,
        cost_usd=sum(need.cost_usd for need in needs),
        low_usd=sum(need.low_usd for need in needs),
        high_usd=sum(need.high_usd for need in needs),
        hours=_hours(configs, arm, needs, len(todo)),
    )


def _need(
    configs: Configs,
    arm: Arm,
    warehouse: Warehouse,
    model: str,
    seats: Mapping[tuple[str, bool], int],
    todo: Sequence[PlannedEpisode],
) -> Need:
    """The need of one model: its seats that may write and its seats that may not, each kind with its own use."""
    uses = [
        (
            n,
            measured(warehouse, arm, model, writes=writes)
            or rehearsed(configs, arm, warehouse, model, todo, writes=writes),
        )
        for writes in (True, False)
        if (n := seats.get((model, writes), 0))
    ]

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
