"""Repays, but never again pulls a neighbour that left one of its pulls unreturned (Friedman 1971, grim trigger)."""

from di_assets.agents.scripted.history import PULL, givers, my_pulls
from di_assets.agents.scripted.policy import Policy
from di_assets.agents.scripted.words import one_of
from di_assets.game.types import Observation, Reply


def repay_the_trusted(observation: Observation, *, word: int) -> Reply:
    """Repays neighbours, except each one that it once pulled and that did not pull it in the round after."""
    me, near = observation.seat.me, observation.seat.near
    crossed = {
        pulled
        for pulled, after in zip(my_pulls(observation), observation.rounds[1:], strict=False)
        if pulled is not None and pulled not in after.givers.get(me, ())
    }
    trusted = [label for label in near if label not in crossed] or near
    return PULL[one_of([label for label in givers(observation) if label in trusted] or trusted, word=word)]


POLICY = Policy("grudger", pull=repay_the_trusted)
