"""An arm's nights: when they are, what each plays, and why one plays nothing.

One function chooses what a night plays; the schedule asks it, and the preview asks it again and again.
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
from di_assets.play.batch import spent_so_far
from di_assets.play.estimate import estimate
from di_assets.play.launches import launches
from di_assets.tables import Warehouse
from di_assets.tables.words import COMPLETE, FAILED

# Sums of floats leave dust, which is no money to play with.
DUST_USD = 1e-9
# Batches in the order they are played: begun ones, untouched ones, those of which only failed episodes are left. So
# an episode that fails whenever it is played keeps nothing else from being played.
BEGUN, UNTOUCHED, ONLY_FAILED = range(3)


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an arm stands before a night.

    Attributes:
        planned: episodes of all launches; 0 where an arm that may be launched again never was.
        left: of each unfinished batch, in the order they are played: its name, and episodes that are not complete.
        charged: its models cost something, so money limits the night.
        spent: the arm's budget does not reach for the next call: it ended play, and is what it was.
        spent_usd: what the arm has cost so far, US dollars.
        ahead_usd: of it, paid for episodes that are not complete, which are resumed.
    """

    planned: int
    left: tuple[tuple[str, int], ...]
    charged: bool
    spent: bool
    spent_usd: float
    ahead_usd: float

    @property
    def episodes(self) -> int:
        """Episodes that are not complete."""
        return sum(count for _, count in self.left)


@dataclass(frozen=True, slots=True)
class Tonight:
    """What a night sets out to play: the batch, and the most episodes of it."""

    batch: str
    episodes: int


@dataclass(frozen=True, slots=True)
class Rest:
    """Why a night plays nothing, in words."""

    reason: str


@dataclass(frozen=True, slots=True)
class Expected:
    """What a night is expected to come to: episodes complete, US dollars, and the budget that ends it early."""

    episodes: int
    cost_usd: float
    held_by: str | None


@dataclass(frozen=True, slots=True)
class Night:
    """One night to come, if no episode fails and every night before it is played.

    Attributes:
        at: its start, in the arm's time zone.
        batch: the partition it plays.
        episodes: expected to be complete by it, 0 or more.
        cost_usd: expected, US dollars; 0 where nothing is charged.
        held_by: the budget that ends it before its episodes are complete; None where none does.
        left: episodes of the arm that are then left.
    """

    at: datetime
    batch: str
    episodes: int
    cost_usd: float
    held_by: str | None
    left: int


@dataclass(frozen=True, slots=True)
class Preview:
    """An arm's nights to come, in order, and why there are no more; None where more follow later."""

    arm: str
    nights: tuple[Night, ...]
    then: str | None


def starts(night: Nightly, *, after: datetime) -> Iterator[datetime]:
    """When a schedule's nights begin after this moment, in its time zone, in order.

    Where clocks change, as Dagster has it: a time that comes twice is the second, one that is skipped is the end of the
    hour that is skipped, and a schedule of every hour goes by the hours that pass. Dagster itself is not of one mind
    where clocks change in the evening or by half an hour: there, that one night may be another.
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
    """Where the arm stands now, by the plan that its batches are played by.

    Args:
        configs: all configuration.
        arm: the arm.
        warehouse: what is played.
        spent_usd: what the arm has cost, journals included.
    """
    columns = ("batch", "episode_id", "status", "cost_usd", "failure")
    stored = warehouse.scan("episodes").filter(pl.col("arm") == arm.name).select(columns).collect()
    # By batch: what another batch holds (its size was changed) is played again, as `play_batch` does.
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
    """The unfinished batch that comes first, and at most the night's episodes of it; or why nothing is played.

    A night never goes on with a second batch and never launches an arm anew.

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
    """What a night is expected to come to.

    A night costs its episodes, less what is paid for of them, as far as its own budget and the arm's reach.
    """
    wanted = max(0.0, chosen.episodes * episode_usd - now.ahead_usd)
    money, whose = min(_money(arm, now), default=(math.inf, ""))
    if money >= wanted - DUST_USD:
        return Expected(chosen.episodes, wanted, None)
    # An episode costs something where money ends a night, so nothing is divided by zero.
    return Expected(math.floor((now.ahead_usd + money + DUST_USD) / episode_usd), money, whose)


def preview(arm: Arm, now: Standing, nights: Sequence[datetime], *, episode_usd: float) -> Preview:
    """What these nights will play if every episode costs the same, none fails, and they are played one by one.

    What a night leaves half-way is resumed by the next, so nights that are short of money complete an episode together.

    Args:
        arm: a nightly arm.
        now: where it stands.
        nights: their starts, in order.
        episode_usd: expected cost of an episode.
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
    """What every nightly arm will play in the days after this moment, by name; none where no arm is nightly."""
    found = []
    for arm in configs.arms.values():
        if arm.nightly:
            nights = _starts_within(days, arm.nightly, after=now)
            stands = standing(configs, arm, warehouse, spent_usd=spent_so_far(warehouse, arm))
            usd = estimate(configs, arm, warehouse).episode_usd
            found.append(preview(arm, stands, nights, episode_usd=usd))
    return found


def _starts_within(days: int, night: Nightly, *, after: datetime) -> list[datetime]:
    # Wall-clock days: one in which clocks change is a day too.
    end = (after.astimezone(ZoneInfo(night.timezone)) + timedelta(days=days)).astimezone(UTC)
    return list(takewhile(lambda at: at.astimezone(UTC) <= end, starts(night, after=after)))


def _instant(wall: datetime, zone: ZoneInfo) -> datetime:
    """UTC of a time on the clock: the second where it comes twice, the end of the hour where it is skipped."""
    at = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if at.astimezone(zone).replace(tzinfo=None) == wall:
        return at
    return (wall.replace(minute=0, tzinfo=zone, fold=1) + timedelta(hours=1)).astimezone(UTC)


def _after(arm: Arm, now: Standing, night: Expected, episode_usd: float) -> Standing:
    """Where the arm stands after a night that went as expected."""
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
    """What each budget leaves for tonight, US dollars, and its name; nothing limits what is free."""
    if not now.charged or arm.nightly is None:
        return []
    whole, night = arm.budget_usd, arm.nightly.budget_usd
    return [
        *([] if whole is None else [(whole - now.spent_usd, f"the arm's budget of ${whole:,.2f}")]),
        *([] if night is None else [(night, f"the night's budget of ${night:,.2f}")]),
    ]
