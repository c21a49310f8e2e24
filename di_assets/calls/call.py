"""A call as it is kept: one request to a model and what came back; what an episode is played with."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii as quote
from typing import NamedTuple, get_args

from di_assets.agents.replies import FIRST_READER
from di_assets.calls.in_flight import Request
from di_assets.game.state import Fields
from di_assets.game.types import Turn
from di_assets.providers.types import FaultKind

OK = "ok"
INTERRUPTED = "interrupted"
FAULTS = frozenset({*get_args(FaultKind), INTERRUPTED})
# No valid reply is longer by far; what a run-away reply holds beyond this is not kept.
MOST_TEXT = 200_000


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
