"""The checks of a batch as Dagster asset checks."""

from collections.abc import Iterator
from functools import partial

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData

from di_assets.assets.checks import (
    EVENT_CHECKS,
    LABEL_CHECKS,
    MEASURE_CHECKS,
    MEASURED,
    PROMISE_CHECKS,
    BatchCheck,
    measured_keys_unique,
    measured_together,
    planned_equals_played,
)
from di_assets.assets.damaged import looked_at
from di_assets.assets.home import Home
from di_assets.assets.outcome import Outcome
from di_assets.assets.problems import Problem


def batch_checks(definition: dg.StaticPartitionsDefinition) -> list[dg.AssetChecksDefinition]:
    """The multi-checks of a batch: of events and labels (these block the measures), of promises, and of measures."""
    return [
        _multi_check("event_checks", EVENT_CHECKS, definition),
        _multi_check("label_checks", LABEL_CHECKS, definition),
        _multi_check("promise_checks", PROMISE_CHECKS, definition),
        _multi_check("measure_checks", MEASURE_CHECKS, definition),
    ]


def _multi_check(
    name: str, checks: tuple[tuple[BatchCheck, str], ...], definition: dg.StaticPartitionsDefinition
) -> dg.AssetChecksDefinition:
    together = [table for table in measured_together() if table != MEASURED]
    specs = [
        dg.AssetCheckSpec(
            check.__name__,
            asset=asset,
            description=check.__doc__,
            # A batch may be measured before it is complete. If any other check fails, the measures would be wrong.
            blocking=check is not planned_equals_played,
            partitions_def=definition,
            additional_deps=together if check is measured_keys_unique else None,
        )
        for check, asset in checks
    ]

    # Only for the assets that the run makes, so that a measure can be made without the others.
    @dg.multi_asset_check(name=name, specs=specs, can_subset=True)
    def run(
        context: dg.AssetCheckExecutionContext, home: dg.ResourceParam[Home], outcome: dg.ResourceParam[Outcome]
    ) -> Iterator[dg.AssetCheckResult]:
        with outcome.noting(home, name):
            chosen = {(key.asset_key.to_user_string(), key.name) for key in context.selected_asset_check_keys}
            for check, asset in checks:
                if (asset, check.__name__) not in chosen:
                    continue
                severity = dg.AssetCheckSeverity.WARN if check is planned_equals_played else dg.AssetCheckSeverity.ERROR
                named = partial(result, severity=severity, check_name=check.__name__, asset_key=asset)
                found = {
                    batch: p
                    for batch in context.partition_keys
                    if (p := looked_at(home, partial(check, home, batch), table=asset))
                }
                # A run of a range, even of a single batch in a backfill: Dagster records its result for no partition.
                if "dagster/partition" not in context.op_execution_context.run.tags:
                    for batch in context.partition_keys:
                        result_of_batch = named([found[batch]] if batch in found else [])
                        # Dagster accepts this, although the type of the argument does not include it.
                        context.op_execution_context.log_event(_of_batch(result_of_batch, batch, context.instance))  # type: ignore[arg-type]
                yield named(list(found.values()))

    return run


def _of_batch(
    result_of_batch: dg.AssetCheckResult, batch: str, instance: dg.DagsterInstance
) -> dg.AssetCheckEvaluation:
    """The check's result for one batch of several. The result of a run over several batches belongs to no batch.

    Raises:
        ValueError: the result names no check.
    """
    if result_of_batch.asset_key is None or result_of_batch.check_name is None:
        raise ValueError("a result that names no check")
    of_batch = dg.AssetRecordsFilter(asset_key=result_of_batch.asset_key, asset_partitions=[batch])
    checked = instance.fetch_materializations(of_batch, limit=1).records
    return dg.AssetCheckEvaluation(
        asset_key=result_of_batch.asset_key,
        check_name=result_of_batch.check_name,
        passed=result_of_batch.passed,
        metadata=result_of_batch.metadata,
        target_materialization_data=AssetCheckEvaluationTargetMaterializationData(
            storage_id=checked[0].storage_id, run_id=checked[0].run_id, timestamp=checked[0].timestamp
        )
        if checked
        else None,
        severity=result_of_batch.severity,
        description=result_of_batch.description,
        blocking=result_of_batch.severity is dg.AssetCheckSeverity.ERROR,
        partition=batch,
    )


def result(
    found: list[Problem],
    *,
    severity: dg.AssetCheckSeverity,
    check_name: str | None = None,
    asset_key: str | None = None,
) -> dg.AssetCheckResult:
    """Passed if no problem was found. Otherwise failed, with the first problem and the number of problems."""
    return dg.AssetCheckResult(
        check_name=check_name,
        asset_key=asset_key,
        passed=not found,
        severity=severity,
        description=found[0].description if found else None,
        metadata={"problems": dg.MetadataValue.int(len(found)), **(found[0].metadata() if found else {})},
    )
