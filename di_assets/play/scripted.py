"""Episodes of scripted agents alone: free, and the same each time, they are played without a journal, a loop or a wait.

The game, the policies, the reading of raw replies and the record are those of every episode (see `episode.py`, where
seats are asked at once and replies are journaled); a run that is killed plays them again.
"""

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from di_assets.agents.replies import encodable, read_reply, write_reply
from di_assets.agents.scripted import SILENCE, Draws, ScriptedPlayer, draws_name, turn_name, turn_number, words
from di_assets.game.observe import observe_all
from di_assets.game.state import Fields, State
from di_assets.game.step import asked, start, step
from di_assets.game.types import Reply, Setup
from di_assets.play.episode import MAX_REASKS
from di_assets.play.journal import MOST_TEXT, OK

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
    state, rng, exchanges = start(setup), Draws(0), setup.rules.exchanges
    streams = [player.stream(label) for player, label in zip(cast, setup.labels, strict=True)]
    n_turns = {"message": setup.rules.n_rounds * exchanges, "pull": setup.rules.n_rounds}
    rules = {phase: [player.policy.rule(phase) for player in cast] for phase in n_turns}
    drawn = {
        phase: [words(draws_name(one, phase, 0), n) if rule else () for one, rule in zip(streams, rules[phase], strict=True)]
        for phase, n in n_turns.items()
    }
    seats, attempts, asks, texts, statuses, errors = (list[Any]() for _ in range(6))
    times, number, phase, exchange = (list[Any]() for _ in range(4))
    while (turn := state.turn) is not None:
        before, name, at = len(seats), turn_name(turn), turn_number(turn, exchanges)
        its_rules, its_words = rules[turn.phase], drawn[turn.phase]
        observations, replies = observe_all(state), dict[int, Reply]()
        for seat in asked(state):
            rule = its_rules[seat]
            for attempt in ATTEMPTS:
                if rule is None:
                    said = SILENCE
                else:
                    rng.left = its_words[seat][at] if attempt == 0 else words(draws_name(streams[seat], turn.phase, attempt), at + 1)[at]
                    said = rule(observations[seat], rng=rng)
                if isinstance(said, str):
                    text = encodable(said)[:MOST_TEXT]
                    reply = read_reply(observations[seat], text)
                else:
                    text, reply = write_reply(said), said
                seats.append(seat)
                attempts.append(attempt)
                asks.append(f"{streams[seat]}/{name}/{attempt}")
                texts.append(text)
                statuses.append(reply.kind or OK)
                errors.append(reply.invalid)
                if reply.invalid is None:
                    break
            replies[seat] = reply
        n = len(seats) - before
        times += [time.time()] * n
        number += [turn.round] * n
        phase += [turn.phase] * n
        exchange += [turn.exchange] * n
        state = step(state, replies)
    fields = {"round": number, "phase": phase, "exchange": exchange, "seat": seats, "attempt": attempts}
    fields |= {"request_hash": asks, "text": texts, "status": statuses, "error": errors, "started_at": times}
    return Finished(state, fields | {name: [value] * len(seats) for name, value in ALIKE.items()})
