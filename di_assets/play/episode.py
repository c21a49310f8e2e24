"""One episode as a coroutine around the pure game: ask all seats of a turn at once, step, until it is over.

Resuming is replaying: stored replies are looked up first, and play goes on where they run out. No second path.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from di_assets.agents.player import Ask, Fault, Player
from di_assets.agents.replies import encodable, read_reply
from di_assets.game.observe import observe
from di_assets.game.state import State
from di_assets.game.step import asked, start, step
from di_assets.game.types import Observation, Reply, Setup, Turn
from di_assets.play.journal import MOST_TEXT, OK, Call
from di_assets.providers.types import Completion, FatalFault, ProviderError

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

    async def __call__(self, player: Player, ask: Ask, goes_out: GoesOut, /) -> Sent:
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


@dataclass(frozen=True, slots=True)
class Table:
    """Everything one episode needs around it: who plays, where replies are kept, how asks are sent."""

    players: Sequence[Player]
    journal: Replies
    send: Sender


async def play_episode(setup: Setup, table: Table) -> State:
    """Plays (or replays, as far as the journal goes) one episode to its end; a muted seat is not asked for messages.

    Raises:
        ProviderError: a seat got no reply; the journal keeps all that came.
        StaleJournalError: the journal does not answer today's questions.
    """
    state = start(setup)
    while (turn := state.turn) is not None:
        seats = asked(state)
        replies = await _all(*(_reply(table, observe(state, seat), turn, seat) for seat in seats))
        await table.journal.settled()
        state = step(state, dict(zip(seats, replies, strict=True)))
    return state


async def _all(*asks: "asyncio._CoroutineLike[Reply]") -> list[Reply]:
    """Waits for every seat even when one fails, so that no paid reply is cut off on its way to the journal."""
    results = await asyncio.gather(*asks, return_exceptions=True)
    problems = [r for r in results if isinstance(r, BaseException)]
    if problems:
        # A fatal fault first: it stops the run, not the episode alone.
        raise min(problems, key=lambda p: not isinstance(p, FatalFault))
    return [r for r in results if isinstance(r, Reply)]


async def _reply(table: Table, observation: Observation, turn: Turn, seat: int) -> Reply:
    """A seat's valid reply, or its last invalid one when the re-asks have run out."""
    player = table.players[seat]
    faults: tuple[Fault, ...] = ()
    reply = Reply(invalid="was never asked")
    for attempt in range(1 + MAX_REASKS):
        ask = player.prepare(observation, faults)
        call = table.journal.find(turn, seat, attempt, ask.request_hash)
        if call is None:
            call, reply = await _call(table, player, ask, observation, turn, seat, attempt)
        else:
            reply = read_reply(observation, call.text, stop=call.stop)
        if reply.invalid is None:
            break
        faults = (*faults, Fault(text=call.text, reason=reply.invalid))
    return reply


async def _call(
    table: Table, player: Player, ask: Ask, observation: Observation, turn: Turn, seat: int, attempt: int
) -> tuple[Call, Reply]:
    started_at, clock = time.time(), time.perf_counter()

    def goes_out(most_usd: float) -> None:
        nonlocal started_at, clock
        started_at, clock = time.time(), time.perf_counter()
        table.journal.goes_out(turn, seat, attempt, ask.request_hash, most_usd=most_usd, at=started_at)

    def call(sent: Sent, status: str, error: str | None) -> Call:
        completion = sent.completion
        return Call(
            round=turn.round,
            phase=turn.phase,
            exchange=turn.exchange,
            seat=seat,
            attempt=attempt,
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

    try:
        sent = await table.send(player, ask, goes_out)
    except ProviderError as error:
        nothing = Completion(text="", stop="fault", retried=error.retried)
        table.journal.append(call(Sent(nothing, error.cost_usd), error.kind, str(error)))
        raise
    reply = read_reply(observation, encodable(sent.completion.text)[:MOST_TEXT], stop=sent.completion.stop)
    record = call(sent, reply.kind or OK, reply.invalid)
    table.journal.append(record)
    return record, reply
