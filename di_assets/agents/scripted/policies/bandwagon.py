"""Pulls whoever got most last round: following the majority (Asch 1951; Bikhchandani, Hirshleifer & Welch 1992)."""

from di_assets.agents.scripted.history import PULL
from di_assets.agents.scripted.policy import Policy
from di_assets.agents.scripted.words import one_of
from di_assets.game.types import Observation, Reply


def follow(observation: Observation, *, word: int) -> Reply:
    """Pulls the neighbour that got most pulls last round, counting those that this seat learned of; ties are drawn."""
    near = observation.seat.near
    leaders, most = [], 1
    for label, givers in observation.rounds[-1].givers.items() if observation.rounds else ():
        if len(givers) > most and label in near:
            leaders, most = [label], len(givers)
        elif len(givers) == most and label in near:
            leaders.append(label)
    return PULL[one_of(leaders or near, word=word)]


POLICY = Policy("bandwagon", pull=follow)
