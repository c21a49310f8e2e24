"""Pulls a neighbour drawn uniformly, says nothing. The null model of Axelrod's tournaments (1984)."""

import random

from di_assets.agents.scripted.history import anyone
from di_assets.game.types import Observation, Reply


def random_(observation: Observation, *, rng: random.Random) -> Reply:
    """Pulls anyone, whatever happened."""
    return Reply() if observation.turn.phase == "message" else anyone(observation, rng=rng)
