"""The measures as assets: each reads the tables its function names, calls it, and writes what comes back."""

import inspect
import sys
from collections.abc import Callable
from datetime import UTC, datetime

import dagster as dg
import polars as pl

from di_assets.assets import metadata
from di_assets.assets.automation import follows
from di_assets.assets.events import arm_of
from di_assets.assets.failed import noted
from di_assets.assets.home import Home
from di_assets.labelling.stored import given_labels
from di_assets.measures.agreement import label_agreement
from di_assets.measures.baseline import model_baseline, reciprocity_baseline
from di_assets.measures.capture import pair_capture
from di_assets.measures.channels import channel_lift
from di_assets.measures.choices import choices
from di_assets.measures.comparable import one_rules_version
from di_assets.measures.episode import episode_measures
from di_assets.measures.kinds import pull_kinds
from di_assets.measures.labels import message_labels
from di_assets.measures.lift import lift
from di_assets.measures.looks import looks
from di_assets.measures.points import model_points
from di_assets.measures.promises import promise_ledger, promises
from di_assets.measures.reactions import reactions
from di_assets.measures.relations import relations
from di_assets.measures.repayments import estimated_floors, repayments
from di_assets.measures.seats import seat_measures
from di_assets.measures.whole import COLUMNS
from di_assets.tables import TABLES

Measure = Callable[..., pl.DataFrame]


def inputs(measure: Measure) -> list[str]:
    """Tables a measure reads: its parameters that are named like one; its own is as it was before."""
    return [name for name in inspect.signature(measure).parameters if name in TABLES]


def above(measure: Measure) -> list[str]:
    """Tables a measure depends on: those it reads but its own."""
    return [name for name in inputs(measure) if name != measure.__name__]


def settings(measure: Measure, home: Home, batch: str = "") -> dict[str, object]:
    """What a measure takes besides tables: configuration, the clock, what models and persons said of a batch."""
    arms = home.configs.arms
    known: dict[str, Callable[[], object]] = {
        "mirrors": lambda: home.configs.mirrors,
        "controls": lambda: home.configs.controls,
        "focal": lambda: {name: arm.focal for name, arm in arms.items()},
        "planned": lambda: {name: len(set(arm.replicate_seeds)) for name, arm in arms.items()},
        "now": lambda: datetime.now(tz=UTC),
        "given": lambda: given_labels(home.warehouse, batch),
    }
    return {name: known[name]() for name in inspect.signature(measure).parameters if name in known}


def version(measure: Measure) -> str:
    """Code version of a measure: VERSION of its own module, 1 where it has none."""
    return str(getattr(sys.modules[measure.__module__], "VERSION", "1"))


def first_line(measure: Measure) -> str:
    """What a measure is, in the first line of its docstring."""
    return inspect.cleandoc(measure.__doc__ or "").partition("\n")[0]


def batch_asset(measure: Measure, definition: dg.StaticPartitionsDefinition) -> dg.AssetsDefinition:
    """A measure of episodes, batch by batch."""
    name = measure.__name__

    @dg.asset(
        name=name,
        deps=inputs(measure),
        group_name="measures",
        description=first_line(measure),
        partitions_def=definition,
        backfill_policy=dg.BackfillPolicy.single_run(),
        automation_condition=follows(),
        code_version=version(measure),
        kinds={"polars", "parquet"},
        owners=metadata.OWNERS,
        tags=metadata.COMPUTED,
    )
    def made(context: dg.AssetExecutionContext, home: dg.ResourceParam[Home]) -> dg.MaterializeResult[None]:
        for batch in context.partition_keys:
            with noted(home, name):
                frame = measure_batch(home, measure, batch)
            scripted = home.configs.only_scripted(home.configs.arm(arm_of(batch)))
            told = {**metadata.of_table(name, frame, inputs(measure)), **metadata.players(scripted=scripted)}
            context.add_asset_metadata(told, partition_key=batch)
        return dg.MaterializeResult()

    return made


def measure_batch(home: Home, measure: Measure, batch: str) -> pl.DataFrame:
    """A measure of one batch, made and written."""
    frames = [_read(home, measure, table, batch) for table in inputs(measure)]
    frame = measure(*frames, **settings(measure, home, batch))
    home.warehouse.write(measure.__name__, frame, batch)
    return frame


def _read(home: Home, measure: Measure, table: str, batch: str) -> pl.DataFrame:
    # Text is nearly all there is of messages on disk; who wrote whom in which round is little.
    if table == "messages" and measure in WITHOUT_TEXT:
        return home.warehouse.scan(table, batch).select(COLUMNS[table]).collect()
    return home.warehouse.read(table, batch)


def whole_asset(measure: Measure) -> dg.AssetsDefinition:
    """A measure across all episodes."""
    name = measure.__name__

    @dg.asset(
        name=name,
        deps=above(measure),
        group_name="aggregates",
        description=first_line(measure),
        automation_condition=follows(),
        code_version=version(measure),
        kinds={"polars", "parquet"},
        owners=metadata.OWNERS,
        tags=metadata.COMPUTED,
    )
    def made(home: dg.ResourceParam[Home]) -> dg.MaterializeResult[None]:
        with noted(home, name):
            frame, episodes = measure_all(home, measure)
        told = metadata.of_table(name, frame, above(measure))
        if episodes is not None:
            complete = episodes.filter(status="complete")
            told |= {**metadata.of_episodes(complete), **metadata.players(scripted=bool(complete["scripted"].all()))}
        return dg.MaterializeResult(metadata=told)

    return made


def measure_all(home: Home, measure: Measure) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """A measure over all batches, made and written; and the episodes it was made from, if it reads them."""
    frames = {table: home.warehouse.read(table) for table in inputs(measure)}
    if "episodes" in frames:
        frames["episodes"] = one_rules_version(frames["episodes"])
    frame = measure(**frames, **settings(measure, home))
    home.warehouse.write(measure.__name__, frame)
    return frame, frames.get("episodes")


WITHOUT_TEXT: tuple[Measure, ...] = (pull_kinds, episode_measures)
BY_BATCH: tuple[Measure, ...] = (
    message_labels,
    pull_kinds,
    choices,
    promises,
    pair_capture,
    seat_measures,
    episode_measures,
)
OVER_ALL: tuple[Measure, ...] = (
    model_points,
    reciprocity_baseline,
    model_baseline,
    lift,
    looks,
    channel_lift,
    relations,
    reactions,
    repayments,
    estimated_floors,
    label_agreement,
    promise_ledger,
)
