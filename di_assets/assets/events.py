"""The six event tables of a batch: played, or completed from the journal, by one multi-asset."""

from collections.abc import Iterator

import dagster as dg

from di_assets.arms import Configs, batches
from di_assets.assets import metadata
from di_assets.assets.home import Home
from di_assets.assets.pool import POOL, playing
from di_assets.play.batch import BatchResult, play_batch
from di_assets.tables import EVENT_TABLES


class PlayConfig(dg.Config):
    """How much the run plays: everything that is missing, or the next `limit` episodes, for so many dollars in all."""

    limit: int | None = None
    budget_usd: float | None = None


def partitions(configs: Configs) -> dg.StaticPartitionsDefinition:
    """One partition a batch of each arm, computed from the configuration."""
    return dg.StaticPartitionsDefinition([b for arm in configs.arms.values() for b in batches(arm)])


def arm_of(batch: str) -> str:
    """The arm a partition belongs to."""
    return batch.rpartition("--b")[0]


def events_asset(definition: dg.StaticPartitionsDefinition, *, pool: str | None = POOL) -> dg.AssetsDefinition:
    """The multi-asset over these partitions; at most so many runs of it play at a time as its pool has slots."""

    @dg.multi_asset(
        name="play",
        pool=pool,
        partitions_def=definition,
        backfill_policy=dg.BackfillPolicy.single_run(),
        specs=[
            dg.AssetSpec(
                table.name,
                group_name="events",
                description=f"One row per {table.grain}.",
                code_version="1",
                kinds={"polars", "parquet"},
                metadata={"dagster/column_schema": metadata.column_schema(table.name)},
            )
            for table in EVENT_TABLES
        ],
    )
    def play(
        context: dg.AssetExecutionContext, config: PlayConfig, home: dg.ResourceParam[Home]
    ) -> Iterator[dg.MaterializeResult[None]]:
        limit, money = config.limit, config.budget_usd
        with playing(home.playing, context.run.run_id):
            for batch in context.partition_keys:
                result = play_batch(
                    home.configs,
                    home.configs.arm(arm_of(batch)),
                    batch,
                    home.warehouse,
                    limit=limit,
                    budget_usd=money,
                    progress=home.progress,
                )
                limit = None if limit is None else max(0, limit - result.played - result.failed)
                money = None if money is None else max(0.0, money - result.cost_usd)
                home.results.append(result)
                context.log.info(sentence(result))
                for table in EVENT_TABLES:
                    shown = metadata.of_table(table.name, home.warehouse.read(table.name, batch))
                    context.add_asset_metadata({**shown, **facts(result)}, asset_key=table.name, partition_key=batch)
        for table in EVENT_TABLES:
            yield dg.MaterializeResult(asset_key=table.name)

    return play


def sentence(result: BatchResult) -> str:
    """What happened to a batch, in one line."""
    text = f"{result.batch}: {result.complete} of {result.planned} episodes complete, {result.played} played now"
    text += f" with {result.calls:,} calls (${result.cost_usd:.4f})"
    text += f", {result.failed} failed (resumable)" if result.failed else ""
    text += "; " + ", ".join(f"{n} {kind}" for kind, n in result.faults.items()) if result.faults else ""
    text += f", {result.stale} played with another configuration" if result.stale else ""
    if result.stopped:
        text += f"; stopped: {result.stopped}; {result.left} episodes are left to play, about ${result.left_usd:.2f}"
    return text


def facts(result: BatchResult) -> dict[str, dg.MetadataValue]:
    """A batch's numbers for the UI."""
    numbers = {
        "episodes planned": result.planned,
        "episodes complete": result.complete,
        "episodes played now": result.played,
        "episodes failed now": result.failed,
        "calls made now": result.calls,
    }
    shown: dict[str, dg.MetadataValue] = {name: dg.MetadataValue.int(value) for name, value in numbers.items()}
    shown |= {"faults now": dg.MetadataValue.json(result.faults)}
    return {**shown, "cost now, USD": dg.MetadataValue.float(result.cost_usd)}
