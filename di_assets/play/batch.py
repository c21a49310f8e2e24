"""Plays one batch: plays the episodes that are not complete, writes the tables, then deletes the journals."""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from di_assets.arms import Arm, Configs, PlannedEpisode, plan
from di_assets.calls.budget import Budget, of_arm
from di_assets.calls.stopping import Stop, StoppedError
from di_assets.calls.tally import Tally
from di_assets.calls.wave_file import waves_in
from di_assets.play.commit import clear, commit, stored
from di_assets.play.estimate import estimate
from di_assets.play.journaled import play_journaled
from di_assets.play.launches import launches
from di_assets.play.record import Played, event_frames
from di_assets.play.rehearsal import check_prompts
from di_assets.play.scripted import played_free
from di_assets.play.spent import owed, spent_so_far
from di_assets.tables import Warehouse
from di_assets.tables.locks import locked
from di_assets.tables.words import BATCH, COMPLETE, FAILED

# Called after each scripted episode, and every second while models play. Arguments: number of episodes that ended,
# number of episodes to play, counts of the run so far.
Progress = Callable[[int, int, Tally], None]


class BatchInUseError(RuntimeError):
    """Another process is playing this batch."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class BatchResult:
    """The result of materialising a batch. All numbers of episodes and calls are counts.

    Attributes:
        batch: partition key of the batch.
        planned: episodes planned for the batch.
        complete: planned episodes that are complete now.
        played: episodes completed by this run.
        failed: episodes that failed in this run; they can be resumed.
        left: planned episodes that are not complete, for whatever reason.
        left_usd: estimated cost of the episodes that are left, US dollars; None if play was not stopped.
        stale: complete episodes that were played with another configuration than today's (see `config_hash`).
        calls: calls to models in this run; replayed calls are not counted.
        scripted_calls: calls to scripted agents in this run, which are free.
        cost_usd: spent by this run, US dollars.
        faults: calls of this run without a valid reply, and retried faults, by kind.
        stopped: why play stopped before the end; None if it did not.
        held_back: one line for each episode that cannot be resumed until somebody acts: its journal, and what to do.
    """

    batch: str
    planned: int
    complete: int
    played: int
    failed: int
    left: int
    left_usd: float | None
    stale: int
    calls: int
    scripted_calls: int
    cost_usd: float
    faults: dict[str, int]
    stopped: str | None
    held_back: tuple[str, ...] = ()


def play_batch(
    configs: Configs,
    arm: Arm,
    batch: str,
    warehouse: Warehouse,
    *,
    limit: int | None = None,
    budget_usd: float | None = None,
    progress: Progress | None = None,
    stop: Stop | None = None,
) -> BatchResult:
    """Plays the planned episodes of a batch that are not complete, or the next `limit` of them.

    It is idempotent: a complete episode is not played again, and a stored reply is not asked for again.

    Args:
        configs: all configuration.
        arm: the batch's arm.
        batch: partition key of the batch.
        warehouse: where tables and journals are.
        limit: the most episodes to play in this run; None plays all.
        budget_usd: the most to spend in this run, US dollars; the arm's budget holds as well.
        progress: called from time to time, see `Progress`.
        stop: ends play when it is asked; what was played until then is written to the tables.

    Raises:
        BatchInUseError: another process is playing the batch.
        StorageError: object storage cannot do what play needs, or did not store what was written. Journals are kept.
    """
    folder = warehouse.journal / batch
    with locked_batch(folder):
        planned = plan(arm, launches=launches(warehouse, arm), batch=batch)
        tables = stored(warehouse, folder, batch)
        complete = set(tables["episodes"].filter(pl.col("status") == COMPLETE)["episode_id"])
        clear(folder, tables, complete)  # journals remain if an earlier run was killed between commit and clearing
        todo = [p for p in planned if p.episode_id not in complete][:limit]
        if todo:
            warehouse.probe()
        stop = stop or Stop(drain_s=configs.play.drain_s)
        played, tally = _play(configs, arm, todo, folder, warehouse, budget_usd, progress, stop)
        if played:
            tables = commit(warehouse, folder, batch, tables, event_frames(arm, played))
            clear(folder, tables, {one.planned.episode_id for one in played if one.status == COMPLETE})
        episodes = tables["episodes"]
        return _result(configs, arm, batch, warehouse, planned, episodes, played, tally)


def _play(
    configs: Configs,
    arm: Arm,
    todo: Sequence[PlannedEpisode],
    folder: Path,
    warehouse: Warehouse,
    budget_usd: float | None,
    progress: Progress | None,
    stop: Stop,
) -> tuple[list[Played], Tally]:
    """Plays these episodes, on a cluster if one is configured.

    Without a cluster, episodes in which only scripted agents play come first, one after the other.
    """
    done, tally = 0, Tally()

    def meanwhile(so_far: Tally) -> None:
        if progress:
            progress(done, len(todo), so_far)

    def one_more() -> None:
        nonlocal done
        done += 1

    with _rare_collections():
        played: list[Played] = []
        # Waves take all episodes together, so they leave from this process. So do those that an earlier run left.
        waves = arm.engine == BATCH or bool(waves_in(folder))
        local = waves or configs.play.engine == "local"
        here = [planned for planned in todo if local and configs.is_free(planned.models)]
        others = [planned for planned in todo if not (local and configs.is_free(planned.models))]
        config_hash = configs.config_hash(arm)
        for planned in here:
            if stop.reason is not None:
                break
            played.append(played_free(planned, config_hash))
            tally.add(played[-1].calls)
            one_more()
            meanwhile(tally)
        if others and stop.reason is None:
            for planned in [p for p in others if not configs.is_free(p.models)][:1]:
                check_prompts(planned, arm, configs)
            spent, at_providers = spent_so_far(warehouse, arm), owed(folder)
            still_open = sum(one.cost_usd for one in at_providers if one.open)
            budgets = [
                Budget(arm.budget_usd, spent_usd=spent, open_usd=still_open, name=of_arm(arm.name)),
                Budget(budget_usd, name="budget of this run"),
            ]
            meanwhile(tally)
            with suppress(StoppedError):
                played += _engine(local=local)(
                    configs,
                    arm,
                    others,
                    folder,
                    budgets,
                    tally=tally,
                    stop=stop,
                    one_more=one_more,
                    meanwhile=meanwhile,
                )
            meanwhile(tally)
        if len(played) < len(todo):
            tally.stopped = tally.stopped or stop.reason
    return played, tally


def _engine(*, local: bool) -> Callable[..., list[Played]]:
    if local:
        return play_journaled
    from di_assets.play.cluster import play_on_cluster  # noqa: PLC0415 -- slow to import, and an extra

    return play_on_cluster


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Makes garbage collection rare inside the block.

    Stored episodes have no reference cycles, and to search them for cycles would cost each call a sixth of its time.
    """
    before = gc.get_threshold()
    gc.set_threshold(100_000, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _result(
    configs: Configs,
    arm: Arm,
    batch: str,
    warehouse: Warehouse,
    planned: Sequence[PlannedEpisode],
    episodes: pl.DataFrame,
    played: Sequence[Played],
    tally: Tally,
) -> BatchResult:
    stored = episodes.filter(pl.col("status") == COMPLETE)
    complete = set(stored["episode_id"]) & {p.episode_id for p in planned}
    return BatchResult(
        batch=batch,
        planned=len(planned),
        complete=len(complete),
        played=sum(one.status == COMPLETE for one in played),
        failed=sum(one.status == FAILED for one in played),
        left=len(planned) - len(complete),
        left_usd=estimate(configs, arm, warehouse, batch=batch).cost_usd if tally.stopped else None,
        stale=stored.filter(pl.col("config_hash") != configs.config_hash(arm)).height,
        calls=tally.calls,
        scripted_calls=tally.scripted_calls,
        cost_usd=tally.cost_usd,
        faults=dict(tally.faults.most_common()),
        stopped=tally.stopped,
        held_back=tuple(
            one.failure for one in played if one.failure and one.failure.startswith(str(warehouse.journal))
        ),
    )


@contextmanager
def locked_batch(folder: Path) -> Iterator[None]:
    """Holds the lock of a batch inside the block.

    Args:
        folder: the folder of the batch's journals.

    Raises:
        BatchInUseError: another process holds the lock.
    """
    taken = BatchInUseError(f"{folder.name} is being played by another process; wait for it to end")
    with locked(folder.parent / f".{folder.name}.lock", taken=taken):
        yield
