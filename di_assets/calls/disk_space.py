"""Reserves disk space for a reply before its request leaves, so that a reply that was paid for can always be written.

Files are written at a given position, not appended to. If a full disk cuts a line short, the next line overwrites the
rest of it, or the rest is cut off when the file is closed. So half a line never runs into another line.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_BLOCK = 1 << 16


class DiskFullError(Exception):
    """The disk is full. Everything that was written before is kept."""

    exit_code = 1


@contextmanager
def room_in(folder: Path) -> Iterator[None]:
    """Turns an `OSError` that means "disk full" into a `DiskFullError` that names the folder; other errors pass.

    Raises:
        DiskFullError: the disk of the folder is full.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        advice = "free some space, then run the same again: what came is kept"
        raise DiskFullError(f"disk full: no room in {folder} for further replies; {advice}") from error


def reserve(descriptor: int, start: int, length: int) -> None:
    """Allocates `length` bytes of the file from `start`, so that a later write there does not fail on a full disk.

    Raises:
        OSError: there is not enough space; the file may be longer than before.
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
    """Writes the data at byte `at`, and returns the position after it.

    Raises:
        OSError: not everything could be written; the next write must overwrite the part.
    """
    left = memoryview(data)
    while left:
        written = os.pwrite(descriptor, left, at)
        left, at = left[written:], at + written
    return at
