"""Episodes of scripted agents alone: free, and the same each time, they are played without a journal, a loop or a wait.

The game, the policies, the reading of raw replies and the record are those of every episode (see `episode.py`, where
seats are asked at once and replies are journaled); a run that is killed plays them again.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

from di_assets.agents.replies import encodable, read_reply, write_reply
from di_assets.agents.scripted import SILENCE, Rule, ScriptedPlayer, turn_name, turn_number, words, words_name
from di_assets.game.observe import observe
from di_assets.game.state import Fields, State
from di_assets.game.step import start, step
from di_assets.game.types import Observation, Phase, Reply, Setup, Turn
from di_assets.play.episode import MAX_REASKS
from di_assets.play.journal import MOST_TEXT, OK
from di_assets.play.record import Alike

# What every call of a scripted agent has alike: it brings its reply at once and for nothing.
ALIKE = {"stop": "end", "reasoning": None, "input_tokens": 0, "cached_tokens": 0, "output_tokens": 0, "cost_usd": 0.0}
ALIKE |= {"latency_s": 0.0, "retried": None}


class Finished(NamedTuple):
    """A finished game, and the calls that led there, in call order, by field of `Call`."""

    state: State
    calls: Fields


class _Said(NamedTuple):
    """One reply of a seat in a turn: its text, and what was read in it."""

    text: str
    reply: Reply


# All replies of the seats that were asked again, by turn and seat.
_Tries = dict[tuple[Turn, int], list[_Said]]


def play_scripted(setup: Setup, cast: Sequence[ScriptedPlayer]) -> Finished:
    """Plays one episode to its end; `cast` by seat."""
    state, exchanges, tries = start(setup), setup.rules.exchanges, _Tries()
    streams = [player.stream(label) for player, label in zip(cast, setup.labels, strict=True)]
    talking = {
        "pull": _rules(cast, streams, range(len(cast)), "pull", setup.rules.n_rounds),
        "message": _rules(cast, streams, state.board.writers, "message", setup.rules.n_rounds * exchanges),
    }
    said, times = list[dict[int, Reply]](), list[float]()
    while (turn := state.turn) is not None:
        times.append(time.time())
        at, replies = turn_number(turn, exchanges), dict[int, Reply]()
        for seat, rule, drawn in talking[turn.phase]:
            observation = observe(state, seat)
            reply = rule(observation, word=drawn[at])
            if isinstance(reply, str):
                tries[turn, seat] = _all_tries(reply, observation, rule, streams[seat])
                reply = tries[turn, seat][-1].reply
            replies[seat] = reply
        said.append(replies)
        state = step(state, replies)
    return Finished(state, _calls(state, streams, said, times, tries))


def _rules(
    cast: Sequence[ScriptedPlayer], streams: Sequence[str], seats: Sequence[int], phase: Phase, n_turns: int
) -> list[tuple[int, Rule, Sequence[int]]]:
    """Seats that answer in this phase, their rules, and a random number for each turn."""
    ruled = [(seat, cast[seat].policy.rule(phase)) for seat in seats]
    return [(seat, rule, words(words_name(streams[seat], phase, 0), n_turns)) for seat, rule in ruled if rule]


def _all_tries(text: str, observation: Observation, rule: Rule, stream: str) -> list[_Said]:
    """A seat's raw reply and those to the re-asks, until one is valid or the re-asks have run out."""
    turn, tries = observation.turn, list[_Said]()
    while True:
        text = encodable(text)[:MOST_TEXT]
        tries.append(_Said(text, read_reply(observation, text)))
        if tries[-1].reply.invalid is None or len(tries) > MAX_REASKS:
            return tries
        at = turn_number(turn, observation.rules.exchanges)
        text = rule(observation, word=words(words_name(stream, turn.phase, len(tries)), at + 1)[at])


def _calls(
    state: State, streams: Sequence[str], said: Sequence[dict[int, Reply]], times: Sequence[float], tries: _Tries
) -> Fields:
    asked = _asked(state.board.turns, len(streams), state.board.writers)
    if not tries:
        n = len(asked.seat)
        return {
            "round": asked.round,
            "phase": asked.phase,
            "exchange": asked.exchange,
            "seat": asked.seat,
            "attempt": Alike(0, n),
            "request_hash": [f"{streams[seat]}/{name}/0" for seat, name in asked.named],
            "text": [write_reply(said[at].get(seat, SILENCE)) for at, seat in asked.placed],
            "status": Alike(OK, n),
            "error": Alike(None, n),
            "started_at": [times[at] for at, _ in asked.placed],
            **{name: Alike(value, n) for name, value in ALIKE.items()},
        }
    rows = []
    for number, phase, exchange, seat, (_, name), (at, _) in zip(*asked):
        once = [_Said(write_reply(said[at].get(seat, SILENCE)), SILENCE)]
        for attempt, (text, reply) in enumerate(tries.get((Turn(number, phase, exchange), seat), once)):
            asks = f"{streams[seat]}/{name}/{attempt}"
            rows.append((number, phase, exchange, seat, attempt, asks, text, reply.kind or OK, reply.invalid, times[at]))
    names = ("round", "phase", "exchange", "seat", "attempt", "request_hash", "text", "status", "error", "started_at")
    return dict(zip(names, zip(*rows, strict=True), strict=True)) | {
        name: Alike(value, len(rows)) for name, value in ALIKE.items()
    }


class _Asked(NamedTuple):
    round: tuple[int, ...]
    phase: tuple[str, ...]
    exchange: tuple[int, ...]
    seat: tuple[int, ...]
    named: tuple[tuple[int, str], ...]
    placed: tuple[tuple[int, int], ...]


@lru_cache(maxsize=64)
def _asked(turns: tuple[Turn, ...], n_seats: int, writers: tuple[int, ...]) -> _Asked:
    rows = [
        (*turn[:1], turn.phase, turn.exchange, seat, (seat, turn_name(turn)), (at, seat))
        for at, turn in enumerate(turns)
        for seat in (writers if turn.phase == "message" else range(n_seats))
    ]
    return _Asked(*zip(*rows, strict=True))
