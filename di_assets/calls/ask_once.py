"""Asks a model once: whatever comes back, a fault as well, is kept before it is used, for it may have been paid for."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from di_assets.agents.moves import encodable
from di_assets.agents.player import Ask, Respondent
from di_assets.calls.budget import BudgetExceededError
from di_assets.calls.call import MOST_TEXT, OK, Call
from di_assets.calls.stopping import StoppedError
from di_assets.game.types import Turn
from di_assets.providers.types import Completion, ProviderError

MAX_REASKS = 2
# Of the ids that a server gives, this much is kept.
MOST_ID = 2_000


@dataclass(frozen=True, slots=True)
class Sent:
    """A reply and what it cost.

    Attributes:
        completion: the reply.
        cost_usd: US dollars, those of tries on the way that may have been charged for included.
        bound_usd: the most it can cost, likewise; None for a scripted agent's, for which nothing is charged.
    """

    completion: Completion
    cost_usd: float
    bound_usd: float | None = None


GoesOut = Callable[[float], Callable[[], None]]
"""Told that a request goes out now, and the US dollars it can cost at most. What it gives back is to be called when the
request turned out to have cost nothing, and nothing was heard in reply."""


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

    def goes_out(
        self, turn: Turn, seat: int, attempt: int, request_hash: str, *, most_usd: float, at: float
    ) -> Callable[[], None]:
        """Keeps that a request goes out, so that one whose reply never came is known of; what it gives forgets it."""
        ...

    def append(self, call: Call, /) -> None:
        """Keeps a call."""
        ...

    def make_room(self) -> None:
        """Called before a request leaves: what comes back can then be kept."""
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
        DiskFullError: there is no room for the reply, so nothing was sent; or the reply could not be kept.
        BudgetExceededError, StoppedError: play ended before the call was sent, or between two tries.
    """
    started_at, clock = _now(), time.perf_counter()

    def goes_out(most_usd: float) -> Callable[[], None]:
        nonlocal started_at, clock
        started_at, clock = _now(), time.perf_counter()
        return journal.goes_out(
            place.turn, place.seat, place.attempt, ask.request_hash, most_usd=most_usd, at=started_at
        )

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
            request_id=None if completion.request_id is None else encodable(completion.request_id)[:MOST_ID],
            bound_usd=sent.bound_usd,
        )
        journal.append(call)
        return call

    journal.make_room()
    try:
        sent = await send(respondent, ask, goes_out)
    except ProviderError as error:
        nothing = Completion(text="", stop="fault", retried=error.retried, request_id=error.request_id)
        kept(Sent(nothing, error.cost_usd, error.bound_usd), error.kind, str(error))
        if isinstance(error.__cause__, BudgetExceededError | StoppedError):
            raise error.__cause__ from None  # the fault might have passed, had play not ended
        raise
    reading = read(encodable(sent.completion.text)[:MOST_TEXT], sent.completion.stop)
    return kept(sent, reading.kind or OK, reading.invalid), reading


def _now() -> float:
    """Seconds since the epoch, in whole microseconds as tables keep them: what is made again from them is the same."""
    return round(time.time(), 6)
