"""Plays episodes that include models: many at once; every reply is written to a journal before it is used."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import uvloop

from di_assets.agents.prompts import Prompts
from di_assets.agents.replies import READERS
from di_assets.arms import Arm, Configs, PlannedEpisode
from di_assets.calls.ask_once import Sender
from di_assets.calls.budget import Budget, BudgetExceededError
from di_assets.calls.call import by_field, in_call_order
from di_assets.calls.disk_space import DiskFullError
from di_assets.calls.group_sync import GroupSync
from di_assets.calls.in_flight import SUFFIX, InFlight, move
from di_assets.calls.journal import Journal
from di_assets.calls.journal_file import StaleJournalError
from di_assets.calls.open_files import at_once
from di_assets.calls.permits import LocalPermits
from di_assets.calls.sending import Lines
from di_assets.calls.stopping import Stop, StoppedError
from di_assets.calls.tally import Tally
from di_assets.calls.wave_file import waves_in
from di_assets.calls.waves import Waves
from di_assets.play.episode import Seating, play_episode
from di_assets.play.episode_locks import locks_in
from di_assets.play.record import Played
from di_assets.play.seating import header, players
from di_assets.play.spent import owed
from di_assets.providers.types import FatalFault, TransportFault
from di_assets.tables.locks import all_let_go
from di_assets.tables.words import BATCH, COMPLETE, FAILED, LIVE, STOPPED

IN_FLIGHT = f"in_flight{SUFFIX}"
# Seconds between two reports of progress.
BEAT_S = 1.0

# Gives the sender for an episode id; the sender is used while the episode is played.
Sending = Callable[[str], AbstractContextManager[Sender]]
# Gives the list of requests in flight for an episode id; the list is open while the episode is played.
Noting = Callable[[str], AbstractAsyncContextManager[InFlight]]


@dataclass(slots=True)
class Playing:
    """What episodes that are played together share.

    Attributes:
        arm: their arm.
        configs: all configuration.
        prompts: the prompts for models.
        lines: the connections to models.
        noting: gives the list of requests in flight for an episode.
        folder: the folder of the journals.
        tally: the counts of the run; if its `stopped` is set, no further episode begins.
        stop: ends play when it is asked. An error of this program or machine asks it too.
        one_more: called when an episode ends.
        files_an_episode: how many files an episode keeps open, connections not counted.
        meanwhile: called every second with the counts so far, unfinished episodes included.
        sync: syncs the journals to disk.
        sending: gives the sender for an episode; None sends everything over `lines`.
        at_once: how many episodes are played at once; None is as the arm says.
        now: the journal of each episode in play, by id, and how many calls it held before this run.
    """

    arm: Arm
    configs: Configs
    prompts: Prompts
    lines: Lines
    noting: Noting
    folder: Path
    tally: Tally
    stop: Stop
    files_an_episode: int = 1
    one_more: Callable[[], None] = lambda: None
    meanwhile: Callable[[Tally], None] = lambda _: None
    sync: GroupSync = field(default_factory=GroupSync)
    sending: Sending | None = None
    at_once: int | None = None
    now: dict[str, tuple[Journal, int]] = field(default_factory=dict)  # journal, calls held before


def play_journaled(
    configs: Configs,
    arm: Arm,
    todo: Sequence[PlannedEpisode],
    folder: Path,
    budgets: Sequence[Budget],
    *,
    tally: Tally,
    stop: Stop,
    one_more: Callable[[], None],
    meanwhile: Callable[[Tally], None] = lambda _: None,
) -> list[Played]:
    """Plays these episodes in this process; an episode with a journal in `folder` is resumed. All budgets are kept.

    Raises:
        StoppedError: play was stopped before it began.
    """

    async def all_of_them() -> list[Played]:
        async with stop.waiting():
            await all_let_go(locks_in(folder))
        move(folder, lambda _: folder / IN_FLIGHT)
        in_flight = InFlight(folder / IN_FLIGHT)

        @asynccontextmanager
        async def noting(_: str) -> AsyncIterator[InFlight]:
            yield in_flight

        permits = LocalPermits(configs.models, configs.accounts, budgets)
        lines = Lines(configs.models, configs.accounts, budgets, permits=permits, stop=stop)
        run = Playing(
            arm=arm,
            configs=configs,
            prompts=Prompts.load(configs.prompts),
            lines=lines,
            noting=noting,
            folder=folder,
            tally=tally,
            stop=stop,
            one_more=one_more,
            meanwhile=meanwhile,
        )
        try:
            if arm.engine == LIVE and not waves_in(folder):
                return await play_together(run, todo)
            return await _play_in_waves(run, todo, permits)
        finally:
            in_flight.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(all_of_them())


async def _play_in_waves(run: Playing, todo: Sequence[PlannedEpisode], permits: LocalPermits) -> list[Played]:
    """As `play_together`, by the providers' batch interfaces; waves that earlier runs left there are fetched."""
    waves = Waves(
        run.lines,
        run.configs.models,
        permits,
        folder=run.folder,
        owed=owed(run.folder),
        settings=run.configs.play.batch,
        stop=run.stop,
        fresh=run.arm.engine == BATCH,
    )
    together = len(todo) if run.arm.engine == BATCH else None
    try:
        return await play_together(replace(run, sending=waves.playing, at_once=together), todo)
    finally:
        await waves.close()


async def play_together(run: Playing, todo: Sequence[PlannedEpisode]) -> list[Played]:
    """Plays these episodes, at most `arm.in_flight` at once. Episodes not begun when play stopped are left out.

    An unexpected error (one that is not the result of a call) stops play. It is raised again after the replies on their
    way were written to the journals.
    """
    run.lines.connect(run.arm.models)
    places = asyncio.Semaphore(
        at_once(
            todo,
            run.configs.models,
            in_flight=run.at_once or run.arm.in_flight,
            own_files=run.files_an_episode,
        )
    )

    async def placed(planned: PlannedEpisode) -> Played | None:
        async with places:
            if run.tally.stopped is not None or run.stop.reason is not None:
                return None
            try:
                return await _one(run, planned)
            except StoppedError:
                return None  # before it began
            except Exception as problem:
                run.stop.ask(f"{planned.episode_id}: {type(problem).__name__}", interrupted=False)
                raise

    telling = asyncio.create_task(_tell(run))
    try:
        ended = await asyncio.gather(*(placed(planned) for planned in todo), return_exceptions=True)
    finally:
        telling.cancel()
        with suppress(asyncio.CancelledError):
            await telling
        await run.lines.close()
        run.sync.close()
    problems = [one for one in ended if isinstance(one, BaseException)]
    if problems:
        raise problems[0]
    if None in ended:
        run.tally.stopped = run.tally.stopped or run.stop.reason
    return [one for one in ended if isinstance(one, Played)]


async def _tell(run: Playing) -> None:
    while True:
        await asyncio.sleep(BEAT_S)
        run.meanwhile(run.tally.also(by_field(journal.calls[held:]) for journal, held in run.now.values()))


async def _one(run: Playing, planned: PlannedEpisode) -> Played:
    """Plays one episode. A fault fails only this episode; a spent budget or a fatal fault stops the whole run."""
    today = header(planned, run.arm, run.configs, run.prompts)
    cast = players(planned, run.arm, run.configs, run.prompts, run.lines)
    state, status, failure, journal, held = None, COMPLETE, None, None, 0
    sending = run.sending(planned.episode_id) if run.sending else nullcontext(run.lines.send)
    async with run.noting(planned.episode_id) as in_flight:
        try:
            path = run.folder / f"{planned.episode_id}.jsonl"
            journal = Journal(path, today, sync=run.sync, in_flight=in_flight, most_out=len(cast))
            held = len(journal.calls)
            run.tally.replayed += held
            run.now[planned.episode_id] = journal, held
            today = journal.header
            if today.reader_version not in READERS:
                known = ", ".join(READERS)
                raise StaleJournalError(f"{path}: was read by reader {today.reader_version}; known are {known}")
            with sending as send:
                seating = Seating(players=cast, journal=journal, send=send, reader=today.reader_version)
                state = await play_episode(planned.setup, seating)
        except TransportFault as fault:
            status, failure = FAILED, str(fault)
        except StaleJournalError as problem:
            status, failure = FAILED, str(problem)
        except (BudgetExceededError, FatalFault, StoppedError) as reason:
            status, failure = STOPPED, str(reason)
            run.tally.stopped = str(reason)
        except DiskFullError as reason:
            status, failure = STOPPED, str(reason)
            run.tally.stopped = run.tally.stopped or str(reason)
            run.stop.ask(str(reason), interrupted=False)
        finally:
            if journal is not None:
                run.now.pop(planned.episode_id, None)
                run.tally.add(by_field(journal.calls[held:]))
                await journal.end()
    run.tally.failed += status == FAILED
    run.one_more()
    return Played(
        planned=planned,
        header=today,
        kinds=tuple(player.kind for player in cast),
        providers=tuple(player.provider for player in cast),
        events=state.events() if state else None,
        calls=by_field(in_call_order(journal.calls if journal else ())),
        status=status,
        failure=failure,
    )
