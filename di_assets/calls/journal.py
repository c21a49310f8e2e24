"""The journal: one file of JSON lines for each episode in flight. Each reply is written to it before it is used.

The first line is the header: the episode, and the rules, prompts and configuration it is played with. Each further line
is one call, with a reply or with a fault. A written line survives a killed process. Replies that cost money are also
synced to disk, in the background, so they survive a power cut (see `group_sync`).

Before a request leaves, disk space is reserved for the replies of all requests that may be in flight at once. So a full
disk ends play with `DiskFullError` before a request leaves whose reply could not be written. Reserved space shows as
zero bytes at the end of the file.

A request that was in flight when play ended (see `in_flight`) becomes a call with the status `interrupted`. It counts
as the most it can have cost, and the question is asked again. When a journal is opened again it is rewritten without
torn lines and without old faults that cost nothing. So its size stays bounded, no matter how often play is resumed.
"""

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path

from di_assets.calls.call import FAULTS, Call, Header, interrupted
from di_assets.calls.disk_space import DiskFullError, put, reserve, room_in
from di_assets.calls.group_sync import GroupSync
from di_assets.calls.in_flight import InFlight, Request
from di_assets.calls.journal_file import StaleJournalError, read_journal
from di_assets.calls.place import Place
from di_assets.calls.sealed import sealed
from di_assets.tables.storage import replacing

log = logging.getLogger(__name__)

# Only the latest faults that cost nothing are kept, so many per episode.
MOST_FAULTS = 100
# Disk space reserved for each reply, bytes. Reasoning may need more; on a full disk it is left out.
REPLY_BYTES = 16_384


class Journal:
    """The journal of one episode: the calls that are stored already, and the file that new calls are written to.

    Args:
        path: the file; it is read if it exists, and otherwise created with the first call.
        header: the rules, prompts and configuration of today.
        sync: syncs replies that cost money; None if replies are free.
        in_flight: the list of requests in flight; None if replies are free.
        most_out: how many requests of the episode may be in flight at once.

    Raises:
        StaleJournalError: the file was written with other rules, prompts or configuration, or is damaged.
        DiskFullError: there is no space for the calls of requests that an earlier run left in flight.
    """

    def __init__(
        self,
        path: Path,
        header: Header,
        *,
        sync: GroupSync | None = None,
        in_flight: InFlight | None = None,
        most_out: int = 1,
    ) -> None:
        self.path, self.header = path, header
        self._sync, self._in_flight = sync, in_flight
        self._out: dict[Place, list[int]] = {}
        self._room, self._most_out = REPLY_BYTES * most_out, most_out
        self._descriptor: int | None = None
        self._end = self._reserved = 0  # byte where the next line begins; byte where the reserved space ends
        self._new = False
        self._new_in: Path | None = None
        self._asked = 0  # number of the group that syncs the last written line
        self.calls: list[Call] = []
        if path.exists():
            stored, self.calls = read_journal(path)
            if stored is not None:
                self.header = _same(stored, header, path)
        self._replies = {call.place: call for call in self.calls if call.status not in FAULTS}
        if in_flight is not None:
            for slot, request in in_flight.left(header.episode_id):
                for call in interrupted([request], self.calls):
                    self.append(call)
                in_flight.back(slot)
            in_flight.expect(most_out)

    def find(self, place: Place, request_hash: str) -> Call | None:
        """Returns the stored call that answers this question; None if there is none.

        Raises:
            StaleJournalError: the call stored for this place answers another question.
        """
        call = self._replies.get(place)
        if call is not None and call.request_hash != request_hash:
            raise StaleJournalError(
                f"{self.path}: round {place.round}, seat {place.seat}: the stored reply answers another question"
            )
        return call

    def goes_out(self, place: Place, request_hash: str, *, most_usd: float, at: float) -> Callable[[], None]:
        """Notes that a request leaves at `at` (seconds since the epoch), and the most it can cost, US dollars.

        Returns a function that deletes the note. The caller calls it if the request turned out to cost nothing.
        """
        if self._in_flight is None:
            return lambda: None
        in_flight, slots = self._in_flight, self._out.setdefault(place, [])
        slot = in_flight.out(Request(self.header.episode_id, place, request_hash, most_usd, at))
        slots.append(slot)

        def forget() -> None:
            slots.remove(slot)
            in_flight.back(slot)

        return forget

    def make_room(self) -> None:
        """Reserves disk space for the replies of all requests that may be in flight; called before a request leaves.

        Raises:
            DiskFullError: there is not enough space.
        """
        if self._in_flight is None:
            return
        self._in_flight.make_room()
        descriptor = self._opened()
        if self._reserved < self._end + self._room:
            with room_in(self.path.parent):
                try:
                    ahead = 2 * self._room  # not with every call
                    reserve(descriptor, self._end, ahead)
                except OSError:
                    ahead = self._room
                    reserve(descriptor, self._end, ahead)
            self._reserved = self._end + ahead

    def append(self, call: Call) -> None:
        """Writes one call. When this returns, the call survives the end of this process.

        If the disk is full, the call is written without its reasoning.

        Raises:
            DiskFullError: there is no space for the call even so.
        """
        descriptor = self._opened()
        try:
            self._put(sealed(call._asdict(), of=self.header.sealed_for))
        except DiskFullError:
            if call.reasoning is None:
                raise
            self._put(sealed(call._replace(reasoning=None)._asdict(), of=self.header.sealed_for))
            log.warning("%s: the disk is full; a reply is kept without its reasoning", self.path)
        if self._sync is not None:
            self._asked = self._sync.ask(descriptor, new_in=self._new_in)
            self._new_in = None
        self.calls.append(call)
        if self._in_flight is not None:
            for slot in self._out.pop(call.place, ()):
                self._in_flight.back(slot)

    async def settled(self) -> None:
        """Called at the end of a phase; waits only if the disk is more than one group behind."""
        if self._sync is not None:
            with room_in(self.path.parent):
                await self._sync.kept_up()

    async def end(self) -> None:
        """Waits until everything that was written survives a power cut, then closes the file."""
        try:
            if self._sync is not None:
                with room_in(self.path.parent):
                    await self._sync.synced(self._asked)
        finally:
            self.close()

    def close(self) -> None:
        """Closes the file and frees the reserved space. A file that this journal created without a call is deleted."""
        if self._in_flight is not None:
            self._in_flight.expect(-self._most_out)
            self._most_out = 0
        if self._descriptor is None:
            return
        os.ftruncate(self._descriptor, self._end)
        os.close(self._descriptor)
        self._descriptor = None
        if self._new and not self.calls:
            self.path.unlink(missing_ok=True)

    def _put(self, line: bytes) -> None:
        """Writes a line at the end. If only a part of it fits on the disk, the next line overwrites that part."""
        with room_in(self.path.parent):
            self._end = put(self._opened(), line, self._end)

    def _opened(self) -> int:
        if self._descriptor is None:
            with room_in(self.path.parent):
                self._open()
        assert self._descriptor is not None
        return self._descriptor

    def _open(self) -> None:
        """Creates the file, or rewrites it without a torn line and without faults beyond `MOST_FAULTS`."""
        first = sealed(asdict(self.header))
        if self.path.exists():
            with replacing(self.path) as temporary, temporary.open("wb") as file:
                file.write(first)
                file.writelines(sealed(call._asdict(), of=self.header.sealed_for) for call in _bounded(self.calls))
            self._descriptor = os.open(self.path, os.O_WRONLY)
            self._end = self._reserved = os.fstat(self._descriptor).st_size
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT, 0o644)
        try:
            self._end = self._reserved = put(descriptor, first, 0)
        except OSError:
            os.close(descriptor)
            self.path.unlink()
            raise
        self._descriptor, self._new, self._new_in = descriptor, True, self.path.parent


def _same(stored: Header, today: Header, path: Path) -> Header:
    """Returns the stored header, with the version of the reader that the journal began with.

    Raises:
        StaleJournalError: the stored header differs from today's in another field.
    """
    here = replace(today, reader_version=stored.reader_version)
    changed = [f.name for f in fields(Header) if getattr(stored, f.name) != getattr(here, f.name)]
    if changed:
        if "episode_id" in changed:
            what = f"is a journal of {stored.episode_id}, as its header says"
            raise StaleJournalError(f"{path}: {what}; `di repair` puts it right")
        advice = "put that back to go on with it, or move the file away to play the episode anew"
        raise StaleJournalError(f"{path}: was played with another {', '.join(changed)}; {advice}")
    return stored


def _bounded(calls: Sequence[Call]) -> Iterator[Call]:
    """Yields all calls except old faults that cost nothing; the latest `MOST_FAULTS` of these are kept."""
    free = [call for call in calls if call.status in FAULTS and not call.cost_usd]
    dropped = {id(call) for call in free[: max(0, len(free) - MOST_FAULTS)]}
    return (call for call in calls if id(call) not in dropped)
