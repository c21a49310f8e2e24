"""One episode as a coroutine around the pure game: ask all seats of a turn at once, step, until it is over.

Resuming is replaying: stored replies are looked up first, and play goes on where they run out. No second path.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from di_assets.agents.player import Fault, Player
from di_assets.agents.replies import READER_VERSION, read_reply
from di_assets.calls.ask_once import MAX_REASKS, Replies, Sender, ask_once
from di_assets.calls.place import Place
from di_assets.calls.stopping import StoppedError
from di_assets.game.observe import observe
from di_assets.game.state import State
from di_assets.game.step import asked, start, step
from di_assets.game.types import Observation, Reply, Setup, Turn
from di_assets.providers.types import FatalFault


@dataclass(frozen=True, slots=True)
class Table:
    """Everything one episode needs around it: who plays, where replies are kept, how asks are sent and replies read."""

    players: Sequence[Player]
    journal: Replies
    send: Sender
    reader: str = READER_VERSION


async def play_episode(setup: Setup, table: Table) -> State:
    """Plays (or replays, as far as the journal goes) one episode to its end; a muted seat is not asked for messages.

    Raises:
        ProviderError: a seat got no reply; the journal keeps all that came.
        StoppedError: play was told to end.
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
        # What stops the run, and not the episode alone, comes first.
        raise min(problems, key=lambda p: not isinstance(p, FatalFault | StoppedError))
    return [r for r in results if isinstance(r, Reply)]


async def _reply(table: Table, observation: Observation, turn: Turn, seat: int) -> Reply:
    """A seat's valid reply, or its last invalid one when the re-asks have run out."""
    player = table.players[seat]
    faults: tuple[Fault, ...] = ()
    reply = Reply(invalid="was never asked")
    for attempt in range(1 + MAX_REASKS):
        ask = player.prepare(observation, faults)
        place = Place(*turn, seat, attempt)
        call = table.journal.find(place, ask.request_hash)
        if call is None:
            read = partial(_read, observation, table.reader)
            call, reply = await ask_once(player, ask, place, send=table.send, journal=table.journal, read=read)
        else:
            reply = _read(observation, table.reader, call.text, call.stop)
        if reply.invalid is None:
            break
        faults = (*faults, Fault(text=call.text, reason=reply.invalid))
    return reply


def _read(observation: Observation, reader: str, text: str, stop: str) -> Reply:
    return read_reply(observation, text, stop=stop, reader=reader)
