"""Plays episodes in which only scripted agents play. They are free and repeatable, so they need no journal and no loop.

The game, the policies, the reader of replies and the record are the same as in other episodes (see `episode.py`). A run
that was killed plays these episodes again.
"""

import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from di_assets.agents.replies import READER_VERSION, read_reply, write_reply
from di_assets.agents.scripted import (
    SILENCE,
    Rule,
    ScriptedPlayer,
    scripted_player,
    turn_name,
    turn_number,
    words,
    words_name,
)
from di_assets.arms import PlannedEpisode
from di_assets.calls.ask_once import MAX_REASKS
from di_assets.calls.call import MOST_TEXT, Columns, Header, call_of
from di_assets.calls.place import Place
from di_assets.game.observe import observe
from di_assets.game.state import State
from di_assets.game.step import start, step
from di_assets.game.types import RULES_VERSION, Observation, Phase, Reply, Setup, Turn
from di_assets.play.record import Played, Repeated
from di_assets.play.seating import SCRIPTED_PROMPTS
from di_assets.providers.asking import encodable
from di_assets.providers.types import Completion
from di_assets.tables.words import COMPLETE, MESSAGE, OK, PULL

# Fields that differ between calls of scripted agents. All other fields are equal: replies come at once and are free.
OWN = frozenset({*Place._fields, "request_hash", "text", "status", "error", "started_at"})
_REPLIED = Completion(text="", input_tokens=0, cached_tokens=0, output_tokens=0)
_CALL = call_of(Place(1, PULL, 0, 0, 0), "", _REPLIED, status=OK, error=None, cost_usd=0.0, latency_s=0.0, started_at=0)
OF_EVERY_CALL = {name: value for name, value in _CALL._asdict().items() if name not in OWN}


def played_free(planned: PlannedEpisode, config_hash: str) -> Played:
    """Plays an episode in which only scripted agents play; returns it with all its calls."""
    cast = [scripted_player(model, seed=planned.setup.seed) for model in planned.models]
    state, calls = play_scripted(planned.setup, cast)
    return Played(
        planned=planned,
        header=Header(planned.episode_id, RULES_VERSION, SCRIPTED_PROMPTS, config_hash, READER_VERSION),
        kinds=tuple(player.kind for player in cast),
        providers=tuple(player.provider for player in cast),
        events=state.events(),
        calls=calls,
        status=COMPLETE,
    )


class Finished(NamedTuple):
    """The state of a finished game, and its calls in call order, as columns by field of `Call`."""

    state: State
    calls: Columns


class _Try(NamedTuple):
    text: str
    reply: Reply


class _Asked(NamedTuple):
    """All questions of an episode without re-asks, as columns; `at` is the turn's number among all turns, from 0."""

    round: Sequence[int]
    phase: Sequence[str]
    exchange: Sequence[int]
    seat: Sequence[int]
    at: Sequence[int]
    name: Sequence[str]


def play_scripted(setup: Setup, cast: Sequence[ScriptedPlayer]) -> Finished:
    """Plays one episode of scripted agents to its end.

    Args:
        setup: the episode's setup.
        cast: the players, one per seat, in the order of seats.
    """
    state, n_rounds, exchanges = start(setup), setup.rules.n_rounds, setup.rules.exchanges
    streams = [player.stream(label) for player, label in zip(cast, setup.labels, strict=True)]
    rules = {
        MESSAGE: _rules(cast, streams, state.board.writers, MESSAGE, n_rounds * exchanges),
        PULL: _rules(cast, streams, range(len(cast)), PULL, n_rounds),
    }
    answered: list[dict[int, Reply]] = []
    times: list[float] = []
    raw: dict[tuple[int, int], list[_Try]] = {}
    while (turn := state.turn) is not None:
        number = turn_number(turn, exchanges)
        replies: dict[int, Reply] = {}
        times.append(time.time())
        for seat, rule, drawn in rules[turn.phase]:
            observation = observe(state, seat)
            reply = rule(observation, word=drawn[number])
            if isinstance(reply, str):
                tries = raw[state.at, seat] = _tries(reply, observation, rule, streams[seat])
                reply = tries[-1].reply
            replies[seat] = reply
        answered.append(replies)
        state = step(state, replies)
    asked = _asked(state.board.turns, len(cast), state.board.writers)
    calls = _calls(asked, streams, answered, times)
    return Finished(state, _with_reasks(calls, asked, raw) if raw else calls)


def _rules(
    cast: Sequence[ScriptedPlayer], streams: Sequence[str], seats: Sequence[int], phase: Phase, n_turns: int
) -> list[tuple[int, Rule, Sequence[int]]]:
    """For each of these seats whose policy has a rule for the phase: the seat, the rule, a random number per turn."""
    ruled = [(seat, cast[seat].policy.rule(phase)) for seat in seats]
    return [(seat, rule, words(words_name(streams[seat], phase, 0), n_turns)) for seat, rule in ruled if rule]


def _tries(raw: str, observation: Observation, rule: Rule, stream: str) -> list[_Try]:
    """A seat's replies in raw text: the first, then one per re-ask, until one is valid or no re-ask is left."""
    turn, tries = observation.turn, []
    number = turn_number(turn, observation.rules.exchanges)
    while True:
        text = encodable(raw)[:MOST_TEXT]
        tries.append(_Try(text, read_reply(observation, text)))
        if tries[-1].reply.invalid is None or len(tries) > MAX_REASKS:
            return tries
        name = words_name(stream, turn.phase, len(tries))
        raw = str(rule(observation, word=words(name, number + 1)[number]))


@lru_cache(maxsize=64)
def _asked(turns: Sequence[Turn], n_seats: int, writers: Sequence[int]) -> _Asked:
    rows = [
        (turn.round, turn.phase, turn.exchange, seat, at, turn_name(turn))
        for at, turn in enumerate(turns)
        for seat in (range(n_seats) if turn.phase == PULL else writers)
    ]
    return _Asked(*zip(*rows, strict=True))


def _calls(
    asked: _Asked, streams: Sequence[str], answered: Sequence[Mapping[int, Reply]], times: Sequence[float]
) -> Columns:
    """The calls as columns by field, without re-asks."""
    n = len(asked.seat)
    return {
        "round": asked.round,
        "phase": asked.phase,
        "exchange": asked.exchange,
        "seat": asked.seat,
        "attempt": Repeated(0, n),
        "request_hash": [f"{streams[seat]}/{name}/0" for seat, name in zip(asked.seat, asked.name, strict=True)],
        "text": [write_reply(answered[at].get(seat, SILENCE)) for at, seat in zip(asked.at, asked.seat, strict=True)],
        "status": Repeated(OK, n),
        "error": Repeated(None, n),
        "started_at": [times[at] for at in asked.at],
        **{name: Repeated(value, n) for name, value in OF_EVERY_CALL.items()},
    }


def _with_reasks(calls: Columns, asked: _Asked, raw: Mapping[tuple[int, int], Sequence[_Try]]) -> Columns:
    """Adds the re-asks: where a seat answered with raw text, one call per try. `raw` has the tries by turn and seat."""
    tried = [raw.get(key) for key in zip(asked.at, asked.seat, strict=True)]
    rows = [(i, attempt, answer) for i, tries in enumerate(tried) for attempt, answer in enumerate(tries or [None])]
    again = {name: [column[i] for i, _, _ in rows] for name, column in calls.items()}
    for row, (_, attempt, answer) in enumerate(rows):
        if answer is not None:
            again["attempt"][row] = attempt
            again["request_hash"][row] = f"{again['request_hash'][row].removesuffix('0')}{attempt}"
            again["text"][row] = answer.text
            again["status"][row] = answer.reply.kind or OK
            again["error"][row] = answer.reply.invalid
    return {**again, **{name: Repeated(value, len(rows)) for name, value in OF_EVERY_CALL.items()}}
