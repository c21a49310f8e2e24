"""The journal: every reply on disk before it is used, one append-only file of JSON lines an episode in flight.

The first line says what the episode is and what it was played with; each further line is a request that goes out, or
the call that came of it, whatever came back. A line is written (and so survives the death of this process) before its
reply is used; where replies are paid for, one thread syncs what was written (and so it survives a power cut) in groups,
and play waits for that at the end of each phase: at most one group is lost to a power cut, none to a kill.

A request whose call is missing was in flight when the process ended: it becomes a call with the status `interrupted`,
is taken to have cost what it can have cost at most, and is asked again. Reopening a journal rewrites it to its header
and calls, so that its size is bounded by the calls of an episode, however often it is resumed.
"""

import asyncio
import hashlib
import json
import logging
import os
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, get_args

from di_assets.game.types import Turn
from di_assets.providers.types import FaultKind
from di_assets.tables.warehouse import replacing

log = logging.getLogger(__name__)

OK = "ok"
INTERRUPTED = "interrupted"
FAULTS = frozenset({*get_args(FaultKind), INTERRUPTED})
# No valid reply is longer by far; what a run-away reply holds beyond this is not kept.
MOST_TEXT = 200_000
# Faults that cost nothing are kept up to this many an episode, the latest ones.
MOST_FAULTS = 100


class StaleJournalError(Exception):
    """The journal was written with other rules, prompts or configuration, or for another question."""


@dataclass(frozen=True, slots=True)
class Header:
    """What an episode is played with; a journal is resumed only under the same."""

    episode_id: str
    rules_version: str
    prompt_hash: str
    config_hash: str


@dataclass(frozen=True, slots=True)
class Call:
    """One request to a model and what came back.

    Attributes:
        status: `ok`, the kind of an invalid reply, or a kind of fault (then `text` is empty).
        error: why, in words.
        cost_usd: US dollars; where the server told no usage, what the call can have cost at most.
        started_at: seconds since the epoch, UTC.
        retried: kinds of the faults that were retried on the way, in order, separated by spaces.
    """

    round: int
    phase: str
    exchange: int
    seat: int
    attempt: int
    request_hash: str
    text: str
    stop: str
    status: str
    error: str | None
    reasoning: str | None
    input_tokens: int | None
    cached_tokens: int | None
    output_tokens: int | None
    cost_usd: float
    latency_s: float
    started_at: float
    retried: str | None = None

    @property
    def key(self) -> tuple[int, str, int, int, int]:
        """Which question it answers: (round, phase, exchange, seat, attempt)."""
        return (self.round, self.phase, self.exchange, self.seat, self.attempt)


Key = tuple[int, str, int, int, int]
_FIELDS = tuple(field.name for field in fields(Call))


def call_key(turn: Turn, seat: int, attempt: int) -> Key:
    """The key of the call that asks this seat in this turn."""
    return (turn.round, turn.phase, turn.exchange, seat, attempt)


def in_call_order(calls: Iterable[Call]) -> list[Call]:
    """Calls by round, phase (messages first), exchange, seat, attempt; faults before the reply they delayed."""
    return sorted(
        calls,
        key=lambda c: (c.round, c.phase == "pull", c.exchange, c.seat, c.attempt, c.status not in FAULTS, c.started_at),
    )


def replies_sha256(replies: Iterable[tuple[str, str]]) -> str:
    """sha256 over (request_hash, reply_text) of the calls that brought a reply, in call order."""
    digest = hashlib.sha256()
    for request_hash, text in replies:
        digest.update(json.dumps([request_hash, text]).encode() + b"\n")
    return digest.hexdigest()


class GroupSync:
    """One thread that syncs files in groups, so that play never waits for the disk but at the end of a phase.

    It serves the event loop that it is made in.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._wanted: dict[int, list[asyncio.Future[None]]] = {}
        self._folders: set[Path] = set()
        self._wake = threading.Condition()
        self._open = True
        self._thread = threading.Thread(target=self._run, name="journal-sync", daemon=True)
        self._thread.start()

    def synced(self, descriptor: int, *, new_in: Path | None = None) -> asyncio.Future[None]:
        """A future that is done when what was written to this file so far is on disk, its name in a folder too."""
        future: asyncio.Future[None] = self._loop.create_future()
        with self._wake:
            self._wanted.setdefault(descriptor, []).append(future)
            if new_in is not None:
                self._folders.add(new_in)
            self._wake.notify()
        return future

    def close(self) -> None:
        """Syncs what is still wanted and ends the thread."""
        with self._wake:
            self._open = False
            self._wake.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._wake:
                while self._open and not self._wanted:
                    self._wake.wait()
                group, self._wanted = self._wanted, {}
                folders, self._folders = self._folders, set()
                if not group:
                    return
            for folder in folders:
                _sync_folder(folder)
            done: list[tuple[asyncio.Future[None], OSError | None]] = []
            for descriptor, waiting in group.items():
                problem: OSError | None = None
                try:
                    os.fdatasync(descriptor)
                except OSError as error:
                    problem = error
                done += [(future, problem) for future in waiting]
            self._loop.call_soon_threadsafe(_settle, done)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _settle(done: Sequence[tuple["asyncio.Future[None]", OSError | None]]) -> None:
    for future, problem in done:
        if future.done():
            continue
        if problem is None:
            future.set_result(None)
        else:
            future.set_exception(problem)


class Journal:
    """The journal of one episode: what it holds already, and where new calls go.

    Args:
        path: the file; read if it exists, made with the first call if not.
        header: what the episode is played with now.
        sync: syncs paid replies; None where replies are free.

    Raises:
        StaleJournalError: the file was written with something else.
    """

    def __init__(self, path: Path, header: Header, *, sync: GroupSync | None) -> None:
        self.path, self.header = path, header
        self._sync = sync
        self._descriptor: int | None = None
        self._written = False
        self._new_in: Path | None = None
        self.calls: list[Call] = []
        if path.exists():
            stored, self.calls = read_journal(path)
            if stored is not None and stored != header:
                changed = [f.name for f in fields(Header) if getattr(stored, f.name) != getattr(header, f.name)]
                raise StaleJournalError(f"{path} was played with another {', '.join(changed)}; it is kept as it is")
        self._replies = {call.key: call for call in self.calls if call.status not in FAULTS}

    def find(self, turn: Turn, seat: int, attempt: int, request_hash: str) -> Call | None:
        """The stored call that answers this question.

        Raises:
            StaleJournalError: a call is stored for this turn, but for another question.
        """
        call = self._replies.get(call_key(turn, seat, attempt))
        if call is not None and call.request_hash != request_hash:
            raise StaleJournalError(
                f"{self.path}: round {turn.round}, seat {seat}: the stored reply answers another question"
            )
        return call

    def goes_out(self, turn: Turn, seat: int, attempt: int, request_hash: str, most_usd: float) -> None:
        """Writes that a request goes out now, and what it can cost at most."""
        key = call_key(turn, seat, attempt)
        self._write({"goes_out": key, "request_hash": request_hash, "most_usd": most_usd, "at": time.time()})

    def append(self, call: Call) -> None:
        """Writes one call; when this returns it survives the death of this process."""
        self._write({name: getattr(call, name) for name in _FIELDS})
        self.calls.append(call)

    async def settled(self) -> None:
        """Returns when all that was written survives a power cut too (at once where replies are free)."""
        if self._sync is not None and self._descriptor is not None and self._written:
            self._written = False
            new_in, self._new_in = self._new_in, None
            await self._sync.synced(self._descriptor, new_in=new_in)

    def close(self) -> None:
        """Closes the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _write(self, record: dict[str, Any]) -> None:
        if self._descriptor is None:
            self._descriptor = self._open()
        _write_all(self._descriptor, _line(record))
        self._written = True

    def _open(self) -> int:
        """Makes the file, or rewrites it to what counts: no torn line, no request whose call is there."""
        if self.path.exists():
            with replacing(self.path) as temporary, temporary.open("wb") as file:
                file.write(_line(asdict(self.header)))
                file.writelines(_line(asdict(call)) for call in _bounded(self.calls))
            return os.open(self.path, os.O_WRONLY | os.O_APPEND)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        _write_all(descriptor, _line(asdict(self.header)))
        self._new_in = self.path.parent
        return descriptor


def _bounded(calls: Sequence[Call]) -> Iterator[Call]:
    """All calls but the oldest of too many faults that cost nothing."""
    free = [call for call in calls if call.status in FAULTS and not call.cost_usd]
    dropped = {id(call) for call in free[: max(0, len(free) - MOST_FAULTS)]}
    return (call for call in calls if id(call) not in dropped)


def read_journal(path: Path) -> tuple[Header | None, list[Call]]:
    """A journal's header (None when not even that was written whole) and its calls.

    A request whose call is missing is an interrupted call, at the end of the list. A torn last line is dropped, loudly.
    A broken line before the last is an error: nothing here writes one.

    Raises:
        StaleJournalError: a line cannot be read.
    """
    header, good = None, 0
    calls: list[Call] = []
    out: dict[Key, dict[str, Any]] = {}
    for number, line in enumerate(_lines(path), start=1):
        try:
            if not line.endswith(b"\n"):
                raise ValueError("torn")
            record = json.loads(line)
            if number == 1:
                header = Header(**record)
            elif "goes_out" in record:
                key = _key_of(record["goes_out"])
                out[key] = {**record, "most_usd": record["most_usd"] + out.get(key, {"most_usd": 0.0})["most_usd"]}
            else:
                calls.append(Call(**record))
                out.pop(calls[-1].key, None)
        except (ValueError, TypeError, KeyError) as error:
            if good + len(line) < path.stat().st_size:
                raise StaleJournalError(f"{path}:{number}: not a line of a journal; it is kept as it is") from error
            log.warning("%s:%d: torn last line of %d bytes dropped; that call is asked again", path, number, len(line))
            break
        good += len(line)
    return header, [*calls, *(_interrupted(key, request) for key, request in out.items())]


def _key_of(written: Sequence[Any]) -> Key:
    number, phase, exchange, seat, attempt = written
    return (number, phase, exchange, seat, attempt)


def _interrupted(key: Key, request: Mapping[str, Any]) -> Call:
    number, phase, exchange, seat, attempt = key
    return Call(
        round=number,
        phase=phase,
        exchange=exchange,
        seat=seat,
        attempt=attempt,
        request_hash=request["request_hash"],
        text="",
        stop="fault",
        status=INTERRUPTED,
        error="play was ended before the reply came",
        reasoning=None,
        input_tokens=None,
        cached_tokens=None,
        output_tokens=None,
        cost_usd=request["most_usd"],
        latency_s=0.0,
        started_at=request["at"],
    )


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from file


_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


def _line(record: dict[str, object]) -> bytes:
    return _encode(record).encode() + b"\n"


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
