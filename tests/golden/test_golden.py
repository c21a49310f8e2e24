"""Committed replies give committed events: what `replay equals play` cannot see, since there both sides change."""

import json

import pytest

from di_assets.game import RULES_VERSION, points
from tests.golden.make import FOCAL, GAMES, HERE, events, replay, setup_of


@pytest.mark.parametrize("name", GAMES)
def test_a_golden_playthrough_still_plays_the_same(name):
    golden = json.loads((HERE / f"{name}.json").read_text())
    setup = setup_of(golden["topology"], len(golden["cast"]), golden["rules"], focal=FOCAL.get(name))
    said = {(r, phase, x, seat, attempt): text for r, phase, x, seat, attempt, text in golden["replies"]}
    state = replay(
        setup, lambda turn, seat, attempt, _faults, _seen: said[turn.round, turn.phase, turn.exchange, seat, attempt]
    )
    assert golden["rules_version"] == RULES_VERSION
    assert list(setup.labels) == golden["labels"]
    assert events(state) == golden["events"]
    assert list(points(state)) == golden["points"]
    assert "rule_breaker" in golden["cast"]
    assert any(e.get("status") == "forfeit" for e in golden["events"])
    assert any(attempt == 2 for _, _, _, _, attempt, _ in golden["replies"])
