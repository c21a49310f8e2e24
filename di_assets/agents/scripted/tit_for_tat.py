"""Pulls one of those that pulled it last round (Rapoport's tit-for-tat, Axelrod 1984, with more than one partner)."""

import random

from di_assets.agents.scripted.history import repay
from di_assets.game.types import Observation, Reply


def tit_for_tat(observation: Observation, *, rng: random.Random) -> Reply:
    """Repays last round; where nobody pulled it, pulls anyone. What the measures' forecast says, played."""
    return Reply() if observation.turn.phase == "message" else repay(observation, rng=rng)
