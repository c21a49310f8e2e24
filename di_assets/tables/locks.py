"""Locks on files, which the system lets go when their process ends, however it ends."""

import asyncio
import fcntl
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import IO

POLL_S = 0.1


@contextmanager
def locked(path: Path, *, taken: Exception | None = None) -> Iterator[None]:
    """Holds the lock on a file while the block works; the file is made where there is none, and stays.

    Args:
        path: the file, which holds nothing else.
        taken: raised where somebody else holds the lock; None waits until they let it go.
    """
    with _opened(path) as file:
        if taken is None:
            fcntl.flock(file, fcntl.LOCK_EX)
        elif not _locks(file):
            raise taken
        yield


@asynccontextmanager
async def locked_in_loop(path: Path) -> AsyncIterator[None]:
    """As `locked`, and other tasks of the event loop go on while the lock is waited for."""
    with _opened(path) as file:
        while not _locks(file):  # noqa: ASYNC110 -- another process lets it go
            await asyncio.sleep(POLL_S)
        yield


async def all_let_go(paths: Iterable[Path]) -> None:
    """Returns when nobody else holds the lock on any of these files."""
    for path in paths:
        async with locked_in_loop(path):
            pass


def _opened(path: Path) -> IO[str]:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("w")


def _locks(file: IO[str]) -> bool:
    """Takes the lock where it is free."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
