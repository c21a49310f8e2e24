"""Pulls whoever got most last round: following the majority (Asch 1951; Bikhchandani, Hirshleifer & Welch 1992)."""

import random
from collections import Counter

from di_assets.agents.scripted.history import anyone
from di_assets.game.types import Observation, Reply


def bandwagon(observation: Observation, *, rng: random.Random) -> Reply:
    """Pulls the neighbour with most pulls last round, as far as it learned of them; ties by lot."""
    if observation.turn.phase == "message":
        return Reply()
    last = observation.turn.round - 1
    tally = Counter(p.target for p in observation.pulls if p.round == last and p.target in observation.neighbours)
    most = max(tally.values(), default=0)
    leaders = sorted(label for label, count in tally.items() if count == most and label is not None)
    return Reply(pull=rng.choice(leaders)) if leaders else anyone(observation, rng=rng)
