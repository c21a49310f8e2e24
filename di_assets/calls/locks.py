"""Locks that the system lets go when their process ends, however it ends: a worker's that was given up as well."""

import asyncio
import fcntl
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

SUFFIX = ".lock"
POLL_S = 0.1


@asynccontextmanager
async def alone_with(folder: Path, episode_id: str) -> AsyncIterator[None]:
    """Waits for whoever else plays this episode, and keeps others from it meanwhile."""
    with (folder / f"{episode_id}{SUFFIX}").open("w") as file:
        while not _locked(file.fileno()):  # noqa: ASYNC110 -- another process lets it go
            await asyncio.sleep(POLL_S)
        yield


async def others_gone(locks: Iterable[Path]) -> None:
    """Waits for workers that play on though the process that drove them is gone; they find out, and end."""
    for path in locks:
        async with alone_with(path.parent, path.stem):
            pass


def locks_in(folder: Path) -> list[Path]:
    """Locks of episodes that were played on a cluster, or are."""
    return sorted(folder.glob(f"*{SUFFIX}"))


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
