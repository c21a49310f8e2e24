"""Repays, but never again pulls one that took its pull and did not answer (Friedman 1971, the grim trigger)."""

import random

from di_assets.agents.scripted.history import pullers
from di_assets.game.types import Observation, Reply


def grudger(observation: Observation, *, rng: random.Random) -> Reply:
    """Crosses out every neighbour that it pulled and that did not pull it in the round after."""
    if observation.turn.phase == "message":
        return Reply()
    got = {(p.round, p.puller) for p in observation.pulls if p.target == observation.me}
    crossed = {
        p.target
        for p in observation.pulls
        if p.puller == observation.me and p.round < observation.turn.round - 1 and (p.round + 1, p.target) not in got
    }
    near = set(observation.neighbours)
    trusted = near - crossed or near
    repaid = set(pullers(observation)) & trusted
    return Reply(pull=rng.choice(sorted(repaid or trusted)))
