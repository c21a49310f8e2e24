"""The measures as assets: each reads the tables its function names, calls it, and writes what comes back."""

import inspect
from collections.abc import Callable

import dagster as dg
import polars as pl

from di_assets.assets import metadata
from di_assets.assets.home import Home
from di_assets.measures.baseline import model_baseline, reciprocity_baseline
from di_assets.measures.capture import pair_capture
from di_assets.measures.channels import channel_lift
from di_assets.measures.choices import choices
from di_assets.measures.episode import episode_measures
from di_assets.measures.kinds import pull_kinds
from di_assets.measures.labels import message_labels
from di_assets.measures.lift import lift
from di_assets.measures.points import model_points
from di_assets.measures.reactions import reactions
from di_assets.measures.relations import relations
from di_assets.measures.repayments import estimated_floors, repayments
from di_assets.measures.seats import seat_measures
from di_assets.tables import TABLES

Measure = Callable[..., pl.DataFrame]


def inputs(measure: Measure) -> list[str]:
    """Tables a measure reads: its parameters that are named like one."""
    return [name for name in inspect.signature(measure).parameters if name in TABLES]


def settings(measure: Measure, home: Home) -> dict[str, object]:
    """What a measure takes from the configuration besides tables."""
    arms = home.configs.arms
    known: dict[str, object] = {
        "mirrors": home.configs.mirrors,
        "controls": home.configs.controls,
        "focal": {name: arm.focal for name, arm in arms.items()},
    }
    return {name: known[name] for name in inspect.signature(measure).parameters if name in known}


def batch_asset(measure: Measure, definition: dg.StaticPartitionsDefinition) -> dg.AssetsDefinition:
    """A measure of episodes, batch by batch."""
    name = measure.__name__

    @dg.asset(
        name=name,
        deps=inputs(measure),
        group_name="measures",
        description=(measure.__doc__ or "").strip(),
        partitions_def=definition,
        backfill_policy=dg.BackfillPolicy.single_run(),
        automation_condition=_automatic(),
        code_version="1",
        kinds={"polars", "parquet"},
    )
    def made(context: dg.AssetExecutionContext, home: dg.ResourceParam[Home]) -> dg.MaterializeResult[None]:
        for batch in context.partition_keys:
            frame = measure(
                *(home.warehouse.read(table, batch) for table in inputs(measure)), **settings(measure, home)
            )
            home.warehouse.write(name, frame, batch)
            context.add_asset_metadata(metadata.of_table(name, frame, inputs(measure)), partition_key=batch)
        return dg.MaterializeResult()

    return made


def whole_asset(measure: Measure) -> dg.AssetsDefinition:
    """A measure across all episodes."""
    name = measure.__name__

    @dg.asset(
        name=name,
        deps=inputs(measure),
        group_name="aggregates",
        description=(measure.__doc__ or "").strip(),
        automation_condition=_automatic(),
        code_version="1",
        kinds={"polars", "parquet"},
    )
    def made(home: dg.ResourceParam[Home]) -> dg.MaterializeResult[None]:
        frame = measure(*(home.warehouse.read(table) for table in inputs(measure)), **settings(measure, home))
        home.warehouse.write(name, frame)
        return dg.MaterializeResult(metadata=metadata.of_table(name, frame, inputs(measure)))

    return made


def _automatic() -> dg.AutomationCondition[dg.AssetKey]:
    """As soon as something above is new and passed its checks, though other batches may still be missing."""
    eager = dg.AutomationCondition.eager().without(~dg.AutomationCondition.any_deps_missing())
    return eager & dg.AutomationCondition.all_deps_blocking_checks_passed()


BY_BATCH: tuple[Measure, ...] = (message_labels, pull_kinds, choices, pair_capture, seat_measures, episode_measures)
OVER_ALL: tuple[Measure, ...] = (
    model_points,
    reciprocity_baseline,
    model_baseline,
    lift,
    channel_lift,
    relations,
    reactions,
    repayments,
    estimated_floors,
)
