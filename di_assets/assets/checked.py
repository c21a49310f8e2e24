"""The checks as Dagster runs them: those of a batch, and whether what is published is as new as what it is made of."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import dagster as dg
import polars as pl

from di_assets.arms import Configs, batches
from di_assets.assets.checks import (
    EVENT_CHECKS,
    LABEL_CHECKS,
    MEASURE_CHECKS,
    MEASURED,
    PROMISE_CHECKS,
    BatchCheck,
    measured_keys_unique,
    planned_equals_played,
)
from di_assets.assets.events import arm_of
from di_assets.assets.home import Home
from di_assets.assets.problems import Problem, problem
from di_assets.tables import Warehouse
from di_assets.tables.storage import File

NIGHTLY_SLACK = timedelta(hours=26)
MOST_RECORDS = 1_000


def batch_checks(definition: dg.StaticPartitionsDefinition) -> list[dg.AssetChecksDefinition]:
    """Multi-checks of a batch: of events and labels (which block the measures), of promises, and of measures."""
    return [
        _multi_check("event_checks", EVENT_CHECKS, definition),
        _multi_check("label_checks", LABEL_CHECKS, definition),
        _multi_check("promise_checks", PROMISE_CHECKS, definition),
        _multi_check("measure_checks", MEASURE_CHECKS, definition),
    ]


def _multi_check(
    name: str, checks: tuple[tuple[BatchCheck, str], ...], definition: dg.StaticPartitionsDefinition
) -> dg.AssetChecksDefinition:
    specs = [
        dg.AssetCheckSpec(
            check.__name__,
            asset=asset,
            description=check.__doc__,
            # A batch may be measured before it is complete; nothing else that fails leaves measures right.
            blocking=check is not planned_equals_played,
            partitions_def=definition,
            additional_deps=[table for table in MEASURED if table != asset] if check is measured_keys_unique else None,
        )
        for check, asset in checks
    ]

    @dg.multi_asset_check(name=name, specs=specs)
    def run(context: dg.AssetCheckExecutionContext, home: dg.ResourceParam[Home]) -> Iterator[dg.AssetCheckResult]:
        for check, asset in checks:
            found = [p for batch in context.partition_keys if (p := check(home, batch)) is not None]
            severity = dg.AssetCheckSeverity.WARN if check is planned_equals_played else dg.AssetCheckSeverity.ERROR
            yield _result(found, severity=severity, check_name=check.__name__, asset_key=asset)

    return run


def freshness_checks(configs: Configs) -> list[dg.AssetChecksDefinition]:
    """What is published is not older than what it was made from; nightly arms were materialised since yesterday."""
    published = [_fresh_table(name) for name in PUBLISHED]
    return [*published, *(_fresh_arm(name) for name, arm in configs.arms.items() if arm.nightly)]


def newer_batches(warehouse: Warehouse, name: str) -> Problem | None:
    """Batches that were measured after this was published; all of them when it never was."""
    made = min((file.modified_ns for file in PUBLISHED[name](warehouse)), default=0)
    newer = [file.stem for file in warehouse.files("episode_measures") if file.modified_ns > made]
    rows = pl.DataFrame({"batch": newer}, schema={"batch": pl.String})
    return problem(f"{name} is older than batches it is made of", "episode_measures", rows)


def unplayed(home: Home, name: str, times: dict[str, float], *, now: datetime) -> Problem | None:
    """Unfinished batches of a nightly arm that lies idle, from when its batches were materialised (seconds UTC)."""
    newest = datetime.fromtimestamp(max(times.values()), tz=UTC) if times else None
    if newest is not None and now - newest <= NIGHTLY_SLACK:
        return None
    left = [batch for batch in batches(home.configs.arm(name)) if planned_equals_played(home, batch)]
    rows = pl.DataFrame({"batch": left}, schema={"batch": pl.String})
    return problem(f"{name} was last materialised {newest or 'never'}", "episodes", rows)


def _fresh_table(name: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=name, name=f"{name}_is_fresh", description="Not older than the newest measured batch.")
    def fresh(home: dg.ResourceParam[Home]) -> dg.AssetCheckResult:
        found = newer_batches(home.warehouse, name)
        return _result([found] if found else [], severity=dg.AssetCheckSeverity.ERROR)

    return fresh


def _fresh_arm(name: str) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset="episodes", name=f"{name}_is_fresh", description=f"{name} was materialised within {NIGHTLY_SLACK}."
    )
    def fresh(context: dg.AssetCheckExecutionContext, home: dg.ResourceParam[Home]) -> dg.AssetCheckResult:
        records = context.instance.fetch_materializations(dg.AssetKey("episodes"), limit=MOST_RECORDS).records
        times = {key: r.timestamp for r in reversed(records) if (key := r.partition_key) and arm_of(key) == name}
        found = unplayed(home, name, times, now=datetime.now(tz=UTC))
        return _result([found] if found else [], severity=dg.AssetCheckSeverity.WARN)

    return fresh


def _result(
    found: list[Problem],
    *,
    severity: dg.AssetCheckSeverity,
    check_name: str | None = None,
    asset_key: str | None = None,
) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=check_name,
        asset_key=asset_key,
        passed=not found,
        severity=severity,
        description=found[0].description if found else None,
        metadata={"problems": dg.MetadataValue.int(len(found)), **(found[0].metadata() if found else {})},
    )


PUBLISHED: dict[str, Callable[[Warehouse], list[File]]] = {
    "model_points": lambda w: w.files("model_points"),
    "lift": lambda w: w.files("lift"),
    "reciprocity_baseline": lambda w: w.files("reciprocity_baseline"),
    "promise_ledger": lambda w: w.files("promise_ledger"),
    "summary": lambda w: [file for file in [w.summary()] if file],
}
