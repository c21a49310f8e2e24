"""Asks a model once. What comes back is written to the journal before it is used, because it may have been paid for.

Faults are written too: a request that brought no reply may have cost money.
"""

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
        cost_usd: US dollars; includes earlier tries of this call that failed and may have been charged for.
        bound_usd: the most that these tries can cost together, US dollars; None for a scripted agent, which is free.
        engine: how it was sent, `live` or `batch`; None for a scripted agent.
    """

    completion: Completion
    cost_usd: float
    bound_usd: float | None = None
    engine: str | None = None


GoesOut = Callable[[float], Callable[[], None]]
"""A callback for the moment a request leaves. Its argument is the most that the request can cost, US dollars.

It returns a function. The caller calls that function if the request brought no reply and cost nothing."""


class Sender(Protocol):
    """Sends the request of a player, and respects all limits and budgets while it does."""

    async def __call__(self, player: Respondent, ask: Ask, goes_out: GoesOut, /) -> Sent:
        """Returns the reply and its cost; raises ProviderError if no reply comes."""
        ...


class Replies(Protocol):
    """Looks up and stores replies: a journal, or an object that replaces one (in a replay, for example)."""

    def find(self, place: Place, request_hash: str) -> Call | None:
        """Returns the stored call that answers this question; None if there is none."""
        ...

    def goes_out(self, place: Place, request_hash: str, *, most_usd: float, at: float) -> Callable[[], None]:
        """Notes that a request leaves now. If its reply never comes, the note shows that it was sent.

        Returns a function that deletes the note.
        """
        ...

    def append(self, call: Call, /) -> None:
        """Stores a call."""
        ...

    def make_room(self) -> None:
        """Reserves space for the reply; called before a request leaves."""
        ...

    async def settled(self) -> None:
        """Returns when play may go on; called at the end of each phase."""
        ...


class Read(Protocol):
    """The result of reading a reply. In a valid reply both fields are None."""

    @property
    def invalid(self) -> str | None:
        """Why the reply cannot be used, in words."""
        ...

    @property
    def kind(self) -> str | None:
        """The kind of invalid reply, one word; used for counting."""
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
    """Asks once and stores the call in the journal.

    Args:
        respondent: the player that is asked.
        ask: the question.
        place: where the question stands in the journal.
        send: sends the question.
        journal: stores the call.
        read: reads a reply; takes its text and the reason why it ended.

    Returns:
        The stored call, and the result of `read`.

    Raises:
        ProviderError: no reply came. The journal holds a call for it, with what it may have cost.
        DiskFullError: there is no room for the reply, so nothing was sent; or the reply could not be written.
        BudgetExceededError, StoppedError: play ended before the call was sent, or between two tries.
    """
    started_at, clock = _now(), time.perf_counter()

    def goes_out(most_usd: float) -> Callable[[], None]:
        nonlocal started_at, clock
        started_at, clock = _now(), time.perf_counter()
        return journal.goes_out(place, ask.request_hash, most_usd=most_usd, at=started_at)

    def store(sent: Sent, status: str, error: str | None) -> Call:
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
            engine=sent.engine,
        )
        journal.append(call)
        return call

    journal.make_room()
    try:
        sent = await send(respondent, ask, goes_out)
    except ProviderError as error:
        nothing = unanswered(retried=error.retried, request_id=error.request_id)
        store(Sent(nothing, error.cost_usd, error.bound_usd, error.engine), error.kind, str(error))
        if isinstance(error.__cause__, BudgetExceededError | StoppedError):
            raise error.__cause__ from None  # the fault might have passed, had play not ended
        raise
    reading = read(encodable(sent.completion.text)[:MOST_TEXT], sent.completion.stop)
    return store(sent, reading.kind or OK, reading.invalid), reading


def _now() -> float:
    """Seconds since the epoch, rounded to microseconds as in the tables: so a call made from a row is the same call."""
    return round(time.time(), 6)
