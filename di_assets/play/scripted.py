"""Episodes of scripted agents alone: free, and the same each time, they are played without a journal, a loop or a wait.

The game, the policies, the reading of raw replies and the record are those of every episode (see `episode.py`, where
seats are asked at once and replies are journaled); a run that is killed plays them again.
"""

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from di_assets.agents.replies import read_reply, write_reply
from di_assets.agents.scripted import Draws, ScriptedPlayer, turn_name
from di_assets.game.observe import observe
from di_assets.game.state import Fields, State
from di_assets.game.step import asked, start, step
from di_assets.game.types import Reply, Setup
from di_assets.play.episode import MAX_REASKS
from di_assets.play.journal import OK

ATTEMPTS = tuple(range(1 + MAX_REASKS))
# What every call of a scripted agent has alike: it brings its reply at once and for nothing.
ALIKE = {"stop": "end", "reasoning": None, "input_tokens": 0, "cached_tokens": 0, "output_tokens": 0, "cost_usd": 0.0}
ALIKE |= {"latency_s": 0.0, "retried": None}


class Finished(NamedTuple):
    """A finished game, and the calls that led there, in call order, by field of `Call`."""

    state: State
    calls: Fields


def play_scripted(setup: Setup, cast: Sequence[ScriptedPlayer]) -> Finished:
    """Plays one episode to its end; `cast` by seat."""
    state, calls = start(setup), list[tuple[Any, ...]]()
    streams = [player.stream(label) for player, label in zip(cast, setup.labels, strict=True)]
    while (turn := state.turn) is not None:
        at, name, replies = time.time(), turn_name(turn), dict[int, Reply]()
        for seat in asked(state):
            observation, policy = observe(state, seat), cast[seat].policy
            for attempt in ATTEMPTS:
                question = f"{streams[seat]}/{name}/{attempt}"
                said = policy(observation, rng=Draws(question))
                if isinstance(said, str):
                    text, reply = said, read_reply(observation, said)
                else:
                    text, reply = write_reply(said), said
                calls.append((turn, seat, attempt, question, text, reply.kind or OK, reply.invalid, at))
                if reply.invalid is None:
                    break
            replies[seat] = reply
        state = step(state, replies)
    return Finished(state, _by_field(calls))


def _by_field(calls: Sequence[tuple[Any, ...]]) -> Fields:
    turns, *columns = zip(*calls, strict=True)
    names = ("round", "phase", "exchange", "seat", "attempt", "request_hash", "text", "status", "error", "started_at")
    told = dict(zip(names, (*zip(*turns, strict=True), *columns), strict=True))
    return told | {name: [value] * len(calls) for name, value in ALIKE.items()}
