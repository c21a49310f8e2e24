"""Golden playthroughs: raw replies of some small games, a rule-breaker in each cast, and the events they must give.

python -m tests.golden.make      plays them anew, after a rule was changed on purpose
"""

import asyncio
import json
from dataclasses import asdict
from pathlib import Path

from di_assets.agents.player import Fault
from di_assets.agents.replies import read_reply
from di_assets.agents.scripted import scripted_player
from di_assets.game import RULES_VERSION, Reply, Rules, Setup, asked, edges, observe, points, seat_labels, start, step

HERE = Path(__file__).parent
GAMES = {
    "complete": ("complete", ["rule_breaker", "promiser", "gullible", "tit_for_tat", "bandwagon"], {}),
    "ring": (
        "ring",
        ["rule_breaker", "con_artist", "gullible", "grudger", "pact_maker"],
        {"exchanges": 2, "max_message_chars": 60},
    ),
    "outside": (
        "star",
        ["rule_breaker", "pleader", "threatener", "loyal"],
        {"outside": 0.5, "visibility": "own", "horizon": "hidden"},
    ),
    "focal_muted": (
        "complete",
        ["rule_breaker", "promiser", "gullible", "tit_for_tat", "con_artist"],
        {"channel": "focal_muted", "exchanges": 2},
    ),
    "rivals_muted": (
        "complete",
        ["rule_breaker", "promiser", "gullible", "rule_breaker", "con_artist"],
        {"channel": "rivals_muted"},
    ),
    "placebo": (
        "complete",
        ["rule_breaker", "promiser", "gullible", "tit_for_tat", "pleader"],
        {"channel": "placebo", "max_message_chars": 60},
    ),
}
# The seat under test, in games whose channel treats it apart.
FOCAL = {"focal_muted": 1, "rivals_muted": 1, "placebo": 1}
ATTEMPTS = 3


def replay(setup, text_of):
    """The finished game, asking for each raw reply by (turn, seat, attempt, faults so far, observation)."""
    state = start(setup)
    while state.turn is not None:
        replies = {}
        for seat in asked(state):
            observation, faults = observe(state, seat), ()
            reply = Reply(invalid="not asked")
            for attempt in range(ATTEMPTS):
                text = text_of(state.turn, seat, attempt, faults, observation)
                reply = read_reply(observation, text)
                if reply.invalid is None:
                    break
                faults = (*faults, Fault(text=text, reason=reply.invalid))
            replies[seat] = reply
        state = step(state, replies)
    return state


def setup_of(topology, size, rules, *, focal=None, seed=11):
    rules = Rules(n_rounds=5, **rules)
    return Setup(rules, edges(topology, size, seed=seed), seat_labels(size, seed=seed), seed, focal)


def events(state):
    found = sorted([*state.messages, *state.pulls], key=lambda e: e.event_id)
    return [asdict(event) for event in found]


def make():
    for name, (topology, cast, rules) in GAMES.items():
        setup, said = setup_of(topology, len(cast), rules, focal=FOCAL.get(name)), []
        players = [scripted_player(model, seed=setup.seed) for model in cast]

        def speak(turn, seat, attempt, faults, observation, said=said, players=players):
            text = asyncio.run(players[seat].send(players[seat].prepare(observation, faults))).text
            said.append([turn.round, turn.phase, turn.exchange, seat, attempt, text])
            return text

        state = replay(setup, speak)
        golden = {
            "rules_version": RULES_VERSION,
            "topology": topology,
            "cast": cast,
            "rules": rules,
            "labels": setup.labels,
        }
        golden |= {"replies": said, "events": events(state), "points": points(state)}
        (HERE / f"{name}.json").write_text(json.dumps(golden, indent=1, ensure_ascii=True) + "\n")


if __name__ == "__main__":
    make()
