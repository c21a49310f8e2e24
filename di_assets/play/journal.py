"""The journal: every reply on disk before it is used, one append-only file of JSON lines an episode in flight.

The first line says what the episode is and what it was played with; each further line is one call, whatever came
back. A line is written, and so survives the death of this process, before its reply is used: a kill loses none. Where
replies are paid for, what was written is synced as well, behind play, and so survives a power cut (see `group_sync`).

A request that was out when play was ended (see `in_flight`) becomes a call with the status `interrupted`, is taken to
have cost what it can have cost at most, and is asked again. Reopening a journal rewrites it without what does not
count, so that its size is bounded by the calls of an episode, however often it is resumed.
"""

import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from json.encoder import encode_basestring_ascii as quote
from pathlib import Path
from typing import NamedTuple, get_args

from di_assets.agents.replies import FIRST_READER, READERS
from di_assets.game.state import Fields
from di_assets.game.types import Turn
from di_assets.play.group_sync import GroupSync
from di_assets.play.in_flight import InFlight, Request
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

    exit_code = 1


@dataclass(frozen=True, slots=True)
class Header:
    """What an episode is played with; a journal is resumed only under the same.

    Attributes:
        reader_version: of the reader of replies. A journal is resumed with its own to its end, whatever today's is;
            one from before readers had versions has the first.
    """

    episode_id: str
    rules_version: str
    prompt_hash: str
    config_hash: str
    reader_version: str = FIRST_READER


class Call(NamedTuple):
    """One request to a model and what came back.

    Attributes:
        status: `ok`, the kind of an invalid reply, or a kind of fault (then `text` is empty).
        error: why, in words.
        cost_usd: US dollars; where the server told no usage, what the call can have cost at most.
        started_at: seconds since the epoch, UTC.
        retried: kinds of the faults that were retried on the way, in order, separated by spaces.
        request_id: the provider's, where it tells one; of tries that were retried as well, separated by spaces.
        bound_usd: the most it can have cost, US dollars; None for a scripted agent's.
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
    request_id: str | None = None
    bound_usd: float | None = None

    @property
    def key(self) -> tuple[int, str, int, int, int]:
        """Which question it answers: (round, phase, exchange, seat, attempt)."""
        return (self.round, self.phase, self.exchange, self.seat, self.attempt)


Key = tuple[int, str, int, int, int]


def call_key(turn: Turn, seat: int, attempt: int) -> Key:
    """The key of the call that asks this seat in this turn."""
    return (turn.round, turn.phase, turn.exchange, seat, attempt)


def in_call_order(calls: Iterable[Call]) -> list[Call]:
    """Calls by round, phase (messages first), exchange, seat, attempt; faults before the reply they delayed."""
    return sorted(
        calls,
        key=lambda c: (c.round, c.phase == "pull", c.exchange, c.seat, c.attempt, c.status not in FAULTS, c.started_at),
    )


def by_field(calls: Sequence[Call]) -> Fields:
    """The calls' fields by name, each a column."""
    columns = zip(*calls, strict=True) if calls else ((),) * len(Call._fields)
    return dict(zip(Call._fields, columns, strict=True))


def replies_sha256(request_hashes: Sequence[str], texts: Sequence[str]) -> str:
    """sha256 over (request_hash, reply_text) of the calls that brought a reply, in call order; a line of JSON each."""
    quoted = {text: quote(text) for text in set(texts)}  # scripted agents say the same few things
    lines = [f"[{quote(asked)}, {quoted[text]}]\n" for asked, text in zip(request_hashes, texts, strict=True)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


class Journal:
    """The journal of one episode: what it holds already, and where new calls go.

    Args:
        path: the file; read if it exists, made with the first call if not.
        header: what the episode is played with now.
        sync: syncs paid replies; None where replies are free.
        in_flight: keeps the requests that are out; None where replies are free.

    Raises:
        StaleJournalError: the file was written with something else.
    """

    def __init__(
        self, path: Path, header: Header, *, sync: GroupSync | None = None, in_flight: InFlight | None = None
    ) -> None:
        self.path, self.header = path, header
        self._sync, self._in_flight = sync, in_flight
        self._out: dict[Key, list[int]] = {}
        self._descriptor: int | None = None
        self._new_in: Path | None = None
        self._asked = 0  # the group that syncs what was written last
        self.calls: list[Call] = []
        if path.exists():
            stored, self.calls = read_journal(path)
            if stored is not None:
                self.header = _same(stored, header, path)
        self._replies = {call.key: call for call in self.calls if call.status not in FAULTS}
        if in_flight is not None:
            for slot, request in in_flight.left(header.episode_id):
                for call in interrupted([request], self.calls):
                    self.append(call)
                in_flight.back(slot)

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

    def goes_out(
        self, turn: Turn, seat: int, attempt: int, request_hash: str, *, most_usd: float, at: float
    ) -> Callable[[], None]:
        """Notes that a request goes out at this time, and what it can cost at most.

        What this gives back forgets the request: it is called when the request turned out to cost nothing.
        """
        if self._in_flight is None:
            return lambda: None
        in_flight, slots = self._in_flight, self._out.setdefault(call_key(turn, seat, attempt), [])
        slot = in_flight.out(Request(self.header.episode_id, turn, seat, attempt, request_hash, most_usd, at))
        slots.append(slot)

        def forget() -> None:
            slots.remove(slot)
            in_flight.back(slot)

        return forget

    def append(self, call: Call) -> None:
        """Writes one call; when this returns it survives the death of this process."""
        if self._descriptor is None:
            self._descriptor = self._open()
        _write_all(self._descriptor, _line(call._asdict()))
        if self._sync is not None:
            self._asked = self._sync.ask(self._descriptor, new_in=self._new_in)
            self._new_in = None
        self.calls.append(call)
        if self._in_flight is not None:
            for slot in self._out.pop(call.key, ()):
                self._in_flight.back(slot)

    async def settled(self) -> None:
        """Called at the end of a phase; waits only for a disk that is too far behind."""
        if self._sync is not None:
            await self._sync.kept_up()

    async def end(self) -> None:
        """Returns when all that was written survives a power cut, and closes the file."""
        try:
            if self._sync is not None:
                await self._sync.synced(self._asked)
        finally:
            self.close()

    def close(self) -> None:
        """Closes the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> int:
        """Makes the file, or rewrites it to what counts: no torn line, no fault too many."""
        if self.path.exists():
            with replacing(self.path) as temporary, temporary.open("wb") as file:
                file.write(_line(asdict(self.header)))
                file.writelines(_line(call._asdict()) for call in _bounded(self.calls))
            return os.open(self.path, os.O_WRONLY | os.O_APPEND)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        _write_all(descriptor, _line(asdict(self.header)))
        self._new_in = self.path.parent
        return descriptor


def _same(stored: Header, today: Header, path: Path) -> Header:
    """The stored header, whose reader goes on to the end.

    Raises:
        StaleJournalError: it is not today's in anything else, or its reader is not known.
    """
    here = replace(today, reader_version=stored.reader_version)
    changed = [f.name for f in fields(Header) if getattr(stored, f.name) != getattr(here, f.name)]
    if changed:
        raise StaleJournalError(f"{path} was played with another {', '.join(changed)}; it is kept as it is")
    if stored.reader_version not in READERS:
        raise StaleJournalError(f"{path} was read by reader {stored.reader_version}; known are {', '.join(READERS)}")
    return stored


def _bounded(calls: Sequence[Call]) -> Iterator[Call]:
    """All calls but the oldest of too many faults that cost nothing."""
    free = [call for call in calls if call.status in FAULTS and not call.cost_usd]
    dropped = {id(call) for call in free[: max(0, len(free) - MOST_FAULTS)]}
    return (call for call in calls if id(call) not in dropped)


def read_journal(path: Path) -> tuple[Header | None, list[Call]]:
    """A journal's header (None when not even that was written whole) and its calls.

    A torn last line is dropped, loudly. A broken line before the last is an error: nothing here writes one.

    Raises:
        StaleJournalError: a line cannot be read.
    """
    header, good = None, 0
    calls: list[Call] = []
    for number, line in enumerate(_lines(path), start=1):
        try:
            if not line.endswith(b"\n"):
                raise ValueError("torn")
            record = json.loads(line)
            if number == 1:
                header = Header(**record)
            else:
                calls.append(Call(**record))
        except (ValueError, TypeError) as error:
            if good + len(line) < path.stat().st_size:
                raise StaleJournalError(f"{path}:{number}: not a line of a journal; it is kept as it is") from error
            log.warning("%s:%d: torn last line of %d bytes dropped; that call is asked again", path, number, len(line))
            break
        good += len(line)
    return header, calls


def interrupted(requests: Iterable[Request], calls: Sequence[Call]) -> Iterator[Call]:
    """As calls, those of the requests that none of these calls came of."""
    for request in requests:
        key = call_key(request.turn, request.seat, request.attempt)
        # A call covers every request for it: one that came broken is asked again before the call is kept.
        if any(call.key == key and call.started_at >= request.at for call in calls):
            continue
        yield Call(
            round=request.turn.round,
            phase=request.turn.phase,
            exchange=request.turn.exchange,
            seat=request.seat,
            attempt=request.attempt,
            request_hash=request.request_hash,
            text="",
            stop="fault",
            status=INTERRUPTED,
            error="play was ended before the reply came",
            reasoning=None,
            input_tokens=None,
            cached_tokens=None,
            output_tokens=None,
            cost_usd=request.most_usd,
            latency_s=0.0,
            started_at=request.at,
            bound_usd=request.most_usd,
        )


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from file


_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


def _line(record: dict[str, object]) -> bytes:
    return _encode(record).encode() + b"\n"


def _write_all(descriptor: int, data: bytes) -> None:
    written = os.write(descriptor, data)
    while written < len(data):
        written += os.write(descriptor, data[written:])
