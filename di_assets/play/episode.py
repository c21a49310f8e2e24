"""Plays one episode: a coroutine that asks all seats of a turn at once, steps the game, and repeats until it is over.

To resume an episode it is played again from the start: stored replies are used first, and models are asked when there
are no more. There is no other code for resuming.
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
class Seating:
    """What an episode needs besides the game: its players, the journal, the sender, and the version of the reader."""

    players: Sequence[Player]
    journal: Replies
    send: Sender
    reader: str = READER_VERSION


async def play_episode(setup: Setup, seating: Seating) -> State:
    """Plays one episode to its end; returns the final state. Replies in the journal are used before anybody is asked.

    A muted seat is not asked for messages.

    Raises:
        ProviderError: a seat got no reply; the journal holds everything that came.
        StoppedError: play was stopped.
        StaleJournalError: a stored reply answers another question than today's.
    """
    state = start(setup)
    while (turn := state.turn) is not None:
        seats = asked(state)
        replies = await _all(*(_reply(seating, observe(state, seat), turn, seat) for seat in seats))
        await seating.journal.settled()
        state = step(state, dict(zip(seats, replies, strict=True)))
    return state


async def _all(*asks: "asyncio._CoroutineLike[Reply]") -> list[Reply]:
    """Waits for all seats even if one fails, so that every reply that was paid for reaches the journal."""
    results = await asyncio.gather(*asks, return_exceptions=True)
    problems = [r for r in results if isinstance(r, BaseException)]
    if problems:
        # An error that stops the whole run comes before one that ends only this episode.
        raise min(problems, key=lambda p: not isinstance(p, FatalFault | StoppedError))
    return [r for r in results if isinstance(r, Reply)]


async def _reply(seating: Seating, observation: Observation, turn: Turn, seat: int) -> Reply:
    """Asks a seat until its reply is valid, at most `1 + MAX_REASKS` times; returns its last reply."""
    player = seating.players[seat]
    faults: tuple[Fault, ...] = ()
    reply = Reply(invalid="was never asked")
    for attempt in range(1 + MAX_REASKS):
        ask = player.prepare(observation, faults)
        place = Place(*turn, seat, attempt)
        call = seating.journal.find(place, ask.request_hash)
        if call is None:
            read = partial(_read, observation, seating.reader)
            call, reply = await ask_once(player, ask, place, send=seating.send, journal=seating.journal, read=read)
        else:
            reply = _read(observation, seating.reader, call.text, call.stop)
        if reply.invalid is None:
            break
        faults = (*faults, Fault(text=call.text, reason=reply.invalid))
    return reply


def _read(observation: Observation, reader: str, text: str, stop: str) -> Reply:
    return read_reply(observation, text, stop=stop, reader=reader)
