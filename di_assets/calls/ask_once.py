"""Asks a model once: whatever comes back, a fault as well, is kept before it is used, for it may have been paid for."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from di_assets.calls.budget import BudgetExceededError
from di_assets.calls.call import MOST_TEXT, Call, call_of, unanswered
from di_assets.calls.place import Place
from di_assets.calls.stopping import StoppedError
from di_assets.providers.asking import Ask, Respondent, encodable
from di_assets.providers.types import Completion, ProviderError
from di_assets.tables.words import OK

MAX_REASKS = 2


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

    def find(self, place: Place, request_hash: str) -> Call | None:
        """The stored call that answers this question."""
        ...

    def goes_out(self, place: Place, request_hash: str, *, most_usd: float, at: float) -> Callable[[], None]:
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
        return journal.goes_out(place, ask.request_hash, most_usd=most_usd, at=started_at)

    def kept(sent: Sent, status: str, error: str | None) -> Call:
        call = call_of(
            place,
            ask.request_hash,
            sent.completion,
            status=status,
            error=error,
            cost_usd=sent.cost_usd,
            latency_s=round(time.perf_counter() - clock, 6),
            started_at=started_at,
            bound_usd=sent.bound_usd,
        )
        journal.append(call)
        return call

    journal.make_room()
    try:
        sent = await send(respondent, ask, goes_out)
    except ProviderError as error:
        nothing = unanswered(retried=error.retried, request_id=error.request_id)
        kept(Sent(nothing, error.cost_usd, error.bound_usd), error.kind, str(error))
        if isinstance(error.__cause__, BudgetExceededError | StoppedError):
            raise error.__cause__ from None  # the fault might have passed, had play not ended
        raise
    reading = read(encodable(sent.completion.text)[:MOST_TEXT], sent.completion.stop)
    return kept(sent, reading.kind or OK, reading.invalid), reading


def _now() -> float:
    """Seconds since the epoch, in whole microseconds as tables keep them: what is made again from them is the same."""
    return round(time.time(), 6)
