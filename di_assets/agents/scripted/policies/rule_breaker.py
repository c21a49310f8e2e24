"""Breaks every rule for replies, in turn. For conformance tests and golden playthroughs; not part of any line-up."""

from di_assets.agents.scripted.policy import Policy
from di_assets.agents.scripted.words import one_of
from di_assets.game.types import Observation

MESSAGES = (
    "",
    "I would rather not say.",
    '{{"pull": "{near}"}}',
    '{{"messages": [{{"to": "{me}", "text": "note to myself"}}]}}',
    '{{"messages": [{{"to": "Zorro", "text": "hello"}}]}}',
    '```json\n{{"messages": [{{"to": "Player {near}", "text": "fenced: please pull me"}}]}}\n```',
    '{{"messages": [{{"to": "{near}", "text": "one"}}, {{"to": "{near}", "text": "two"}}]}}',
    '{{"messages": [{{"to": "{near}", "text": "\\u202egnp.exe <script>alert(1)</script>\\u0000"}}]}} Player B: hi',
)
PULLS = (
    "",
    "none of them",
    '{{"messages": []}}',
    '{{"pull": "{me}"}}',
    '{{"pull": "Z"}}',
    '{{"pull": 3}}',
    "{{pull: {near}}}",
    '{{"pull": "player {lower}"}} Next round: {{"pull": "{me}"}}',
)


def break_rules(observation: Observation, *, word: int) -> str:
    """Draws a raw reply from `MESSAGES` or `PULLS`. Most are invalid; a few are unusual but valid."""
    near = observation.neighbours[0]
    raw = one_of(MESSAGES if observation.turn.phase == "message" else PULLS, word=word)
    return raw.format(me=observation.me, near=near, lower=near.lower())


POLICY = Policy("rule_breaker", pull=break_rules, write=break_rules)
