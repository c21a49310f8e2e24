"""Room on disk for what is paid for: reserved before a request leaves, so that its reply can be written when it comes.

Files are written at a place, not appended to: what a full disk tore is written over by what comes next, or cut off when
the file is closed, and never goes on in another line.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_BLOCK = 1 << 16


class DiskFullError(Exception):
    """There is no room for what comes next; what was written before is kept."""

    exit_code = 1


@contextmanager
def room_in(folder: Path) -> Iterator[None]:
    """Says in one line that a folder's disk is full, where the system says so with an error.

    Raises:
        DiskFullError: it is.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        advice = "free some space, then run the same again: what came is kept"
        raise DiskFullError(f"disk full: no room in {folder} for further replies; {advice}") from error


def reserve(descriptor: int, start: int, length: int) -> None:
    """Makes the file that long at least, all of it on disk, so that writing there can't fail for want of room.

    Raises:
        OSError: there is no room; the file may be longer than it was.
    """
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(descriptor, start, length)
        except OSError as error:
            if error.errno not in {errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS}:
                raise
        else:
            return
    end = start + length
    at = max(start, os.fstat(descriptor).st_size)
    while at < end:
        at += os.pwrite(descriptor, bytes(min(_BLOCK, end - at)), at)


def put(descriptor: int, data: bytes, at: int) -> int:
    """Writes all of it at this place, and gives the place behind it.

    Raises:
        OSError: not all of it could be written; what was is to be written over.
    """
    left = memoryview(data)
    while left:
        written = os.pwrite(descriptor, left, at)
        left, at = left[written:], at + written
    return at
