"""Plays a batch on a Dask cluster. A batch is cut into chunks of episodes; each chunk is a task.

Dask may start a chunk again at any time, on any worker. That is safe: replies are written to journals before they are
used, in a folder that driver and workers share. A chunk that is started again asks only for what is missing. Before it
plays an episode it takes the episode's lock; so it waits for a worker that was given up and still plays.
Limits and budgets are kept by the driver (see `remote_limits`). Each worker has its own keys.
When play is to end, the driver permits no more calls, tells every chunk, and waits for their results.
"""

import asyncio
import secrets
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import urlparse

from distributed import Client, KilledWorker
from distributed.utils import get_ip

from di_assets.agents.prompts import Prompts
from di_assets.arms import Arm, Configs, PlannedEpisode
from di_assets.calls.budget import Budget
from di_assets.calls.call import Call, Columns, by_field
from di_assets.calls.in_flight import move
from di_assets.calls.permits import LocalPermits
from di_assets.calls.remote_limits import PermitServer
from di_assets.calls.salvage import calls_in
from di_assets.calls.stopping import Stop
from di_assets.calls.tally import Tally
from di_assets.game.types import RULES_VERSION
from di_assets.play.chunks import TOKEN, Chunk, ClusterError, notes, play_chunk
from di_assets.play.episode_locks import locks_in
from di_assets.play.journaled import BEAT_S
from di_assets.play.record import Played
from di_assets.tables.locks import all_let_go
from di_assets.tables.words import FAILED

# How often a task is started again after its worker died.
RETRIES = 3
CONNECT_S, WORKERS_S = 20.0, 60.0
# Extra time for chunks to report when play is to end, seconds. It is added to the time that replies are waited for.
GRACE_S, POLL_S = 3.0, 0.1


def chunks_of(todo: Sequence[PlannedEpisode], size: int) -> list[tuple[PlannedEpisode, ...]]:
    """Splits the episodes into groups of `size`, in order; the last group may be smaller."""
    return [tuple(todo[start : start + size]) for start in range(0, len(todo), size)]


def play_on_cluster(
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
    """Plays these episodes on the cluster; an episode with a journal in `folder` is resumed. All budgets are respected.

    Raises:
        ClusterError: the cluster cannot be reached, has no workers, its workers died, or a worker has another folder,
            other rules or other prompts.
        StoppedError: play was stopped before it began.
    """
    secret = secrets.token_hex()
    folder.mkdir(parents=True, exist_ok=True)
    token = folder / TOKEN
    token.write_text(secret)
    try:
        return asyncio.run(_drive(configs, arm, todo, folder, secret, budgets, tally, stop, one_more, meanwhile))
    finally:
        token.unlink()


async def _drive(
    configs: Configs,
    arm: Arm,
    todo: Sequence[PlannedEpisode],
    folder: Path,
    secret: str,
    budgets: Sequence[Budget],
    tally: Tally,
    stop: Stop,
    one_more: Callable[[], None],
    meanwhile: Callable[[Tally], None],
) -> list[Played]:
    scheduler = str(configs.play.scheduler)
    async with stop.waiting():
        await all_let_go(locks_in(folder))
    move(folder, partial(notes, folder))
    held = {one.episode_id: _held(folder, one.episode_id) for one in todo}
    tally.replayed = sum(calls.total() for calls in held.values())
    prompts = Prompts.load(configs.prompts).hash
    server = PermitServer(LocalPermits(configs.models, configs.accounts, budgets), secret=secret, stop=stop)
    places = asyncio.Semaphore(max(1, arm.in_flight // configs.play.chunk))
    groups = chunks_of(todo, configs.play.chunk)

    async with _client(scheduler, stop) as client, server.open(_own_address(scheduler)) as address:

        async def played_by_one(number: int, group: tuple[PlannedEpisode, ...]) -> list[Played]:
            async with places:
                if tally.stopped is not None or stop.reason is not None:
                    return []
                name = f"{arm.name}-{secret[:8]}-{number}"
                root = configs.root.absolute()
                chunk = Chunk(
                    name, group, replace(configs, root=root), arm, folder, secret, address, RULES_VERSION, prompts
                )
                try:
                    played, stopped = await client.submit(play_chunk, chunk, key=name, retries=RETRIES, pure=False)
                except Exception as problem:
                    stop.ask(f"a chunk failed: {type(problem).__name__}", interrupted=False)
                    raise
            for one in played:
                tally.add(_new_calls(one.calls, held[one.planned.episode_id]))
                tally.failed += one.status == FAILED
                one_more()
            tally.stopped = tally.stopped or stopped
            meanwhile(_whole(tally, server))
            return list(played)

        telling = asyncio.create_task(_tell(tally, server, meanwhile))
        tasks = [asyncio.create_task(played_by_one(number, group)) for number, group in enumerate(groups)]
        giving_up = asyncio.create_task(_give_up(stop, server, tasks))
        try:
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        finally:
            for task in (telling, giving_up, *tasks):
                task.cancel()
    for problem in ended:
        if isinstance(problem, KilledWorker):
            raise ClusterError(
                f"a chunk's workers died {problem.allowed_failures + 1} times, the last {problem.last_worker}"
            )
        if isinstance(problem, Exception):
            raise problem
    return [one for group in ended if isinstance(group, list) for one in group]


async def _give_up(stop: Stop, server: PermitServer, tasks: Sequence[asyncio.Task[list[Played]]]) -> None:
    """Waits until play is to end, then until no chunk plays any more or the waiting time is over; cancels the tasks."""
    await stop.asked()
    now = asyncio.get_running_loop().time
    seen, end, hurried = now(), now() + stop.drain_s + GRACE_S, False
    while now() < min(end, seen + GRACE_S):
        await asyncio.sleep(POLL_S)
        if server.comms:
            seen = now()
        if stop.hurried and not hurried:
            hurried, end = True, now() + GRACE_S
    for task in tasks:
        task.cancel()


@asynccontextmanager
async def _client(scheduler: str, stop: Stop) -> AsyncIterator[Client]:
    try:
        async with stop.waiting():
            client = await Client(scheduler, asynchronous=True, timeout=CONNECT_S, set_as_default=False, name="di")
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        # Dask raises these if certificates are missing, or if only one side uses encryption.
        if isinstance(error, TypeError | RuntimeError):
            raise ClusterError(
                f"{scheduler}: the settings of `distributed.comm.tls` do not go with it: {error}"
            ) from None
        raise ClusterError(f"no Dask scheduler answers at {scheduler} ({type(error).__name__})") from None
    try:
        try:
            async with stop.waiting():
                await client.wait_for_workers(1, timeout=WORKERS_S)
        except TimeoutError:
            raise ClusterError(f"{scheduler} has no workers; start some with `dask worker {scheduler}`") from None
        yield client
    finally:
        await client.close()


def _own_address(scheduler: str) -> str:
    """The address to listen at: the network interface that reaches the scheduler, with the scheduler's protocol."""
    where = urlparse(scheduler)
    return f"{where.scheme}://{get_ip(socket.gethostbyname(where.hostname or '127.0.0.1'))}"


async def _tell(tally: Tally, server: PermitServer, meanwhile: Callable[[Tally], None]) -> None:
    while True:
        await asyncio.sleep(BEAT_S)
        meanwhile(_whole(tally, server))


def _whole(tally: Tally, server: PermitServer) -> Tally:
    """The counts of the run, with those of chunks that are still in play."""
    parts = server.playing.values()
    return Tally(
        calls=tally.calls + sum(one.calls for one in parts),
        scripted_calls=tally.scripted_calls + sum(one.scripted_calls for one in parts),
        cost_usd=tally.cost_usd + sum(one.cost_usd for one in parts),
        faults=sum((one.faults for one in parts), Counter(tally.faults)),
        failed=tally.failed + sum(one.failed for one in parts),
        stopped=tally.stopped,
        replayed=tally.replayed,
    )


def _held(folder: Path, episode_id: str) -> Counter[Call]:
    path = folder / f"{episode_id}.jsonl"
    return Counter(calls_in(path)) if path.exists() else Counter()


def _new_calls(calls: Columns, held: Counter[Call]) -> Columns:
    """The calls of an episode without those that were in its journal before."""
    if not held:
        return calls
    made = Counter(map(Call._make, zip(*(calls[name] for name in Call._fields), strict=True)))
    return by_field(list((made - held).elements()))
