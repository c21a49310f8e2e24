"""A batch played on a Dask cluster: chunks of episodes, each a task that may be begun anew on any worker at any time.

A chunk is idempotent, for its replies are in journals, in a folder that driver and workers share, before they are used:
begun again it asks only for what is missing, and takes the episode's lock first, so that a worker that was given up and
plays on is waited for. Limits and budgets are the driver's (see `toll_house`). Keys are each worker's own.
"""

import asyncio
import secrets
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from urllib.parse import urlparse

from distributed import Client, KilledWorker
from distributed.utils import get_ip

from di_assets.agents.prompts import Prompts
from di_assets.arms import Arm, Configs, PlannedEpisode
from di_assets.game.state import Fields
from di_assets.game.types import RULES_VERSION
from di_assets.play.alone import alone_with, locks_in, others_gone
from di_assets.play.budget import Budget
from di_assets.play.in_flight import SUFFIX, InFlight, move
from di_assets.play.journal import Call, by_field, read_journal
from di_assets.play.journaled import BEAT_S, Playing, play_together
from di_assets.play.record import FAILED, Played
from di_assets.play.scripted import played_free
from di_assets.play.sending import Lines
from di_assets.play.tally import Tally
from di_assets.play.toll_house import TollHouse, far_tolls
from di_assets.play.tolls import OwnTolls

# A task whose worker died is begun again so often.
RETRIES = 3
CONNECT_S, WORKERS_S = 20.0, 60.0
TOKEN = ".shared"  # noqa: S105 -- a file by which a worker knows the driver's folder


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


def chunks_of(todo: Sequence[PlannedEpisode], size: int) -> list[tuple[PlannedEpisode, ...]]:
    """These episodes in groups of so many, in order."""
    return [tuple(todo[start : start + size]) for start in range(0, len(todo), size)]


def play_on_cluster(
    configs: Configs,
    arm: Arm,
    todo: Sequence[PlannedEpisode],
    folder: Path,
    budgets: Sequence[Budget],
    *,
    tally: Tally,
    one_more: Callable[[], None],
    meanwhile: Callable[[Tally], None] = lambda _: None,
) -> list[Played]:
    """Plays these episodes on the cluster, each on from where its journal in `folder` ends; no budget is overspent.

    Raises:
        ClusterError: it can't be reached, has no workers, or they don't see what they need.
    """
    secret = secrets.token_hex()
    folder.mkdir(parents=True, exist_ok=True)
    token = folder / TOKEN
    token.write_text(secret)
    try:
        return asyncio.run(_drive(configs, arm, todo, folder, secret, budgets, tally, one_more, meanwhile))
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
    one_more: Callable[[], None],
    meanwhile: Callable[[Tally], None],
) -> list[Played]:
    scheduler = str(configs.play.scheduler)
    await others_gone(locks_in(folder))
    move(folder, partial(_notes, folder))
    held = {one.episode_id: _held(folder, one.episode_id) for one in todo}
    prompts = Prompts.load(configs.prompts).hash
    house = TollHouse(OwnTolls(configs.models, configs.accounts, budgets), secret=secret)
    places = asyncio.Semaphore(max(1, arm.in_flight // configs.play.chunk))
    groups = chunks_of(todo, configs.play.chunk)

    async with _client(scheduler) as client, house.open(_own_address(scheduler)) as address:

        async def played_by_one(number: int, group: tuple[PlannedEpisode, ...]) -> list[Played]:
            async with places:
                if tally.stopped is not None:
                    return []
                name = f"{arm.name}-{secret[:8]}-{number}"
                root = configs.root.absolute()
                chunk = Chunk(
                    name, group, replace(configs, root=root), arm, folder, secret, address, RULES_VERSION, prompts
                )
                future = client.submit(play_chunk, chunk, key=name, retries=RETRIES, pure=False)
                played, stopped = await future
            for one in played:
                tally.add(_new_calls(one.calls, held[one.planned.episode_id]))
                tally.failed += one.status == FAILED
                one_more()
            tally.stopped = tally.stopped or stopped
            meanwhile(_whole(tally, house))
            return list(played)

        telling = asyncio.create_task(_tell(tally, house, meanwhile))
        tasks = [asyncio.create_task(played_by_one(number, group)) for number, group in enumerate(groups)]
        try:
            done = await asyncio.gather(*tasks)
        except KilledWorker as error:
            raise ClusterError(
                f"a chunk's workers died {error.allowed_failures + 1} times, the last {error.last_worker}"
            ) from None
        finally:
            for task in (telling, *tasks):
                task.cancel()
    return [one for group in done for one in group]


@asynccontextmanager
async def _client(scheduler: str) -> AsyncIterator[Client]:
    try:
        client = await Client(scheduler, asynchronous=True, timeout=CONNECT_S, set_as_default=False, name="di")
    except (OSError, ValueError) as error:
        raise ClusterError(f"no Dask scheduler answers at {scheduler} ({type(error).__name__})") from None
    try:
        try:
            await client.wait_for_workers(1, timeout=WORKERS_S)
        except TimeoutError:
            raise ClusterError(f"{scheduler} has no workers; start some with `dask worker {scheduler}`") from None
        yield client
    finally:
        await client.close()


def _own_address(scheduler: str) -> str:
    """Where this process listens: on the interface by which it reaches the scheduler, on loopback for one there."""
    host = urlparse(scheduler).hostname or "127.0.0.1"
    return f"tcp://{get_ip(socket.gethostbyname(host))}"


async def _tell(tally: Tally, house: TollHouse, meanwhile: Callable[[Tally], None]) -> None:
    while True:
        await asyncio.sleep(BEAT_S)
        meanwhile(_whole(tally, house))


def _whole(tally: Tally, house: TollHouse) -> Tally:
    """What is done, by chunks that are still played too."""
    parts = house.playing.values()
    return Tally(
        calls=tally.calls + sum(one.calls for one in parts),
        cost_usd=tally.cost_usd + sum(one.cost_usd for one in parts),
        faults=sum((one.faults for one in parts), Counter(tally.faults)),
        failed=tally.failed + sum(one.failed for one in parts),
        stopped=tally.stopped,
    )


def _held(folder: Path, episode_id: str) -> Counter[Call]:
    path = folder / f"{episode_id}.jsonl"
    return Counter(read_journal(path)[1]) if path.exists() else Counter()


def _new_calls(calls: Fields, held: Counter[Call]) -> Fields:
    """An episode's calls but for those that its journal held before."""
    if not held:
        return calls
    made = Counter(map(Call._make, zip(*(calls[name] for name in Call._fields), strict=True)))
    return by_field(list((made - held).elements()))


def play_chunk(chunk: Chunk) -> tuple[list[Played], str | None]:
    """Plays a chunk on a worker, and says why it stopped before the end, if it did; may be begun anew at any time.

    Raises:
        ClusterError: this worker does not see what the driver sees.
    """
    return asyncio.run(_chunk(chunk))


async def _chunk(chunk: Chunk) -> tuple[list[Played], str | None]:
    configs = chunk.configs
    prompts = _same_as_driver(chunk)
    tally = Tally()
    free = [one for one in chunk.episodes if configs.is_free(one.models)]
    played = [played_free(one, configs.config_hash(chunk.arm)) for one in free]
    paid = [one for one in chunk.episodes if not configs.is_free(one.models)]
    if paid:
        async with far_tolls(str(chunk.address), secret=chunk.secret, chunk=chunk.name) as tolls:
            run = Playing(
                arm=chunk.arm,
                configs=configs,
                prompts=prompts,
                lines=Lines(configs.models, configs.accounts, (), tolls=tolls),
                noting=partial(_noting, chunk.folder),
                folder=chunk.folder,
                tally=tally,
                meanwhile=tolls.tell,
            )
            played += await play_together(run, paid)
    return played, tally.stopped


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
async def _noting(folder: Path, episode_id: str) -> AsyncIterator[InFlight]:
    """Where an episode's requests are noted, once nobody else plays it."""
    async with alone_with(folder, episode_id):
        in_flight = InFlight(_notes(folder, episode_id))
        try:
            yield in_flight
        finally:
            in_flight.close()


def _notes(folder: Path, episode_id: str) -> Path:
    return folder / f"{episode_id}{SUFFIX}"
