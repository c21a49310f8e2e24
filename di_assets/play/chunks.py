"""A chunk of a batch as a worker of a Dask cluster plays it; it may be begun anew on any worker at any time.

It ends early, with what came until then, when the driver says so, when the driver is gone, and when the worker itself
is told to end: no further call leaves, and replies on their way are waited for.
"""

import asyncio
import atexit
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from distributed import Worker, get_worker
from distributed.core import Status

from di_assets.agents.prompts import Prompts
from di_assets.arms import Arm, Configs, PlannedEpisode
from di_assets.calls.in_flight import SUFFIX, InFlight
from di_assets.calls.remote_limits import far_tolls
from di_assets.calls.sending import Lines
from di_assets.calls.stopping import Stop
from di_assets.calls.tally import Tally
from di_assets.game.types import RULES_VERSION
from di_assets.play.episode_locks import lock_of
from di_assets.play.journaled import Playing, play_together
from di_assets.play.record import Played
from di_assets.play.scripted import played_free
from di_assets.tables.locks import locked_in_loop

# An episode's journal, its lock, and its requests that are out, once more where they are mapped.
FILES = 4
TOKEN = ".shared"  # noqa: S105 -- a file by which a worker knows the driver's folder
POLL_S = 0.1
# When a worker ends, its chunks have this long beyond the time that replies are waited for.
GRACE_S = 5.0
ENDING = "the worker was told to end"


class ClusterError(RuntimeError):
    """The cluster can't play; one line that says why and what would help. What was played is kept."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class Chunk:
    """A task: these episodes, and all that a worker needs to know.

    Attributes:
        name: of the task.
        episodes: to be played.
        configs: all configuration, its folder absolute.
        arm: the episodes'.
        folder: of the journals, shared by all.
        secret: that this run is known by.
        address: where calls are let out; None where scripted agents play alone.
        rules: version that the driver plays by.
        prompts: hash of the prompts that the driver knows.
    """

    name: str
    episodes: tuple[PlannedEpisode, ...]
    configs: Configs
    arm: Arm
    folder: Path
    secret: str
    address: str | None
    rules: str
    prompts: str


def play_chunk(chunk: Chunk) -> tuple[list[Played], str | None]:
    """Plays a chunk on a worker, and says why it stopped before the end, if it did.

    Raises:
        ClusterError: this worker does not see what the driver sees.
    """
    stop = Stop(drain_s=chunk.configs.play.drain_s)
    with _outlived(stop):
        return asyncio.run(_chunk(chunk, get_worker(), stop))


async def _chunk(chunk: Chunk, worker: Worker, stop: Stop) -> tuple[list[Played], str | None]:
    configs = chunk.configs
    prompts = _same_as_driver(chunk)
    tally = Tally()
    free = [one for one in chunk.episodes if configs.is_free(one.models)]
    played = [played_free(one, configs.config_hash(chunk.arm)) for one in free]
    paid = [one for one in chunk.episodes if not configs.is_free(one.models)]
    if paid:
        watching = asyncio.create_task(_until_it_ends(worker, stop))
        async with far_tolls(str(chunk.address), secret=chunk.secret, chunk=chunk.name, stop=stop) as tolls:
            run = Playing(
                arm=chunk.arm,
                configs=configs,
                prompts=prompts,
                lines=Lines(configs.models, configs.accounts, (), tolls=tolls, stop=stop),
                noting=partial(_noting, chunk.folder, stop),
                folder=chunk.folder,
                tally=tally,
                stop=stop,
                files_an_episode=FILES,
                meanwhile=tolls.tell,
            )
            played += await play_together(run, paid)
        watching.cancel()
    return played, tally.stopped


async def _until_it_ends(worker: Worker, stop: Stop) -> None:
    """Asks the stop when Dask has told this worker to end."""
    while worker.status in {Status.running, Status.paused}:  # noqa: ASYNC110 -- another thread's
        await asyncio.sleep(POLL_S)
    stop.ask(ENDING, interrupted=False)


_playing: dict[Stop, threading.Event] = {}


@contextmanager
def _outlived(stop: Stop) -> Iterator[None]:
    """The worker's process does not end before the chunk: Dask's threads would be cut off with replies on their way."""
    _playing[stop] = ended = threading.Event()
    try:
        yield
    finally:
        ended.set()
        del _playing[stop]


@atexit.register
def _wait_for_chunks() -> None:
    for stop, ended in list(_playing.items()):
        stop.ask(ENDING, interrupted=False)
        ended.wait(stop.drain_s + GRACE_S)


def _same_as_driver(chunk: Chunk) -> Prompts:
    """The prompts, once it is clear that this worker has the driver's folder, rules and prompts."""
    worker = socket.gethostname()
    token = chunk.folder / TOKEN
    if not token.exists() or token.read_text() != chunk.secret:
        raise ClusterError(
            f"the worker on {worker} does not see the driver's {chunk.folder}: journals need a folder that all share"
        )
    if chunk.rules != RULES_VERSION:
        raise ClusterError(f"the worker on {worker} plays by rules {RULES_VERSION}, the driver by {chunk.rules}")
    prompts = Prompts.load(chunk.configs.prompts)
    if prompts.hash != chunk.prompts:
        raise ClusterError(f"the worker on {worker} has other prompts in {chunk.configs.prompts} than the driver")
    return prompts


@asynccontextmanager
async def _noting(folder: Path, stop: Stop, episode_id: str) -> AsyncIterator[InFlight]:
    """Where an episode's requests are noted, once nobody else plays it."""
    async with AsyncExitStack() as held:
        async with stop.waiting():
            await held.enter_async_context(locked_in_loop(lock_of(folder, episode_id)))
        in_flight = InFlight(notes(folder, episode_id))
        try:
            yield in_flight
        finally:
            in_flight.close()


def notes(folder: Path, episode_id: str) -> Path:
    """Where an episode's requests are noted while they are out."""
    return folder / f"{episode_id}{SUFFIX}"
