"""Asks a model once: whatever comes back, a fault as well, is kept before it is used, for it may have been paid for."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from di_assets.agents.moves import encodable
from di_assets.agents.player import Ask, Respondent
from di_assets.game.types import Turn
from di_assets.play.journal import MOST_TEXT, OK, Call
from di_assets.providers.types import Completion, ProviderError

MAX_REASKS = 2


@dataclass(frozen=True, slots=True)
class Sent:
    """A reply and what it cost: US dollars, those of replies that came broken on the way included."""

    completion: Completion
    cost_usd: float


GoesOut = Callable[[float], None]
"""Told that a request goes out now, and the US dollars it can cost at most."""


class Sender(Protocol):
    """Sends a player's ask within whatever limits hold."""

    async def __call__(self, player: Respondent, ask: Ask, goes_out: GoesOut, /) -> Sent:
        """The reply; raises ProviderError where none comes."""
        ...


class Replies(Protocol):
    """Where replies are looked up and kept: a journal, or what stands in its place."""

    def find(self, turn: Turn, seat: int, attempt: int, request_hash: str) -> Call | None:
        """The stored call that answers this question."""
        ...

    def goes_out(self, turn: Turn, seat: int, attempt: int, request_hash: str, *, most_usd: float, at: float) -> None:
        """Keeps that a request goes out, so that one whose reply never came is known of."""
        ...

    def append(self, call: Call, /) -> None:
        """Keeps a call."""
        ...

    async def settled(self) -> None:
        """Called at the end of a phase; returns when play may go on."""
        ...


class Read(Protocol):
    """What reading a reply came to; a valid one has neither."""

    @property
    def invalid(self) -> str | None:
        """Why it cannot be used."""
        ...

    @property
    def kind(self) -> str | None:
        """The kind of fault, for counting."""
        ...


Reading = TypeVar("Reading", bound=Read)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a question stands: turn, seat, and 0 for the first time it is asked, 1 and 2 for re-asks."""

    turn: Turn
    seat: int
    attempt: int


async def ask_once(
    respondent: Respondent,
    ask: Ask,
    place: Place,
    *,
    send: Sender,
    journal: Replies,
    read: Callable[[str, str], Reading],
) -> tuple[Call, Reading]:
    """The call as it was kept, and its reply as `read` (text, why it ended) reads it.

    Raises:
        ProviderError: no reply came; that is kept too, with what it may have cost.
    """
    started_at, clock = time.time(), time.perf_counter()

    def goes_out(most_usd: float) -> None:
        nonlocal started_at, clock
        started_at, clock = time.time(), time.perf_counter()
        journal.goes_out(place.turn, place.seat, place.attempt, ask.request_hash, most_usd=most_usd, at=started_at)

    def kept(sent: Sent, status: str, error: str | None) -> Call:
        completion = sent.completion
        call = Call(
            round=place.turn.round,
            phase=place.turn.phase,
            exchange=place.turn.exchange,
            seat=place.seat,
            attempt=place.attempt,
            request_hash=ask.request_hash,
            text=encodable(completion.text)[:MOST_TEXT],
            stop=completion.stop,
            status=status,
            error=error,
            reasoning=None if completion.reasoning is None else encodable(completion.reasoning)[:MOST_TEXT],
            input_tokens=completion.input_tokens,
            cached_tokens=completion.cached_tokens,
            output_tokens=completion.output_tokens,
            cost_usd=sent.cost_usd,
            latency_s=round(time.perf_counter() - clock, 6),
            started_at=started_at,
            retried=" ".join(completion.retried) or None,
        )
        journal.append(call)
        return call

    try:
        sent = await send(respondent, ask, goes_out)
    except ProviderError as error:
        nothing = Completion(text="", stop="fault", retried=error.retried)
        kept(Sent(nothing, error.cost_usd), error.kind, str(error))
        raise
    reading = read(encodable(sent.completion.text)[:MOST_TEXT], sent.completion.stop)
    return kept(sent, reading.kind or OK, reading.invalid), reading
