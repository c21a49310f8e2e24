"""Freshness: whether what is published is as new as what it is made of, and whether nightly arms are played at night.

Checks look at the warehouse and say which batches are behind; policies look at the clock, and are what the Dagster UI
shows beside each asset. Both allow an arm the longest gap between its nights, and some slack.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice, pairwise

import dagster as dg
import polars as pl
from cronsim import CronSim

from di_assets.arms import Configs, batches
from di_assets.arms.arm import Nightly
from di_assets.assets.checked import result
from di_assets.assets.checks import planned_equals_played
from di_assets.assets.damaged import looked_at
from di_assets.assets.home import Home
from di_assets.assets.problems import Problem, problem
from di_assets.report.figures import FIGURES
from di_assets.tables import TABLES, Warehouse
from di_assets.tables.storage import File

# A night takes its time, and so does what follows from it.
SLACK = timedelta(hours=2)
# Nights looked ahead for the longest gap between two: a year of a daily schedule.
NIGHTS = 400
PUBLISHED = (*(name for name, table in TABLES.items() if not table.partitioned), "summary", *FIGURES)


def longest_gap(night: Nightly) -> timedelta:
    """The longest time between two nights of a schedule in the year from a fixed day on."""
    ticks = islice(CronSim(night.cron, datetime(2026, 1, 1, tzinfo=UTC)), NIGHTS)
    return max((later - earlier for earlier, later in pairwise(ticks)), default=timedelta(days=366))


def policy(configs: Configs) -> dg.FreshnessPolicy | None:
    """What episodes and all that is published keep: warned of after one night that was missed, failed after two.

    The arm that is played most often counts; None where no arm is nightly, for then nothing is due at any time.
    """
    gaps = [longest_gap(arm.nightly) for arm in configs.arms.values() if arm.nightly]
    if not gaps:
        return None
    return dg.FreshnessPolicy.time_window(fail_window=2 * min(gaps) + SLACK, warn_window=min(gaps) + SLACK)


def kept_fresh(assets: Iterable[dg.AssetsDefinition], configs: Configs) -> list[dg.AssetsDefinition]:
    """These assets, with the policy on those that have one."""
    kept = policy(configs)
    if kept is None:
        return list(assets)
    names = {"episodes", *PUBLISHED}

    def with_policy(spec: dg.AssetSpec) -> dg.AssetSpec:
        return dg.apply_freshness_policy(spec, kept) if spec.key.to_user_string() in names else spec

    return [one for one in dg.map_asset_specs(with_policy, assets) if isinstance(one, dg.AssetsDefinition)]


def freshness_checks(configs: Configs) -> list[dg.AssetChecksDefinition]:
    """What is published is not older than what it was made from; nightly arms were materialised when they were due."""
    nightly = [(name, arm.nightly) for name, arm in configs.arms.items() if arm.nightly]
    return [_fresh_tables(), *(_fresh_arm(name, night) for name, night in nightly)]


def newer_batches(warehouse: Warehouse, name: str) -> Problem | None:
    """Batches that were measured after this was published; all of them when it never was."""
    made = min((file.modified_ns for file in _published(warehouse, name)), default=0)
    newer = [file.stem for file in warehouse.files("episode_measures") if file.modified_ns > made]
    rows = pl.DataFrame({"batch": newer}, schema={"batch": pl.String})
    return problem(f"{name} is older than batches it is made of", "episode_measures", rows)


def unplayed(home: Home, name: str, newest: datetime | None, *, now: datetime) -> Problem | None:
    """Unfinished batches of a nightly arm that lies idle; `newest` is when it was last materialised."""
    night = home.configs.arm(name).nightly
    if night is None or (newest is not None and now - newest <= longest_gap(night) + SLACK):
        return None
    left = [batch for batch in batches(home.configs.arm(name)) if planned_equals_played(home, batch)]
    rows = pl.DataFrame({"batch": left}, schema={"batch": pl.String})
    return problem(f"{name} was last materialised {newest or 'never'}", "episodes", rows)


def last_materialised(instance: dg.DagsterInstance, partitions: Sequence[str]) -> datetime | None:
    """When any of these batches was last materialised, UTC; None if none ever was."""
    of_arm = dg.AssetRecordsFilter(asset_key=dg.AssetKey("episodes"), asset_partitions=partitions)
    records = instance.fetch_materializations(of_arm, limit=1).records
    return datetime.fromtimestamp(records[0].timestamp, tz=UTC) if records else None


def _published(warehouse: Warehouse, name: str) -> list[File]:
    if name in TABLES:
        return warehouse.files(name)
    return warehouse.shared(f"report/{name}.svg" if name in FIGURES else f"report/{name}.json")


def _fresh_tables() -> dg.AssetChecksDefinition:
    """One step for all that is published: a step costs more than a look at when files were written."""
    specs = [
        dg.AssetCheckSpec(f"{name}_is_fresh", asset=name, description="Not older than the newest measured batch.")
        for name in PUBLISHED
    ]

    @dg.multi_asset_check(name="published_is_fresh", specs=specs, can_subset=True)
    def fresh(context: dg.AssetCheckExecutionContext, home: dg.ResourceParam[Home]) -> Iterator[dg.AssetCheckResult]:
        for key in sorted(context.selected_asset_check_keys):
            name = key.asset_key.to_user_string()
            found = looked_at(home, partial(newer_batches, home.warehouse, name), table=name)
            severity = dg.AssetCheckSeverity.ERROR
            yield result([found] if found else [], severity=severity, check_name=key.name, asset_key=name)

    return fresh


def _fresh_arm(name: str, night: Nightly) -> dg.AssetChecksDefinition:
    due = f"Played within {longest_gap(night) + SLACK}, the longest gap between its nights and some slack."

    @dg.asset_check(asset="episodes", name=f"{name}_is_fresh", description=due)
    def fresh(context: dg.AssetCheckExecutionContext, home: dg.ResourceParam[Home]) -> dg.AssetCheckResult:
        newest = last_materialised(context.instance, batches(home.configs.arm(name)))
        found = looked_at(home, partial(unplayed, home, name, newest, now=datetime.now(tz=UTC)), table="episodes")
        return result([found] if found else [], severity=dg.AssetCheckSeverity.WARN)

    return fresh
