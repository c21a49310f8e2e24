"""A file that lists the requests in flight: those that were sent and have no stored reply yet.

The file survives a killed process, so the next run knows which requests may have cost money. Each request has a record
in a slot of fixed length. The first byte of a slot says whether it is used. Slots are allocated on disk in advance, so
a full disk stops play before a request leaves. If a slot cannot be read, there is a warning and the slot is not
changed; `di repair` moves the damaged file to quarantine (see `salvage`).
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
from di_assets.tables.words import PHASES

log = logging.getLogger(__name__)

SUFFIX = ".map"
SLOT_BYTES, SLOTS_AT_FIRST = 512, 64
USED, FREE = 1, 0
_encode = json.JSONEncoder(separators=(",", ":")).encode


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
    """The number of a used slot, and its request; None if the request cannot be read."""

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
        used, damaged = set(), 0
        for slot, request in used_slots(path):
            used.add(slot)
            if request is None:
                damaged += 1
            else:
                self._left.setdefault(request.episode_id, []).append((slot, request))
        if damaged:
            log.warning("%s: %d requests that were out cannot be read; `di repair` puts the file aside", path, damaged)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        self._slots = -(-os.fstat(self._descriptor).st_size // SLOT_BYTES)
        self._free = [slot for slot in range(self._slots - 1, -1, -1) if slot not in used]
        try:
            if not self._free:
                self._grow(SLOTS_AT_FIRST)
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
        record = _encode(values).encode()
        if len(record) > SLOT_BYTES - 2:
            raise ValueError(f"{request.episode_id}: an episode id this long fits no slot")
        if not self._free:
            self._grow(self._slots)
        slot = self._free[-1]
        with room_in(self._path.parent):
            put(self._descriptor, bytes((USED,)) + record + b"\n", slot * SLOT_BYTES)
        return self._free.pop()

    def back(self, slot: int) -> None:
        """Frees a slot. If the write fails, the slot stays used, and the next run compares it with the stored calls."""
        with suppress(OSError):
            put(self._descriptor, bytes((FREE,)), slot * SLOT_BYTES)
            self._free.append(slot)

    def close(self) -> None:
        """Closes the file, and deletes it if no slot is used."""
        os.close(self._descriptor)
        if len(self._free) == self._slots:
            self._path.unlink()

    def _grow(self, slots: int) -> None:
        """Allocates more slots; the first new one is used next.

        Raises:
            DiskFullError: there is no space for them.
        """
        had = self._slots
        with room_in(self._path.parent):
            reserve(self._descriptor, had * SLOT_BYTES, slots * SLOT_BYTES)
        self._slots += slots
        self._free = [*self._free, *range(had + slots - 1, had - 1, -1)]


def left_in_flight(path: Path) -> list[Request]:
    """The requests listed in a file, or in all such files of a folder; unreadable ones are left out."""
    files = sorted(path.glob(f"*{SUFFIX}")) if path.is_dir() else [path]
    return [request for file in files for _, request in used_slots(file) if request is not None]


def move(folder: Path, to: Callable[[str], Path]) -> None:
    """Moves the requests that earlier runs left to the files in which this run looks for them.

    A kill in the middle leaves a request in two files. It still becomes one call: the first stored call covers both.

    Args:
        folder: of the batch's journals.
        to: gives the file for an episode id.
    """
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        left = left_in_flight(path)
        if any(to(request.episode_id) == path for request in left):
            continue
        if any(slot.request is None for slot in used_slots(path)):
            continue  # `di repair` puts it aside
        for request in left:
            held = InFlight(to(request.episode_id))
            held.out(request)
            held.close()
        path.unlink()


def used_slots(path: Path) -> Iterator[Slot]:
    """Yields the used slots in order; none if the file does not exist."""
    data = path.read_bytes() if path.is_file() else b""
    for number, start in enumerate(range(0, len(data), SLOT_BYTES)):
        if data[start] != FREE:
            yield Slot(number, _request(data[start : start + SLOT_BYTES]))


def _request(slot: bytes) -> Request | None:
    """The request in a slot's bytes; None if it cannot be read."""
    record, end, _ = slot[1:].partition(b"\n")
    try:
        episode, (number, phase, exchange), seat, attempt, request_hash, most_usd, at = json.loads(record)
        request = Request(episode, Place(number, phase, exchange, seat, attempt), request_hash, most_usd, at)
    except (ValueError, TypeError):
        return None
    known = phase in PHASES and isinstance(episode, str) and isinstance(request_hash, str)
    counts = all(isinstance(one, int) for one in (number, exchange, seat, attempt))
    return request if slot[0] == USED and end and known and counts and _is_money(most_usd) and _is_money(at) else None


def _is_money(value: object) -> bool:
    return isinstance(value, int | float) and 0 <= value < float("inf")
