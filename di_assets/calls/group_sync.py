"""Syncs files to disk in groups, in a thread of its own, so that no call waits for the disk.

After each write, `ask` adds the file to the next group, and play goes on. At the end of a phase play waits only if the
disk is more than one group behind. A power cut can lose one group: what was written in the last `GROUP_S` seconds and
during a sync.
"""

import asyncio
import os
import threading
from collections.abc import Iterable
from pathlib import Path

# Least time between two groups, seconds.
GROUP_S = 0.4


class GroupSync:
    """A thread that syncs files in groups. It belongs to the event loop in which it was created."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._files: set[int] = set()
        self._folders: set[Path] = set()
        self._number, self._done = 1, 0  # the group that is being gathered; the last group on disk
        self._problem: OSError | None = None
        self._waiting: list[asyncio.Future[None]] = []
        self._wake, self._ending = threading.Condition(), threading.Event()
        self._open = True
        self._thread = threading.Thread(target=self._run, name="journal-sync", daemon=True)
        self._thread.start()

    def ask(self, descriptor: int, *, new_in: Path | None = None) -> int:
        """Adds a file to the group that is being gathered, and returns the number of that group.

        Args:
            descriptor: of the open file.
            new_in: the folder of a new file. It is synced too, so that the file's name survives a power cut.
        """
        number = self._number
        if new_in is None and descriptor in self._files:
            return number  # it is in the group already, which was not taken yet: no need to lock
        with self._wake:
            self._files.add(descriptor)
            if new_in is not None:
                self._folders.add(new_in)
            self._wake.notify()
            return self._number

    async def synced(self, number: int) -> None:
        """Returns when the group with this number is on disk.

        Raises:
            OSError: a sync failed.
        """
        while self._done < number and self._problem is None:
            future: asyncio.Future[None] = self._loop.create_future()
            with self._wake:
                if self._done >= number or self._problem is not None:
                    break
                self._waiting.append(future)
            await future
        if self._problem is not None:
            raise self._problem

    async def kept_up(self) -> None:
        """Returns at once unless the disk is more than one group behind."""
        await self.synced(self._number - 2)

    def close(self) -> None:
        """Syncs the files that are still waiting, and ends the thread."""
        with self._wake:
            self._open = False
            self._ending.set()
            self._wake.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._wake:
                while self._open and not self._files:
                    self._wake.wait()
            self._ending.wait(GROUP_S)  # others that finish a phase meanwhile join this group
            with self._wake:
                files, self._files = self._files, set()
                folders, self._folders = self._folders, set()
                if not files and not self._open:
                    return
                self._number += 1
            try:
                _sync(files, folders)
            except OSError as problem:
                self._problem = problem
            with self._wake:
                self._done = self._number - 1
                waiting, self._waiting = self._waiting, []
            if waiting:
                self._loop.call_soon_threadsafe(_release, waiting)


def _sync(files: Iterable[int], folders: Iterable[Path]) -> None:
    for descriptor in files:
        os.fdatasync(descriptor)
    for folder in folders:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _release(waiting: Iterable["asyncio.Future[None]"]) -> None:
    for future in waiting:
        if not future.done():
            future.set_result(None)
