"""Plays a chunk of a batch on a worker of a Dask cluster. Dask may start a chunk again at any time, on any worker.

A chunk ends early if the driver says so, if the driver is gone, or if Dask tells the worker to end. Then no further
request is sent, replies on their way are waited for, and the chunk returns what was played so far.
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
from di_assets.calls.remote_limits import remote_permits
from di_assets.calls.sending import Lines
from di_assets.calls.stopping import Stop
from di_assets.calls.tally import Tally
from di_assets.game.types import RULES_VERSION
from di_assets.play.episode_locks import lock_of
from di_assets.play.journaled import Playing, play_together
from di_assets.play.record import Played
from di_assets.play.scripted import played_free
from di_assets.tables.locks import locked_in_loop

# Files that are open per episode: its journal, its lock, and its list of requests in flight (counted twice).
FILES = 4
TOKEN = ".shared"  # noqa: S105 -- a file by which a worker knows the driver's folder
POLL_S = 0.1
# Extra time for the chunks of a worker that ends, seconds. It is added to the time that replies are waited for.
GRACE_S = 5.0
ENDING = "the worker was told to end"


class ClusterError(RuntimeError):
    """The cluster cannot play. The message is one line: why, and what would help. What was played is kept."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class Chunk:
    """A task for Dask: episodes, and everything that a worker needs to play them.

    Attributes:
        name: name of the task.
        episodes: the episodes to play.
        configs: all configuration, with an absolute path.
        arm: the arm of the episodes.
        folder: the folder of the journals, shared by driver and workers.
        secret: identifies this run.
        address: where the driver permits calls; None if only scripted agents play.
        rules: the driver's version of the rules.
        prompts: the hash of the driver's prompts.
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
    """Plays a chunk on a worker. Returns the episodes, and why play stopped before the end (None if it did not).

    Raises:
        ClusterError: this worker has another folder, other rules or other prompts than the driver.
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
        async with remote_permits(str(chunk.address), secret=chunk.secret, chunk=chunk.name, stop=stop) as permits:
            run = Playing(
                arm=chunk.arm,
                configs=configs,
                prompts=prompts,
                lines=Lines(configs.models, configs.accounts, (), permits=permits, stop=stop),
                noting=partial(_noting, chunk.folder, stop),
                folder=chunk.folder,
                tally=tally,
                stop=stop,
                files_an_episode=FILES,
                meanwhile=permits.tell,
            )
            played += await play_together(run, paid)
        watching.cancel()
    return played, tally.stopped


async def _until_it_ends(worker: Worker, stop: Stop) -> None:
    """Waits until Dask tells this worker to end, then asks play to stop."""
    while worker.status in {Status.running, Status.paused}:  # noqa: ASYNC110 -- another thread's
        await asyncio.sleep(POLL_S)
    stop.ask(ENDING, interrupted=False)


_playing: dict[Stop, threading.Event] = {}


@contextmanager
def _outlived(stop: Stop) -> Iterator[None]:
    """Keeps the worker's process alive until the block ends. Otherwise replies on their way would be lost."""
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
    """Checks that this worker has the same folder, rules and prompts as the driver; returns the prompts.

    Raises:
        ClusterError: one of them differs.
    """
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
    """Takes an episode's lock, and yields its list of requests in flight; waits while another process plays it."""
    async with AsyncExitStack() as held:
        async with stop.waiting():
            await held.enter_async_context(locked_in_loop(lock_of(folder, episode_id)))
        in_flight = InFlight(notes(folder, episode_id))
        try:
            yield in_flight
        finally:
            in_flight.close()


def notes(folder: Path, episode_id: str) -> Path:
    """The path of an episode's list of requests in flight."""
    return folder / f"{episode_id}{SUFFIX}"
