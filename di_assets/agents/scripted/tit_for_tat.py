"""Pulls one of those that pulled it last round (Rapoport's tit-for-tat, Axelrod 1984, with more than one partner)."""

from di_assets.agents.scripted.draws import Random
from di_assets.agents.scripted.history import SILENCE, repay
from di_assets.game.types import Observation, Reply


def tit_for_tat(observation: Observation, *, rng: Random) -> Reply:
    """Repays last round; where nobody pulled it, pulls anyone. What the measures' forecast says, played."""
    return SILENCE if observation.turn.phase == "message" else repay(observation, rng=rng)
