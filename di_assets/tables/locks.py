"""Locks on files. The system releases a lock when its process ends, even if the process is killed."""

import asyncio
import fcntl
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO

POLL_S = 0.1


@contextmanager
def locked(path: Path, *, taken: Exception | None = None) -> Iterator[None]:
    """Holds the lock on a file inside the block. The file is created if it does not exist, and is not deleted.

    Args:
        path: the file; its content is deleted.
        taken: this error is raised if another process holds the lock; None waits until the lock is free.
    """
    with _opened(path) as file:
        if taken is None:
            fcntl.flock(file, fcntl.LOCK_EX)
        elif not _locks(file):
            raise taken
        yield


@asynccontextmanager
async def locked_in_loop(path: Path) -> AsyncIterator[None]:
    """Like `locked`, for an event loop: other tasks go on while this one waits for the lock."""
    with _opened(path) as file:
        while not _locks(file):  # noqa: ASYNC110 -- another process lets it go
            await asyncio.sleep(POLL_S)
        yield


async def all_let_go(paths: Iterable[Path]) -> None:
    """Waits until each of these locks has been free at least once."""
    for path in paths:
        async with locked_in_loop(path):
            pass


def _opened(path: Path) -> IO[str]:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("w")


def _locks(file: IO[str]) -> bool:
    """Takes the lock if it is free; returns whether it did."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
