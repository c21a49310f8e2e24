"""Episodes that models take part in: many in flight at once, every reply journaled before it is used."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import uvloop

from di_assets.agents.prompts import Prompts
from di_assets.agents.replies import READERS
from di_assets.arms import Arm, Configs, PlannedEpisode
from di_assets.calls.budget import Budget, BudgetExceededError
from di_assets.calls.call import by_field, in_call_order
from di_assets.calls.disk_space import DiskFullError
from di_assets.calls.group_sync import GroupSync
from di_assets.calls.in_flight import SUFFIX, InFlight, move
from di_assets.calls.journal import Journal
from di_assets.calls.journal_file import StaleJournalError
from di_assets.calls.open_files import at_once
from di_assets.calls.sending import Lines
from di_assets.calls.stopping import Stop, StoppedError
from di_assets.calls.tally import Tally
from di_assets.play.episode import Table, play_episode
from di_assets.play.episode_locks import locks_in
from di_assets.play.record import Played
from di_assets.play.seating import header, players
from di_assets.providers.types import FatalFault, TransportFault
from di_assets.tables.locks import all_let_go
from di_assets.tables.words import COMPLETE, FAILED, STOPPED

IN_FLIGHT = f"in_flight{SUFFIX}"
# Seconds between two tellings of what is being played.
BEAT_S = 1.0

# Where an episode's requests are noted while they are out, for as long as it is played.
Noting = Callable[[str], AbstractAsyncContextManager[InFlight]]


@dataclass(slots=True)
class Playing:
    """What the episodes that are played together share.

    Attributes:
        arm: theirs.
        configs: all configuration.
        prompts: what models are told.
        lines: how they are reached.
        noting: where requests that are out are noted.
        folder: of the journals.
        tally: counts what is done; when it says that play stopped, no episode is begun.
        stop: ends play once it is asked; asked here too when an episode ends in an error of this program or machine.
        one_more: called as each episode ends.
        files_an_episode: that are held open while it is played, besides connections.
        meanwhile: called every second with what is done, calls of episodes that are still played included.
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
    now: dict[str, tuple[Journal, int]] = field(default_factory=dict)  # and how many calls a journal held before


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
    """Plays these episodes here, each on from where its journal in `folder` ends; none overspends a budget.

    Raises:
        StoppedError: play was told to end before it began.
    """

    async def all_of_them() -> list[Played]:
        async with stop.waiting():
            await all_let_go(locks_in(folder))
        move(folder, lambda _: folder / IN_FLIGHT)
        in_flight = InFlight(folder / IN_FLIGHT)

        @asynccontextmanager
        async def noting(_: str) -> AsyncIterator[InFlight]:
            yield in_flight

        run = Playing(
            arm=arm,
            configs=configs,
            prompts=Prompts.load(configs.prompts),
            lines=Lines(configs.models, configs.accounts, budgets, stop=stop),
            noting=noting,
            folder=folder,
            tally=tally,
            stop=stop,
            one_more=one_more,
            meanwhile=meanwhile,
        )
        try:
            return await play_together(run, todo)
        finally:
            in_flight.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(all_of_them())


async def play_together(run: Playing, todo: Sequence[PlannedEpisode]) -> list[Played]:
    """Plays these episodes, so many at once as the arm allows; those not begun when play was stopped are left out.

    An error that is none of a call's (a disk that is full, say) ends play as a stop does, and is raised when replies
    on their way are kept.
    """
    run.lines.connect(run.arm.models)
    places = asyncio.Semaphore(
        at_once(todo, run.configs.models, in_flight=run.arm.in_flight, own_files=run.files_an_episode)
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
    """Plays one episode; a fault fails this episode alone, a spent budget or a fatal fault stops the run as well."""
    today = header(planned, run.arm, run.configs, run.prompts)
    cast = players(planned, run.arm, run.configs, run.prompts, run.lines)
    state, status, failure, journal, held = None, COMPLETE, None, None, 0
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
            table = Table(players=cast, journal=journal, send=run.lines.send, reader=today.reader_version)
            state = await play_episode(planned.setup, table)
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
