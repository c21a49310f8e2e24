"""Episodes of scripted agents alone: free, and the same each time, they are played without a journal, a loop or a wait.

The game, the policies, the reading of raw replies and the record are those of every episode (see `episode.py`, where
seats are asked at once and replies are journaled); a run that is killed plays them again.
"""

import time
from collections.abc import Sequence
from typing import NamedTuple

from di_assets.agents.replies import read_reply, write_reply
from di_assets.agents.scripted.player import ScriptedPlayer
from di_assets.game.observe import observe
from di_assets.game.step import asked, start, step
from di_assets.game.types import Observation, Reply, Setup, State
from di_assets.play.episode import MAX_REASKS
from di_assets.play.journal import OK, Call


class Finished(NamedTuple):
    """A finished game and the calls that led there, in call order."""

    state: State
    calls: list[Call]


def play_scripted(setup: Setup, cast: Sequence[ScriptedPlayer]) -> Finished:
    """Plays one episode to its end; `cast` by seat."""
    state, calls = start(setup), list[Call]()
    while state.turn is not None:
        at = time.time()
        replies = {seat: _reply(cast[seat], observe(state, seat), seat, calls, at) for seat in asked(state)}
        state = step(state, replies)
    return Finished(state, calls)


def _reply(player: ScriptedPlayer, observation: Observation, seat: int, calls: list[Call], at: float) -> Reply:
    """A seat's valid reply, or its last invalid one when the re-asks have run out; its calls are added to `calls`."""
    number, phase, exchange = observation.turn
    reply = Reply(invalid="was never asked")
    for attempt in range(1 + MAX_REASKS):
        question = player.question(observation, attempt)
        said = player.answer(observation, question)
        if isinstance(said, str):
            text, reply = said, read_reply(observation, said)
        else:
            text, reply = write_reply(said), said
        calls.append(
            Call(
                number,
                phase,
                exchange,
                seat,
                attempt,
                question,
                text,
                stop="end",
                status=reply.kind or OK,
                error=reply.invalid,
                reasoning=None,
                input_tokens=0,
                cached_tokens=0,
                output_tokens=0,
                cost_usd=0.0,
                latency_s=0.0,
                started_at=at,
            )
        )
        if reply.invalid is None:
            break
    return reply
