"""The nights of a nightly arm: when they are, what each of them plays, and why a night plays nothing.

One function, `tonight`, chooses what a night plays. The schedule calls it once, the preview once for each coming night.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from zoneinfo import ZoneInfo

import polars as pl
from cronsim import CronSim

from di_assets.arms import Arm, Configs, Nightly, planned_ids
from di_assets.calls.budget import exceeded, of_arm
from di_assets.play.estimate import estimate
from di_assets.play.launches import launches
from di_assets.play.spent import spent_so_far
from di_assets.tables import Warehouse
from di_assets.tables.words import COMPLETE, FAILED

# Rounding error of sums of floats, US dollars; so little counts as nothing.
DUST_USD = 1e-9
# The order in which batches are played: those that were begun, those that were not, and last those in which only failed
# episodes are left. So an episode that fails every time does not keep others from being played.
BEGUN, UNTOUCHED, ONLY_FAILED = range(3)


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of an arm before a night.

    Attributes:
        planned: number of episodes of all launches; 0 if the arm may be launched repeatedly and never was.
        left: name and number of incomplete episodes of each unfinished batch, in the order of play.
        charged: at least one of its models costs money, so budgets limit the night.
        spent: the arm's budget is too small for the next call. Either nothing is left of it, or it stopped play before
            and has not been changed since.
        spent_usd: what the arm has cost so far, US dollars.
        ahead_usd: the part of `spent_usd` that was paid for incomplete episodes, US dollars. They will be resumed.
    """

    planned: int
    left: tuple[tuple[str, int], ...]
    charged: bool
    spent: bool
    spent_usd: float
    ahead_usd: float

    @property
    def episodes(self) -> int:
        """Number of episodes that are not complete."""
        return sum(count for _, count in self.left)


@dataclass(frozen=True, slots=True)
class Tonight:
    """What a night plays: the name of a batch, and the most episodes of it."""

    batch: str
    episodes: int


@dataclass(frozen=True, slots=True)
class Rest:
    """Why a night plays nothing, in words."""

    reason: str


@dataclass(frozen=True, slots=True)
class Expected:
    """The expected result of a night: episodes completed, US dollars, the budget that ends it early (or None)."""

    episodes: int
    cost_usd: float
    held_by: str | None


@dataclass(frozen=True, slots=True)
class Night:
    """One coming night, if no episode fails and every night before it is played.

    Attributes:
        at: when it begins, in the arm's time zone.
        batch: the partition that it plays.
        episodes: how many episodes it is expected to complete, 0 or more.
        cost_usd: its expected cost, US dollars; 0 if its models are free.
        held_by: the budget that ends it before its episodes are complete; None if no budget does.
        left: how many episodes of the arm are left after it.
    """

    at: datetime
    batch: str
    episodes: int
    cost_usd: float
    held_by: str | None
    left: int


@dataclass(frozen=True, slots=True)
class Preview:
    """The coming nights of an arm, in order. `then` says why no night follows them; None if more nights follow."""

    arm: str
    nights: tuple[Night, ...]
    then: str | None


def starts(night: Nightly, *, after: datetime) -> Iterator[datetime]:
    """Yields when the nights of a schedule begin after this moment, in its time zone, in order, without end.

    When clocks change, the times are those of Dagster. If a time comes twice, the second counts. If a time is skipped,
    the end of the skipped hour counts. An hourly schedule counts real hours. There is an exception: if clocks change in
    the evening or by half an hour, Dagster is not consistent, and that one night may differ.
    """
    zone = ZoneInfo(night.timezone)
    begin = after.astimezone(zone)
    if night.cron.split()[1] == "*":
        yield from CronSim(night.cron, begin)
        return
    last = after.astimezone(UTC)
    for wall in CronSim(night.cron, begin.replace(tzinfo=None) - timedelta(hours=2)):
        at = _instant(wall, zone)
        if at > last:
            yield at.astimezone(zone)
            last = at


def standing(configs: Configs, arm: Arm, warehouse: Warehouse, *, spent_usd: float) -> Standing:
    """The state of the arm now, by the same plan by which its batches are played.

    Args:
        configs: all configuration.
        arm: the arm.
        warehouse: the episodes played so far.
        spent_usd: what the arm has cost, US dollars, journals included (see `spent_so_far`).
    """
    columns = ("batch", "episode_id", "status", "cost_usd", "failure")
    stored = warehouse.scan("episodes").filter(pl.col("arm") == arm.name).select(columns).collect()
    # By batch: an episode that is stored in another batch (the batch size was changed) is played again by `play_batch`.
    status = {(batch, episode): status for batch, episode, status, *_ in stored.iter_rows()}
    planned = planned_ids(arm, launches=launches(warehouse, arm))
    found = Counter((batch, status.get((batch, episode))) for episode, batch in planned.items())
    left: Counter[str] = Counter()
    for (batch, ended), count in found.items():
        left[batch] += 0 if ended == COMPLETE else count

    def order(batch: str) -> tuple[int, int]:
        ended = {one for (other, one) in found if other == batch}
        begun = ended != {None} or any((warehouse.journal / batch).glob("*.jsonl"))
        rank = ONLY_FAILED if ended <= {COMPLETE, FAILED} else BEGUN if begun else UNTOUCHED
        return rank, int(batch.rpartition("--b")[2])  # b100 follows b99

    paid_for = float(stored.filter(pl.col("status") == COMPLETE)["cost_usd"].sum())
    limit = math.inf if arm.budget_usd is None else arm.budget_usd
    stopped = stored["failure"].str.starts_with(exceeded(of_arm(arm.name), limit)).any()
    models = [configs.models[model] for model in arm.models if not configs.is_scripted(model)]
    return Standing(
        planned=len(planned),
        left=tuple((batch, left[batch]) for batch in sorted(left, key=order) if left[batch]),
        charged=any(model.dearest_input or model.price.output for model in models),
        spent=stopped or limit - spent_usd <= DUST_USD,
        spent_usd=spent_usd,
        ahead_usd=max(0.0, spent_usd - paid_for),
    )


def tonight(arm: Arm, now: Standing) -> Tonight | Rest:
    """Chooses what the arm plays tonight: episodes of the first unfinished batch; or says why it plays nothing.

    A night plays only one batch, and never launches an arm.

    Raises:
        ValueError: the arm is not nightly.
    """
    night = arm.nightly
    if night is None:
        raise ValueError(f"{arm.name} is not nightly")
    if not now.planned:
        return Rest(f"{arm.name} was never launched, and nights launch nothing: di run {arm.name} --launch")
    if not now.left:
        return Rest(f"every planned episode of {arm.name} is complete")
    if now.charged and now.spent and arm.budget_usd is not None:
        spent = f"the budget of {arm.name} is spent (${now.spent_usd:,.2f} of ${arm.budget_usd:,.2f})"
        return Rest(f"{spent}; {now.episodes:,} of its episodes are left to play")
    batch, left = now.left[0]
    return Tonight(batch=batch, episodes=min(left, night.episodes or left))


def expected(arm: Arm, now: Standing, chosen: Tonight, *, episode_usd: float) -> Expected:
    """The expected result of a night.

    Its cost is that of its episodes, without what was paid for them before. The night's budget and the arm's budget
    limit it. `episode_usd` is the expected cost of an episode, US dollars.
    """
    wanted = max(0.0, chosen.episodes * episode_usd - now.ahead_usd)
    money, whose = min(_money(arm, now), default=(math.inf, ""))
    if money >= wanted - DUST_USD:
        return Expected(chosen.episodes, wanted, None)
    # If money ends a night, an episode costs something: `episode_usd` is not 0 here.
    return Expected(math.floor((now.ahead_usd + money + DUST_USD) / episode_usd), money, whose)


def preview(arm: Arm, now: Standing, nights: Sequence[datetime], *, episode_usd: float) -> Preview:
    """What these nights will play if every episode costs the same, none fails, and no night is left out.

    An episode that one night leaves unfinished is resumed by the next. So several nights with little money can complete
    one episode together.

    Args:
        arm: a nightly arm.
        now: the state of the arm before the first night.
        nights: when the nights begin, in order.
        episode_usd: the expected cost of an episode, US dollars.
    """
    coming: list[Night] = []
    for at in nights:
        chosen = tonight(arm, now)
        if isinstance(chosen, Rest):
            break
        night = expected(arm, now, chosen, episode_usd=episode_usd)
        now = _after(arm, now, night, episode_usd)
        coming.append(Night(at, chosen.batch, night.episodes, night.cost_usd, night.held_by, now.episodes))
    end = tonight(arm, now)
    return Preview(arm=arm.name, nights=tuple(coming), then=end.reason if isinstance(end, Rest) else None)


def coming_nights(configs: Configs, warehouse: Warehouse, *, now: datetime, days: int) -> list[Preview]:
    """One preview per nightly arm, for `days` days after `now`, in the order of arms; empty without nightly arms."""
    found = []
    for arm in configs.arms.values():
        if arm.nightly:
            nights = _starts_within(days, arm.nightly, after=now)
            stands = standing(configs, arm, warehouse, spent_usd=spent_so_far(warehouse, arm))
            usd = estimate(configs, arm, warehouse).episode_usd
            found.append(preview(arm, stands, nights, episode_usd=usd))
    return found


def _starts_within(days: int, night: Nightly, *, after: datetime) -> list[datetime]:
    # Days by the clock on the wall: a day on which clocks change is one day, though it has 23 or 25 hours.
    end = (after.astimezone(ZoneInfo(night.timezone)) + timedelta(days=days)).astimezone(UTC)
    return list(takewhile(lambda at: at.astimezone(UTC) <= end, starts(night, after=after)))


def _instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """Converts a time on the clock to UTC: the second one if it comes twice, the end of the hour if it is skipped."""
    at = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None) == wall:
        return at
    return (wall.replace(minute=0, tzinfo=zone, fold=1) + timedelta(hours=1)).astimezone(UTC)


def _after(arm: Arm, now: Standing, night: Expected, episode_usd: float) -> Standing:
    """The state of the arm after a night with the expected result."""
    (batch, size), *later = now.left
    rest = ((batch, size - night.episodes),) if size > night.episodes else ()
    spent_usd = now.spent_usd + night.cost_usd
    return replace(
        now,
        left=(*rest, *later),
        spent=arm.budget_usd is not None and arm.budget_usd - spent_usd <= DUST_USD,
        spent_usd=spent_usd,
        ahead_usd=max(0.0, now.ahead_usd + night.cost_usd - night.episodes * episode_usd),
    )


def _money(arm: Arm, now: Standing) -> list[tuple[float, str]]:
    """What each budget allows tonight, US dollars, with the budget's name; empty if the arm's models are free."""
    if not now.charged or arm.nightly is None:
        return []
    whole, night = arm.budget_usd, arm.nightly.budget_usd
    return [
        *([] if whole is None else [(whole - now.spent_usd, f"the arm's budget of ${whole:,.2f}")]),
        *([] if night is None else [(night, f"the night's budget of ${night:,.2f}")]),
    ]
