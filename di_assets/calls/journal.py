"""The journal: every reply on disk before it is used, one file of JSON lines an episode in flight, which only grows.

The first line says what the episode is and what it was played with; each further line is one call, whatever came
back. A line is written, and so survives the death of this process, before its reply is used: a kill loses none. Where
replies are paid for, what was written is synced as well, behind play, and so survives a power cut (see `group_sync`).

Room for the replies of all requests that may be out at once is reserved before one leaves: a full disk ends play with
`DiskFullError` while nothing is out that could not be kept. Zeros at the end of a file are such room.

A request that was out when play was ended (see `in_flight`) becomes a call with the status `interrupted`, is taken to
have cost what it can have cost at most, and is asked again. Reopening a journal rewrites it without what does not
count, so that its size is bounded by the calls of an episode, however often it is resumed.
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
from di_assets.calls.journal_file import StaleJournalError, line_of, read_journal
from di_assets.calls.place import Place
from di_assets.tables.storage import replacing

log = logging.getLogger(__name__)

# Faults that cost nothing are kept up to this many an episode, the latest ones.
MOST_FAULTS = 100
# Reserved for each reply that may come, bytes; its reasoning, which no move needs, may take more.
REPLY_BYTES = 16_384


class Journal:
    """The journal of one episode: what it holds already, and where new calls go.

    Args:
        path: the file; read if it exists, made with the first call if not.
        header: what the episode is played with now.
        sync: syncs paid replies; None where replies are free.
        in_flight: keeps the requests that are out; None where replies are free.
        most_out: requests of it that may be out at once.

    Raises:
        StaleJournalError: the file was written with something else, or is damaged.
        DiskFullError: there is no room to keep what an ended run left.
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
        self._end = self._reserved = 0  # where the next line goes, and up to where there is room
        self._new = False
        self._new_in: Path | None = None
        self._asked = 0  # the group that syncs what was written last
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
        """The stored call that answers this question.

        Raises:
            StaleJournalError: a call is stored for this place, but for another question.
        """
        call = self._replies.get(place)
        if call is not None and call.request_hash != request_hash:
            raise StaleJournalError(
                f"{self.path}: round {place.round}, seat {place.seat}: the stored reply answers another question"
            )
        return call

    def goes_out(self, place: Place, request_hash: str, *, most_usd: float, at: float) -> Callable[[], None]:
        """Notes that a request goes out at this time, and what it can cost at most.

        What this gives back forgets the request: it is called when the request turned out to cost nothing.
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
        """Reserves room for the replies of all requests that may be out; called before one of them leaves.

        Raises:
            DiskFullError: there is none.
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
        """Writes one call; when this returns it survives the death of this process.

        On a full disk, reasoning that goes beyond what was reserved is left out.

        Raises:
            DiskFullError: there is no room for it.
        """
        descriptor = self._opened()
        try:
            self._put(line_of(call._asdict()))
        except DiskFullError:
            if call.reasoning is None:
                raise
            self._put(line_of(call._replace(reasoning=None)._asdict()))
            log.warning("%s: the disk is full; a reply is kept without its reasoning", self.path)
        if self._sync is not None:
            self._asked = self._sync.ask(descriptor, new_in=self._new_in)
            self._new_in = None
        self.calls.append(call)
        if self._in_flight is not None:
            for slot in self._out.pop(call.place, ()):
                self._in_flight.back(slot)

    async def settled(self) -> None:
        """Called at the end of a phase; waits only for a disk that is too far behind."""
        if self._sync is not None:
            with room_in(self.path.parent):
                await self._sync.kept_up()

    async def end(self) -> None:
        """Returns when all that was written survives a power cut, and closes the file."""
        try:
            if self._sync is not None:
                with room_in(self.path.parent):
                    await self._sync.synced(self._asked)
        finally:
            self.close()

    def close(self) -> None:
        """Closes the file, without the room that was not needed; one that holds no call is removed."""
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
        """Writes a line at the end; one that fits only in part is written over by the next."""
        with room_in(self.path.parent):
            self._end = put(self._opened(), line, self._end)

    def _opened(self) -> int:
        if self._descriptor is None:
            with room_in(self.path.parent):
                self._open()
        assert self._descriptor is not None
        return self._descriptor

    def _open(self) -> None:
        """Makes the file, or rewrites it to what counts: no torn line, no fault too many."""
        first = line_of(asdict(self.header))
        if self.path.exists():
            with replacing(self.path) as temporary, temporary.open("wb") as file:
                file.write(first)
                file.writelines(line_of(call._asdict()) for call in _bounded(self.calls))
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
    """The stored header, whose reader of replies goes on to the end.

    Raises:
        StaleJournalError: it is not today's in anything else.
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
    """All calls but the oldest of too many faults that cost nothing."""
    free = [call for call in calls if call.status in FAULTS and not call.cost_usd]
    dropped = {id(call) for call in free[: max(0, len(free) - MOST_FAULTS)]}
    return (call for call in calls if id(call) not in dropped)
