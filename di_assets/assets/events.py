"""The six event tables of a batch, as one multi-asset. It plays the batch, or completes it from the journal."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any
from urllib.parse import quote

import dagster as dg
from pydantic import Field

from di_assets.agents.prompts import Prompts
from di_assets.arms import Configs, arm_of, batches
from di_assets.assets import metadata
from di_assets.assets.home import Home
from di_assets.assets.live import Live
from di_assets.assets.outcome import Outcome
from di_assets.assets.playing import POOL, PROCESS_TAG, playing
from di_assets.calls.stopping import stopped_by_signals
from di_assets.calls.tally import Tally
from di_assets.game.types import RULES_VERSION
from di_assets.play.batch import BatchResult, play_batch
from di_assets.play.keys import check_keys, models_needed
from di_assets.tables import EVENT_TABLES

NAME = "play"
HASH_CHARS = 12


class PlayConfig(dg.Config):
    """How much a run plays: everything that is missing, or the next `limit` episodes; and the most to spend on it."""

    limit: int | None = None
    budget_usd: float | None = Field(default=None, ge=0, allow_inf_nan=False)


def play_config(*, limit: int | None, budget_usd: float | None) -> dict[str, Any]:
    """Run configuration of a run that plays; an option that is None is left out."""
    given = {"limit": limit, "budget_usd": budget_usd}
    return {"ops": {NAME: {"config": {name: value for name, value in given.items() if value is not None}}}}


def partitions(configs: Configs) -> dg.StaticPartitionsDefinition:
    """One partition for each batch of each arm, computed from the configuration."""
    return dg.StaticPartitionsDefinition([b for arm in configs.arms.values() for b in batches(arm)])


def code_version(configs: Configs) -> str:
    """Version of what every batch is played with: rules and prompts.

    All batches share it, so it does not include an arm's configuration, which makes only the arm's own batches stale.
    Instead, each materialisation counts the episodes of its batch that were played with another configuration.
    """
    return f"rules {RULES_VERSION}, prompts {Prompts.load(configs.prompts).hash[:HASH_CHARS]}"


def events_asset(
    definition: dg.StaticPartitionsDefinition, *, code_version: str, pool: str | None = POOL
) -> dg.AssetsDefinition:
    """The multi-asset over these partitions. The pool's slots limit how many runs of it play at a time."""

    @dg.multi_asset(
        name=NAME,
        pool=pool,
        partitions_def=definition,
        backfill_policy=dg.BackfillPolicy.single_run(),
        specs=[
            dg.AssetSpec(
                table.name,
                group_name="events",
                description=f"One row per {table.grain}.",
                code_version=code_version,
                kinds={"polars", "parquet"},
                owners=metadata.OWNERS,
                tags=metadata.PLAYED,
                metadata={"dagster/column_schema": metadata.column_schema(table.name)},
            )
            for table in EVENT_TABLES
        ],
    )
    def play(
        context: dg.AssetExecutionContext,
        config: PlayConfig,
        home: dg.ResourceParam[Home],
        outcome: dg.ResourceParam[Outcome],
    ) -> Iterator[dg.MaterializeResult[None]]:
        limit, money = config.limit, config.budget_usd
        tell = _teller(context, home)
        results: list[BatchResult] = []
        context.instance.add_run_tags(context.run.run_id, run_tags(home.configs, context.partition_keys))
        arms = [home.configs.arm(name) for name in sorted(set(map(arm_of, context.partition_keys)))]
        with outcome.noting(home, NAME):
            check_keys(home.configs, models_needed(arms, home.warehouse))
        paid = any(not home.configs.only_scripted(home.configs.arm(arm_of(batch))) for batch in context.partition_keys)
        with (
            playing(home.playing, context.run.run_id, in_turn=paid),
            stopped_by_signals(home.stop),
            outcome.noting(home, NAME),
        ):
            for batch in context.partition_keys:
                if home.stop.reason is not None:
                    break
                result = play_batch(
                    home.configs,
                    home.configs.arm(arm_of(batch)),
                    batch,
                    home.warehouse,
                    limit=limit,
                    budget_usd=money,
                    progress=tell(batch),
                    stop=home.stop,
                )
                limit = None if limit is None else max(0, limit - result.played - result.failed)
                money = None if money is None else max(0.0, money - result.cost_usd)
                outcome.results.append(result)
                results.append(result)
                context.instance.add_run_tags(context.run.run_id, result_tags(results))
                context.log.info(sentence(result))
                if home.stop.interrupted:
                    break
                scripted = home.configs.only_scripted(home.configs.arm(arm_of(batch)))
                shown_of_batch = {**facts(result), **metadata.players(scripted=scripted), **links(batch)}
                for table in EVENT_TABLES:
                    shown = metadata.of_stored(table.name, home.warehouse.scan(table.name, batch))
                    context.add_asset_metadata({**shown, **shown_of_batch}, asset_key=table.name, partition_key=batch)
            if home.stop.interrupted:
                _cancel(context, home.stop.reason)
        for table in EVENT_TABLES:
            yield dg.MaterializeResult(asset_key=table.name)

    return play


def _cancel(context: dg.AssetExecutionContext, reason: str | None) -> None:
    """Ends the run with Dagster's own interrupt, after what was played is committed.

    If nobody asked Dagster to interrupt, it counts an interrupt as a failure and starts the run again. That is right if
    the system ended the run's process. It is not right for a run in a person's own process, which the person
    interrupted.
    """
    if PROCESS_TAG in context.run.tags:
        context.instance.report_run_canceling(context.run)
    raise dg.DagsterExecutionInterruptedError(reason)


def _teller(context: dg.AssetExecutionContext, home: Home) -> Callable[[str], Callable[[int, int, Tally], None]]:
    def of(batch: str) -> Callable[[int, int, Tally], None]:
        live = Live(batch, lambda standing: context.log_event(standing.event()))

        def on_progress(done: int, total: int, tally: Tally) -> None:
            if home.progress:
                home.progress(batch, done, total, tally)
            live(done, total, tally)

        return on_progress

    return of


def run_tags(configs: Configs, batches: Sequence[str]) -> dict[str, str]:
    """Tags that show in the list of runs what a run plays: arms, batches, and whether only scripted agents play."""
    arms = sorted({arm_of(batch) for batch in batches})
    scripted = all(configs.only_scripted(configs.arm(arm)) for arm in arms)
    return {
        "arm": ", ".join(arms),
        "batch": batches[0] if len(batches) == 1 else f"{len(batches)} batches",
        "players": "scripted" if scripted else "models",
    }


def result_tags(results: Sequence[BatchResult]) -> dict[str, str]:
    """Tags with the results of a run so far: episodes played in it, US dollars spent in it."""
    return {
        "episodes": str(sum(result.played for result in results)),
        "cost_usd": f"{sum(result.cost_usd for result in results):.4f}",
    }


def sentence(result: BatchResult) -> str:
    """One line that says what happened to a batch."""
    text = f"{result.batch}: {result.complete} of {result.planned} episodes complete, {result.played} played now"
    made = [f"{result.calls:,} calls to models (${result.cost_usd:.4f})"] if result.calls else []
    made += [f"{result.scripted_calls:,} calls to scripted agents"] if result.scripted_calls else []
    text += f" with {' and '.join(made) or 'no call'}"
    text += f", {result.failed} failed (resumable)" if result.failed else ""
    text += f", {len(result.held_back)} of them held back by their journals" if result.held_back else ""
    text += "; " + ", ".join(f"{n} {kind}" for kind, n in result.faults.items()) if result.faults else ""
    text += f", {result.stale} played with another configuration" if result.stale else ""
    if result.stopped:
        text += f"; stopped: {result.stopped}; {result.left} episodes are left to play, about ${result.left_usd:.2f}"
    return text


def facts(result: BatchResult) -> dict[str, dg.MetadataValue]:
    """A batch's numbers for the Dagster UI."""
    numbers = {
        "episodes planned": result.planned,
        "episodes complete": result.complete,
        "episodes played now": result.played,
        "episodes failed now": result.failed,
        "episodes of another configuration": result.stale,
        "calls to models now": result.calls,
        "calls to scripted agents now": result.scripted_calls,
    }
    shown: dict[str, dg.MetadataValue] = {name: dg.MetadataValue.int(value) for name, value in numbers.items()}
    shown |= {"faults now": dg.MetadataValue.json(result.faults)}
    return {**shown, "cost now, USD": dg.MetadataValue.float(result.cost_usd)}


def links(batch: str) -> dict[str, dg.MetadataValue]:
    """Links to a batch in the dashboard."""
    arm = quote(arm_of(batch))
    return {
        "episodes page": dg.MetadataValue.url(f"{metadata.dashboard()}/episodes?arm={arm}"),
        "arms page": dg.MetadataValue.url(f"{metadata.dashboard()}/arms"),
    }
