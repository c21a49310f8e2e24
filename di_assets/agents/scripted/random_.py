"""Pulls a neighbour drawn uniformly, says nothing. The null model of Axelrod's tournaments (1984)."""

from di_assets.agents.scripted.draws import Random
from di_assets.agents.scripted.history import SILENCE, anyone
from di_assets.game.types import Observation, Reply


def random_(observation: Observation, *, rng: Random) -> Reply:
    """Pulls anyone, whatever happened."""
    return SILENCE if observation.turn.phase == "message" else anyone(observation, rng=rng)
