"""The checks of a batch as Dagster runs them."""

from collections.abc import Iterator

import dagster as dg

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
from di_assets.assets.home import Home
from di_assets.assets.problems import Problem


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
            yield result(found, severity=severity, check_name=check.__name__, asset_key=asset)

    return run


def result(
    found: list[Problem],
    *,
    severity: dg.AssetCheckSeverity,
    check_name: str | None = None,
    asset_key: str | None = None,
) -> dg.AssetCheckResult:
    """Passed where nothing was found; else the first problem, and how many there are."""
    return dg.AssetCheckResult(
        check_name=check_name,
        asset_key=asset_key,
        passed=not found,
        severity=severity,
        description=found[0].description if found else None,
        metadata={"problems": dg.MetadataValue.int(len(found)), **(found[0].metadata() if found else {})},
    )
