"""One batch: plays what its tables and journals do not hold, commits the tables, then clears the journals."""

import asyncio
import fcntl
import gc
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl
import uvloop

from di_assets.agents.prompts import Prompts
from di_assets.arms import Arm, Configs, PlannedEpisode, plan
from di_assets.play.budget import Budget, BudgetExceededError
from di_assets.play.cast import header, players
from di_assets.play.episode import Table, play_episode
from di_assets.play.estimate import estimate
from di_assets.play.group_sync import GroupSync
from di_assets.play.in_flight import InFlight, left_in_flight
from di_assets.play.journal import OK, Journal, StaleJournalError, interrupted, read_journal
from di_assets.play.launches import launches
from di_assets.play.record import COMPLETE, FAILED, STOPPED, Played, event_frames
from di_assets.play.sending import Lines
from di_assets.providers.types import FatalFault, TransportFault
from di_assets.tables import EVENT_TABLES, Warehouse

IN_FLIGHT = "in_flight.map"
Progress = Callable[[int, int], None]


class BatchInUseError(RuntimeError):
    """Another process is playing this batch."""


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What materialising a batch did.

    Attributes:
        batch: its partition key.
        planned: episodes it is to hold.
        complete: episodes it holds now.
        played: completed just now.
        failed: failed just now; resumable.
        left: not complete, for whatever reason.
        left_usd: what those would cost, US dollars; None where play was not stopped.
        stale: complete, but played with another configuration, prompts or rules than today's.
        calls: made just now (replayed ones not counted).
        cost_usd: spent just now.
        faults: calls of just now that brought no reply or an invalid one, and faults that were retried, by kind.
        stopped: why play stopped before the end; None when it did not.
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
    cost_usd: float
    faults: dict[str, int]
    stopped: str | None


@dataclass(slots=True)
class _Run:
    """What the episodes of one run of a batch share."""

    arm: Arm
    configs: Configs
    prompts: Prompts
    lines: Lines
    sync: GroupSync
    in_flight: InFlight
    folder: Path
    progress: Callable[[], None]
    stop: str | None = None
    calls: int = 0
    cost_usd: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)


def play_batch(
    configs: Configs,
    arm: Arm,
    batch: str,
    warehouse: Warehouse,
    *,
    limit: int | None = None,
    budget_usd: float | None = None,
    progress: Progress | None = None,
) -> BatchResult:
    """Plays the planned episodes of a batch that are not complete, or the next `limit` of them; idempotent.

    Args:
        configs: all configuration.
        arm: the batch's arm.
        batch: partition key.
        warehouse: where tables and journals are.
        limit: most episodes to play now.
        budget_usd: most to spend now, besides the arm's own budget.
        progress: told (episodes done, episodes to play) as they finish.

    Raises:
        BatchInUseError: another process is playing it.
    """
    folder = warehouse.journal / batch
    with _alone(folder):
        planned = [p for p in plan(arm, launches=launches(warehouse, arm)) if p.batch == batch]
        before = {table.name: warehouse.read(table.name, batch) for table in EVENT_TABLES}
        complete = set(before["episodes"].filter(pl.col("status") == COMPLETE)["episode_id"])
        _clear(folder, complete)  # left where a kill came between commit and clearing
        todo = [p for p in planned if p.episode_id not in complete][:limit]
        if todo:
            budgets = [
                Budget(arm.budget_usd, spent_usd=spent_so_far(warehouse, arm), name=f"budget of arm {arm.name}"),
                Budget(budget_usd, name="budget of this run"),
            ]
            played, run = _runner(_play(configs, arm, todo, folder, budgets, progress))
            _commit(warehouse, batch, before, event_frames(arm, played))
            _clear(folder, {one.planned.episode_id for one in played if one.status == COMPLETE})
        else:
            played, run = [], None
        return _result(configs, arm, batch, warehouse, planned, played, run)


def spent_so_far(warehouse: Warehouse, arm: Arm) -> float:
    """US dollars that the arm has cost: in its tables, and in journals not yet in them."""
    episodes = warehouse.scan("episodes").filter(pl.col("arm") == arm.name).select("episode_id", "cost_usd").collect()
    stored = dict(episodes.iter_rows())
    for folder in warehouse.journal.glob(f"{arm.name}--b*/"):
        out = left_in_flight(folder / IN_FLIGHT)
        calls = {path.stem: read_journal(path)[1] for path in folder.glob("*.jsonl")}
        for episode in {*calls, *(request.episode_id for request in out)}:
            held = calls.get(episode, [])
            lost = interrupted((request for request in out if request.episode_id == episode), held)
            cost = sum(call.cost_usd for call in (*held, *lost))
            stored[episode] = max(cost, stored.get(episode, 0.0))
    return float(sum(stored.values()))


def _runner(main: Coroutine[Any, Any, tuple[list[Played], _Run]]) -> tuple[list[Played], _Run]:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner, _rare_collections():
        return runner.run(main)


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Looks for cycles rarely: what is kept of an episode has none, and looking through it costs every call a sixth."""
    before = gc.get_threshold()
    gc.set_threshold(100_000, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


async def _play(
    configs: Configs,
    arm: Arm,
    todo: Sequence[PlannedEpisode],
    folder: Path,
    budgets: Sequence[Budget],
    progress: Progress | None,
) -> tuple[list[Played], _Run]:
    done = 0

    def one_more() -> None:
        nonlocal done
        done += 1
        if progress:
            progress(done, len(todo))

    run = _Run(
        arm=arm,
        configs=configs,
        prompts=Prompts.load(configs.prompts),
        lines=Lines(configs.models, configs.accounts, budgets),
        sync=GroupSync(),
        in_flight=InFlight(folder / IN_FLIGHT),
        folder=folder,
        progress=one_more,
    )
    run.lines.connect(arm.models)
    seats = asyncio.Semaphore(arm.in_flight)

    async def seated(planned: PlannedEpisode) -> Played | None:
        async with seats:
            return await _one(run, planned) if run.stop is None else None

    try:
        played = await asyncio.gather(*(seated(planned) for planned in todo))
    finally:
        await run.lines.close()
        run.sync.close()
        run.in_flight.close()
    return [one for one in played if one is not None], run


async def _one(run: _Run, planned: PlannedEpisode) -> Played:
    """Plays one episode; a fault fails this episode alone, a spent budget or a fatal fault stops the run as well."""
    today = header(planned, run.arm, run.configs, run.prompts)
    cast = players(planned, run.arm, run.configs, run.prompts, run.lines)
    paid = any(player.kind == "llm" for player in cast)
    state, status, failure, journal, held = None, COMPLETE, None, None, 0
    try:
        path = run.folder / f"{planned.episode_id}.jsonl"
        sync, in_flight = (run.sync, run.in_flight) if paid else (None, None)
        journal = Journal(path, today, sync=sync, in_flight=in_flight)
        held = len(journal.calls)
        table = Table(players=cast, journal=journal, send=run.lines.send)
        state = await play_episode(planned.setup, table)
    except TransportFault as fault:
        status, failure = FAILED, str(fault)
    except StaleJournalError as problem:
        status, failure = FAILED, str(problem)
    except (BudgetExceededError, FatalFault) as reason:
        status, failure = STOPPED, str(reason)
        run.stop = str(reason)
    finally:
        if journal is not None:
            made = journal.calls[held:]
            run.calls += len(made)
            run.cost_usd += sum(call.cost_usd for call in made)
            run.faults.update(call.status for call in made if call.status != OK)
            run.faults.update(kind for call in made if call.retried for kind in call.retried.split(" "))
            await journal.end()
    run.progress()
    return Played(
        planned=planned,
        header=today,
        kinds=tuple(player.kind for player in cast),
        providers=tuple(player.provider for player in cast),
        state=state,
        calls=journal.calls if journal else (),
        status=status,
        failure=failure,
    )


def _commit(warehouse: Warehouse, batch: str, before: dict[str, pl.DataFrame], new: dict[str, pl.DataFrame]) -> None:
    """Replaces the batch's six files; `episodes` last, for a row there says that all the others are in place."""
    ids = new["episodes"]["episode_id"]
    for name in sorted(new, key=lambda name: name == "episodes"):
        kept = before[name].filter(~pl.col("episode_id").is_in(ids.implode()))
        warehouse.write(name, pl.concat([kept, new[name]]), batch)


def _clear(folder: Path, complete: Set[str]) -> None:
    """Removes the journals whose replies are now in the tables; those of unfinished episodes stay, to be resumed."""
    for path in folder.glob("*.jsonl"):
        if path.stem in complete:
            path.unlink()


def _result(
    configs: Configs,
    arm: Arm,
    batch: str,
    warehouse: Warehouse,
    planned: Sequence[PlannedEpisode],
    played: Sequence[Played],
    run: _Run | None,
) -> BatchResult:
    stored = warehouse.read("episodes", batch).filter(pl.col("status") == COMPLETE)
    complete = set(stored["episode_id"]) & {p.episode_id for p in planned}
    return BatchResult(
        batch=batch,
        planned=len(planned),
        complete=len(complete),
        played=sum(one.status == COMPLETE for one in played),
        failed=sum(one.status == FAILED for one in played),
        left=len(planned) - len(complete),
        left_usd=estimate(configs, arm, warehouse, batch=batch).cost_usd if run and run.stop else None,
        stale=stored.filter(pl.col("config_hash") != configs.config_hash(arm)).height,
        calls=run.calls if run else 0,
        cost_usd=run.cost_usd if run else 0.0,
        faults=dict(run.faults.most_common()) if run else {},
        stopped=run.stop if run else None,
    )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Holds the batch's lock, which the system lets go when this process ends, however it ends."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    lock = folder.parent / f".{folder.name}.lock"
    with lock.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BatchInUseError(f"{folder.name} is being played by another process; wait for it to end") from None
        yield
