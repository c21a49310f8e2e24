"""Which requests are out: a small file in memory that outlives the process, so that a kill leaves a list of them.

One record a request, in a slot of fixed length of a mapped file: written without a system call, kept by the system
when the process is killed. A slot's first byte is its flag and is set last, so that no torn record is ever read.
"""

import json
import mmap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from di_assets.game.types import Turn

SUFFIX = ".map"
SLOT_BYTES, SLOTS_AT_FIRST = 512, 256
USED, FREE = 1, 0
_encode = json.JSONEncoder(separators=(",", ":")).encode


@dataclass(frozen=True, slots=True)
class Request:
    """A request that is out, or was when play was ended.

    Attributes:
        episode_id: of its episode.
        turn: of the game.
        seat: who was asked.
        attempt: 0, then 1 and 2 for re-asks.
        request_hash: of what was asked.
        most_usd: the most it can cost, US dollars.
        at: when it went out, seconds since the epoch.
    """

    episode_id: str
    turn: Turn
    seat: int
    attempt: int
    request_hash: str
    most_usd: float
    at: float


class InFlight:
    """The requests of one batch that are out now, and those that an ended run left behind.

    Args:
        path: the file; made where there is none.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._left: dict[str, list[tuple[int, Request]]] = {}
        for slot, request in _used(path):
            self._left.setdefault(request.episode_id, []).append((slot, request))
        self._file = path.open("r+b" if path.exists() else "w+b")
        slots = self._file.seek(0, 2) // SLOT_BYTES
        used = {slot for left in self._left.values() for slot, _ in left}
        self._free = [slot for slot in range(slots - 1, -1, -1) if slot not in used]
        if slots:
            self._map = mmap.mmap(self._file.fileno(), 0)
        else:
            self._grow(SLOTS_AT_FIRST)

    def left(self, episode_id: str) -> list[tuple[int, Request]]:
        """What an ended run left of an episode, by slot, oldest first; whoever keeps a request gives its slot back."""
        return sorted(self._left.pop(episode_id, []), key=lambda one: (one[1].at, one[1].seat))

    def out(self, request: Request) -> int:
        """Notes that a request goes out; the slot is given back when its reply is kept."""
        if not self._free:
            self._grow(len(self._map) // SLOT_BYTES)
        turn = request.turn
        record = _encode(
            [
                request.episode_id,
                [turn.round, turn.phase, turn.exchange],
                request.seat,
                request.attempt,
                request.request_hash,
                request.most_usd,
                request.at,
            ]
        ).encode()
        if len(record) > SLOT_BYTES - 2:
            raise ValueError(f"{request.episode_id}: an episode id this long fits no slot")
        slot = self._free.pop()
        start = slot * SLOT_BYTES
        self._map[start + 1 : start + 2 + len(record)] = record + b"\n"
        self._map[start] = USED
        return slot

    def back(self, slot: int) -> None:
        """Frees a slot."""
        self._map[slot * SLOT_BYTES] = FREE
        self._free.append(slot)

    def close(self) -> None:
        """Closes the file, and removes it when nothing is in it."""
        empty = len(self._free) * SLOT_BYTES == len(self._map)
        self._map.close()
        self._file.close()
        if empty:
            self._path.unlink()

    def _grow(self, slots: int) -> None:
        """So many slots more; the first of them is the next to be used."""
        had = self._file.seek(0, 2) // SLOT_BYTES
        self._file.truncate((had + slots) * SLOT_BYTES)
        if had:
            self._map.close()
        self._map = mmap.mmap(self._file.fileno(), 0)
        self._free = [*self._free, *range(had + slots - 1, had - 1, -1)]


def left_in_flight(path: Path) -> list[Request]:
    """The requests in such a file, or in all of a folder; there may be none."""
    files = sorted(path.glob(f"*{SUFFIX}")) if path.is_dir() else [path]
    return [request for file in files for _, request in _used(file)]


def move(folder: Path, to: Callable[[str], Path]) -> None:
    """Moves what ended runs left to the files where those who play now look for it, by episode.

    A kill in the middle leaves a request in two places; it is still one call, for the first to be kept covers both.
    """
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        left = left_in_flight(path)
        if any(to(request.episode_id) == path for request in left):
            continue
        for request in left:
            held = InFlight(to(request.episode_id))
            held.out(request)
            held.close()
        path.unlink()


def _used(path: Path) -> Iterator[tuple[int, Request]]:
    data = path.read_bytes() if path.exists() else b""
    for slot, start in enumerate(range(0, len(data), SLOT_BYTES)):
        if data[start] == USED:
            record = json.loads(data[start + 1 : start + SLOT_BYTES].split(b"\n", 1)[0])
            episode, (number, phase, exchange), seat, attempt, request_hash, most_usd, at = record
            yield slot, Request(episode, Turn(number, phase, exchange), seat, attempt, request_hash, most_usd, at)
