"""Pulls the same neighbour for ever: unconditional cooperation (Axelrod 1984, `ALL C`), aimed at one partner."""

from di_assets.agents.scripted.history import PULL, anyone
from di_assets.agents.scripted.policy import Policy
from di_assets.game.types import Observation, Reply


def stay(observation: Observation, *, word: int) -> Reply:
    """Draws one neighbour in round 1 and stays with it."""
    first = observation.rounds[0].targets[observation.seat.me] if observation.rounds else None
    return anyone(observation, word=word) if first is None else PULL[first]


POLICY = Policy("loyal", pull=stay)
