"""A file that lists the requests in flight: those that were sent and have no stored reply yet.

The file survives a killed process, so the next run knows which requests may have cost money. Each request has a record
in a slot of fixed length. Slots are allocated on disk in advance, so a full disk stops play before a request leaves.

A slot begins with four letters: `free`, or `sent` and then a line with a checksum (see `sealed`). All four letters
differ, and a slot of zeros is neither. So damage cannot make a used slot look free. A second, small file holds the
number of slots. It is written after the list and deleted before it, so a list that is missing or too short is noticed:

    in_flight.map      sent{"request":["talk--fair_r3",1,"pull",0,2,0,"9c1f...",0.0123,1751234567.1],"crc":"5d0d1d93"}
    in_flight.slots    {"slots":64,"crc":"e8de0d3b"}

What cannot be read may have been billed. There is a warning, the slot is not changed, and `di repair` moves the damaged
file to quarantine (see `salvage`). Lists of older versions are read too: they have no second file, a used slot begins
with the byte 1, a free one with 0, and there are no checksums.
"""

import json
import logging
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from di_assets.calls.disk_space import put, reserve, room_in
from di_assets.calls.place import Place
from di_assets.calls.sealed import is_sealed, sealed
from di_assets.tables.words import PHASES

log = logging.getLogger(__name__)

SUFFIX, COUNT_SUFFIX = ".map", ".slots"
SLOT_BYTES, SLOTS_AT_FIRST = 512, 64
SENT, FREE = b"sent", b"free"
_OLD_SENT, _OLD_FREE = b"\1", b"\0"


@dataclass(frozen=True, slots=True)
class Request:
    """A request that is in flight, or was in flight when play ended.

    Attributes:
        episode_id: its episode.
        place: the place of its question.
        request_hash: its hash.
        most_usd: the most it can cost, US dollars.
        at: when it was sent, seconds since the epoch.
    """

    episode_id: str
    place: Place
    request_hash: str
    most_usd: float
    at: float


class Slot(NamedTuple):
    """The number of a slot that is not free, and its request; None if it cannot be read or is missing in the file."""

    number: int
    request: Request | None


class InFlight:
    """The requests in flight of one batch, and those that an earlier run left in the file.

    Args:
        path: the file; it is created if it does not exist.

    Raises:
        DiskFullError: there is no space for the file.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._left: dict[str, list[tuple[int, Request]]] = {}
        self._expected = 0
        slots = _slots(path)
        used = {number for number, slot in enumerate(slots) if slot is not None}
        for number, request in used_slots(path):
            if request is not None:
                self._left.setdefault(request.episode_id, []).append((number, request))
        warn_of_unreadable(path)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        self._slots = len(slots)
        self._free = [slot for slot in range(self._slots - 1, -1, -1) if slot not in used]
        try:
            if not self._free:
                self._grow(SLOTS_AT_FIRST)
            else:
                with room_in(path.parent):
                    for slot in self._free:  # an older version marked them otherwise
                        put(self._descriptor, FREE, slot * SLOT_BYTES)
                    self._write_count()
        except BaseException:
            self.close()
            raise

    def left(self, episode_id: str) -> list[tuple[int, Request]]:
        """Returns slot and request of what an earlier run left of an episode, oldest first; a second call finds none.

        The caller stores a call for each request and then frees its slot with `back`.
        """
        return sorted(self._left.pop(episode_id, []), key=lambda one: (one[1].at, one[1].place.seat))

    def expect(self, requests: int) -> None:
        """Raises the number of requests that may be in flight at once by `requests`; a negative number lowers it."""
        self._expected += requests

    def make_room(self) -> None:
        """Allocates slots for all requests that may be in flight at once.

        Raises:
            DiskFullError: there is no space for them.
        """
        if len(self._free) < self._expected:
            self._grow(max(self._slots, self._expected))

    def out(self, request: Request) -> int:
        """Writes a request that leaves now to a free slot, and returns the slot; `back` frees it.

        Raises:
            DiskFullError: no slot is free, and there is no space for more.
            ValueError: the episode id is too long for a slot.
        """
        *turn, seat, attempt = request.place
        values = [request.episode_id, turn, seat, attempt, request.request_hash, request.most_usd, request.at]
        record = SENT + sealed({"request": values})
        if len(record) > SLOT_BYTES:
            raise ValueError(f"{request.episode_id}: an episode id this long fits no slot")
        if not self._free:
            self._grow(self._slots)
        slot = self._free[-1]
        with room_in(self._path.parent):
            put(self._descriptor, record, slot * SLOT_BYTES)
        return self._free.pop()

    def back(self, slot: int) -> None:
        """Frees a slot. If the write fails, the slot stays used, and the next run compares it with the stored calls."""
        with suppress(OSError):
            put(self._descriptor, FREE, slot * SLOT_BYTES)
            self._free.append(slot)

    def close(self) -> None:
        """Closes the file, and deletes it if no slot is used."""
        os.close(self._descriptor)
        if len(self._free) == self._slots:
            delete(self._path)

    def _grow(self, slots: int) -> None:
        """Allocates more slots; the first new one is used next.

        Raises:
            DiskFullError: there is no space for them.
        """
        had = self._slots
        with room_in(self._path.parent):
            reserve(self._descriptor, had * SLOT_BYTES, slots * SLOT_BYTES)
            put(self._descriptor, FREE.ljust(SLOT_BYTES, b"\0") * slots, had * SLOT_BYTES)
            os.fsync(self._descriptor)  # after a power cut the slots are free, and not zeros, which would be damage
            self._slots += slots
            self._free = [*self._free, *range(had + slots - 1, had - 1, -1)]
            self._write_count()

    def _write_count(self) -> None:
        self._path.with_suffix(COUNT_SUFFIX).write_bytes(sealed({"slots": self._slots}))


def lists_in(folder: Path) -> list[Path]:
    """The paths of all lists of a folder, sorted; also of those that are missing although they should exist."""
    missing = {path.with_suffix(SUFFIX) for path in folder.glob(f"*{COUNT_SUFFIX}")}
    return sorted({*folder.glob(f"*{SUFFIX}"), *missing})


def left_in_flight(path: Path) -> list[Request]:
    """The requests listed in a file, or in all lists of a folder; unreadable ones are left out."""
    files = lists_in(path) if path.is_dir() else [path]
    return [request for file in files for _, request in used_slots(file) if request is not None]


def delete(path: Path) -> None:
    """Deletes a list, whether it exists or not."""
    path.with_suffix(COUNT_SUFFIX).unlink(missing_ok=True)
    path.unlink(missing_ok=True)


def move(folder: Path, to: Callable[[str], Path]) -> None:
    """Moves the requests that earlier runs left to the files in which this run looks for them.

    A kill in the middle leaves a request in two files. It still becomes one call: the first stored call covers both.

    Args:
        folder: of the batch's journals.
        to: gives the file for an episode id.
    """
    for path in lists_in(folder):
        left = left_in_flight(path)
        if any(to(request.episode_id) == path for request in left):
            continue
        if any(slot.request is None for slot in used_slots(path)):
            warn_of_unreadable(path)
            continue  # `di repair` puts it aside
        for request in left:
            held = InFlight(to(request.episode_id))
            held.out(request)
            held.close()
        delete(path)


def warn_of_unreadable(path: Path) -> None:
    """Logs a warning if requests of a list cannot be read."""
    n = sum(request is None for _, request in used_slots(path))
    if n:
        what = "up to %d requests in it cannot be read; they may have been billed, and what they cost is unknown"
        log.warning(f"%s: {what}; `di repair` puts the file aside and counts them", path, n)


def used_slots(path: Path) -> Iterator[Slot]:
    """Yields the slots that are not free, in order; none if there is no such list."""
    for number, slot in enumerate(_slots(path)):
        if slot is not None:
            yield Slot(number, _request(slot))


def _slots(path: Path) -> list[bytes | None]:
    """The content of each slot, as far as it is in the file; None if the slot is free."""
    while True:
        count = _count(path)
        data = path.read_bytes() if path.is_file() else b""
        if _count(path) == count:  # else it grew meanwhile, or was deleted
            break
    numbers = range(max(-(-len(data) // SLOT_BYTES), count or 0))
    contents = [data[number * SLOT_BYTES : (number + 1) * SLOT_BYTES] for number in numbers]
    if count is None:
        return [None if slot.startswith((FREE, _OLD_FREE)) else slot for slot in contents]
    free = [slot.startswith(FREE) for slot in contents]
    # A kill while the file grew leaves slots that are not counted yet and hold nothing.
    free[count:] = [not slot.startswith(SENT) for slot in contents[count:]]
    return [None if is_free else slot for is_free, slot in zip(free, contents, strict=True)]


def _count(path: Path) -> int | None:
    """How many slots the list must have at least; None if nothing says so (a list of an older version, or a new one).

    If the number cannot be read, it is what the list has now, or `SLOTS_AT_FIRST` if that is missing or empty.
    """
    file = path.with_suffix(COUNT_SUFFIX)
    try:
        line = file.read_bytes().removesuffix(b"\n")
    except FileNotFoundError:
        return None
    except IsADirectoryError:  # `di repair` puts it aside
        line = b""
    count = json.loads(line).get("slots") if is_sealed(line) else None
    if isinstance(count, int):
        return count
    there = path.stat().st_size if path.is_file() else 0
    return -(-there // SLOT_BYTES) or SLOTS_AT_FIRST


def _request(slot: bytes) -> Request | None:
    """The request in a slot's bytes; None if it cannot be read."""
    line, end, _ = slot.partition(b"\n")
    try:
        if line.startswith(_OLD_SENT):
            values = json.loads(line.removeprefix(_OLD_SENT))
        elif line.startswith(SENT) and is_sealed(line.removeprefix(SENT)):
            values = json.loads(line.removeprefix(SENT))["request"]
        else:
            return None
        episode, (number, phase, exchange), seat, attempt, request_hash, most_usd, at = values
        request = Request(episode, Place(number, phase, exchange, seat, attempt), request_hash, most_usd, at)
    except (ValueError, TypeError, KeyError):
        return None
    known = phase in PHASES and isinstance(episode, str) and isinstance(request_hash, str)
    counts = all(isinstance(one, int) for one in (number, exchange, seat, attempt))
    return request if end and known and counts and _is_money(most_usd) and _is_money(at) else None


def _is_money(value: object) -> bool:
    return isinstance(value, int | float) and 0 <= value < float("inf")
