"""Pulls the same neighbour for ever: unconditional cooperation (Axelrod 1984, `ALL C`), aimed at one partner."""

import random

from di_assets.agents.scripted.history import anyone, my_pulls
from di_assets.game.types import Observation, Reply


def loyal(observation: Observation, *, rng: random.Random) -> Reply:
    """Draws one neighbour in round 1 and stays with it."""
    if observation.turn.phase == "message":
        return Reply()
    mine = my_pulls(observation)
    return Reply(pull=mine[0]) if mine and mine[0] is not None else anyone(observation, rng=rng)
