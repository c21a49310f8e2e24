"""Freshness: is everything published as new as its inputs, and are nightly arms played at night?

The checks compare times in the warehouse and name the batches that are behind. An arm is late if it was not played for
longer than the longest gap between its nights, plus some slack. An arm that is complete, whose schedule is off or whose
budget is spent is never late.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice, pairwise

import dagster as dg
import polars as pl
from cronsim import CronSim
from dagster._core.scheduler.instigation import InstigatorStatus, InstigatorType, ScheduleInstigatorData

from di_assets.arms import Configs, batches
from di_assets.arms.names import plain_name
from di_assets.arms.nightly import Nightly
from di_assets.assets.checked import result
from di_assets.assets.checks import planned_equals_played
from di_assets.assets.damaged import looked_at
from di_assets.assets.home import Home
from di_assets.assets.outcome import Outcome
from di_assets.assets.problems import Problem, problem
from di_assets.play.nights import Rest, standing, tonight
from di_assets.play.spent import spent_so_far
from di_assets.report.questions.registry import QUESTIONS
from di_assets.tables import TABLES, Warehouse
from di_assets.tables.storage import File

# Slack: playing a night takes time, and so do the measures after it.
SLACK = timedelta(hours=2)
# This many nights are examined for the longest gap between two of them: a year of a daily schedule.
NIGHTS = 400


def published() -> tuple[str, ...]:
    """Everything that is made from all batches: tables, the summary, figures."""
    return (*(name for name, table in TABLES.items() if not table.partitioned), "summary", *QUESTIONS)


def longest_gap(night: Nightly) -> timedelta:
    """The longest time between two nights of a schedule, in the year after a fixed day."""
    ticks = islice(CronSim(night.cron, datetime(2026, 1, 1, tzinfo=UTC)), NIGHTS)
    return max((later - earlier for earlier, later in pairwise(ticks)), default=timedelta(days=366))


def freshness_checks(configs: Configs) -> list[dg.AssetChecksDefinition]:
    """Checks that what is published is newer than its inputs, and that nightly arms were played when due."""
    nightly = [(name, arm.nightly) for name, arm in configs.arms.items() if arm.nightly]
    return [_fresh_tables(), *(_fresh_arm(name, night) for name, night in nightly)]


def newer_batches(warehouse: Warehouse, name: str) -> Problem | None:
    """The batches that were measured after this was published; all batches if it never was."""
    made = min((file.modified_ns for file in _published(warehouse, name)), default=0)
    newer = [file.stem for file in warehouse.files("episode_measures") if file.modified_ns > made]
    rows = pl.DataFrame({"batch": newer}, schema={"batch": pl.String})
    return problem(f"{name} is older than batches it is made of", "episode_measures", rows)


def unplayed(
    home: Home, name: str, newest: datetime | None, *, since: datetime | None, now: datetime
) -> Problem | None:
    """The unfinished batches of a nightly arm that was not played although its nights would play it.

    Args:
        home: configuration and warehouse.
        name: name of the arm.
        newest: when it was last materialised; None if it never was.
        since: when its schedule was turned on; None if it is off.
        now: the current time.
    """
    arm = home.configs.arm(name)
    if arm.nightly is None or since is None or now - max(newest or since, since) <= longest_gap(arm.nightly) + SLACK:
        return None
    stands = standing(home.configs, arm, home.warehouse, spent_usd=spent_so_far(home.warehouse, arm))
    if isinstance(tonight(arm, stands), Rest):
        return None
    left = [batch for batch in batches(arm) if planned_equals_played(home, batch)]
    rows = pl.DataFrame({"batch": left}, schema={"batch": pl.String})
    return problem(f"{name} was last materialised {newest or 'never'}", "episodes", rows)


def schedule_name(arm: str) -> str:
    """The name of a nightly arm's schedule in Dagster."""
    return f"nightly_{plain_name(arm)}"


def scheduled_since(instance: dg.DagsterInstance, name: str) -> datetime | None:
    """When the schedule of a nightly arm was turned on, UTC; None if it is off, which is the default."""
    if instance.schedule_storage is None:  # an instance in memory has no schedules
        return None
    on = {InstigatorStatus.RUNNING}
    for state in instance.all_instigator_state(instigator_type=InstigatorType.SCHEDULE, instigator_statuses=on):
        if state.instigator_name == schedule_name(name):
            data = state.instigator_data
            started = data.start_timestamp if isinstance(data, ScheduleInstigatorData) else None
            return datetime.fromtimestamp(started or 0.0, tz=UTC)
    return None


def last_materialised(instance: dg.DagsterInstance, partitions: Sequence[str]) -> datetime | None:
    """When any of these batches was last materialised, UTC; None if none ever was."""
    of_arm = dg.AssetRecordsFilter(asset_key=dg.AssetKey("episodes"), asset_partitions=partitions)
    records = instance.fetch_materializations(of_arm, limit=1).records
    return datetime.fromtimestamp(records[0].timestamp, tz=UTC) if records else None


def _published(warehouse: Warehouse, name: str) -> list[File]:
    if name in TABLES:
        return warehouse.files(name)
    return warehouse.shared(f"report/{name}.svg" if name in QUESTIONS else f"report/{name}.json")


def _fresh_tables() -> dg.AssetChecksDefinition:
    """One step checks all that is published, because a step costs more than reading the times of files."""
    specs = [
        dg.AssetCheckSpec(f"{name}_is_fresh", asset=name, description="Not older than the newest measured batch.")
        for name in published()
    ]

    @dg.multi_asset_check(name="published_is_fresh", specs=specs, can_subset=True)
    def fresh(
        context: dg.AssetCheckExecutionContext, home: dg.ResourceParam[Home], outcome: dg.ResourceParam[Outcome]
    ) -> Iterator[dg.AssetCheckResult]:
        with outcome.noting(home, "published_is_fresh"):
            for key in sorted(context.selected_asset_check_keys):
                name = key.asset_key.to_user_string()
                found = looked_at(home, partial(newer_batches, home.warehouse, name), table=name)
                severity = dg.AssetCheckSeverity.ERROR
                yield result([found] if found else [], severity=severity, check_name=key.name, asset_key=name)

    return fresh


def _fresh_arm(name: str, night: Nightly) -> dg.AssetChecksDefinition:
    due = f"While its schedule is on: played within {longest_gap(night) + SLACK}, the longest gap between its nights."

    check = f"{plain_name(name)}_is_fresh"

    @dg.asset_check(asset="episodes", name=check, description=due)
    def fresh(
        context: dg.AssetCheckExecutionContext, home: dg.ResourceParam[Home], outcome: dg.ResourceParam[Outcome]
    ) -> dg.AssetCheckResult:
        with outcome.noting(home, check):
            newest = last_materialised(context.instance, batches(home.configs.arm(name)))
            since = scheduled_since(context.instance, name)
            look = partial(unplayed, home, name, newest, since=since, now=datetime.now(tz=UTC))
            found = looked_at(home, look, table="episodes")
        return result([found] if found else [], severity=dg.AssetCheckSeverity.WARN)

    return fresh
