"""The measures as assets: one for each measure declared in `di_assets/measures/`."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import polars as pl

from di_assets.arms import arm_of
from di_assets.assets import metadata
from di_assets.assets.automation import follows
from di_assets.assets.home import Home
from di_assets.assets.outcome import Outcome
from di_assets.labelling.stored import given_labels
from di_assets.measures.making import make_batch, make_over_all
from di_assets.measures.measure import Measure, Setting
from di_assets.tables.words import COMPLETE


def settings(measure: Measure, home: Home, batch: str = "") -> dict[str, Any]:
    """Arguments of a measure besides tables: configuration, the time, and a batch's labels by models and persons."""
    arms = home.configs.arms
    known: Mapping[Setting, Callable[[], object]] = {
        "mirrors": lambda: home.configs.mirrors,
        "controls": lambda: home.configs.controls,
        "focal": lambda: {name: arm.focal for name, arm in arms.items()},
        "planned": lambda: {name: len(set(arm.replicate_seeds)) for name, arm in arms.items()},
        "now": lambda: datetime.now(tz=UTC),
        "given": lambda: given_labels(home.warehouse, batch),
    }
    return {name: known[name]() for name in measure.settings}


def batch_asset(measure: Measure, definition: dg.StaticPartitionsDefinition) -> dg.AssetsDefinition:
    """The asset of a measure that is made batch by batch."""
    name = measure.name

    @dg.asset(
        name=name,
        deps=measure.above,
        group_name="measures",
        description=measure.description,
        partitions_def=definition,
        backfill_policy=dg.BackfillPolicy.single_run(),
        automation_condition=follows(),
        code_version=measure.version,
        kinds={"polars", "parquet"},
        owners=metadata.OWNERS,
        tags=metadata.COMPUTED,
    )
    def made(
        context: dg.AssetExecutionContext, home: dg.ResourceParam[Home], outcome: dg.ResourceParam[Outcome]
    ) -> dg.MaterializeResult[None]:
        for batch in context.partition_keys:
            with outcome.noting(home, name):
                frame = measure_batch(home, measure, batch)
            scripted = home.configs.only_scripted(home.configs.arm(arm_of(batch)))
            shown = {**metadata.of_table(name, frame, measure.above), **metadata.players(scripted=scripted)}
            context.add_asset_metadata(shown, partition_key=batch)
        return dg.MaterializeResult()

    return made


def measure_batch(home: Home, measure: Measure, batch: str) -> pl.DataFrame:
    """Computes a measure of one batch and writes it."""
    return make_batch(home.warehouse, measure, batch, settings(measure, home, batch))


def whole_asset(measure: Measure) -> dg.AssetsDefinition:
    """The asset of a measure over all episodes."""
    name = measure.name

    @dg.asset(
        name=name,
        deps=measure.above,
        group_name="aggregates",
        description=measure.description,
        automation_condition=follows(),
        code_version=measure.version,
        kinds={"polars", "parquet"},
        owners=metadata.OWNERS,
        tags=metadata.COMPUTED,
    )
    def made(home: dg.ResourceParam[Home], outcome: dg.ResourceParam[Outcome]) -> dg.MaterializeResult[None]:
        with outcome.noting(home, name):
            frame, episodes = measure_all(home, measure)
        shown = metadata.of_table(name, frame, measure.above)
        if episodes is not None:
            complete = episodes.filter(status=COMPLETE)
            shown |= {**metadata.of_episodes(complete), **metadata.players(scripted=bool(complete["scripted"].all()))}
        return dg.MaterializeResult(metadata=shown)

    return made


def measure_all(home: Home, measure: Measure) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """Computes a measure over all batches and writes it.

    Also returns the episodes it was made from, if it reads them.
    """
    return make_over_all(home.warehouse, measure, settings(measure, home))
