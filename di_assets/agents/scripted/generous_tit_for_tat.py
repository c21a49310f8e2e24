"""Tit-for-tat that now and then gives without having received (Nowak & Sigmund 1992)."""

import random

from di_assets.agents.scripted.history import anyone, repay
from di_assets.game.types import Observation, Reply

# Nowak and Sigmund's generosity for the usual payoffs: min(1 - (T - R)/(R - S), (R - P)/(T - P)) = 1/3.
GENEROSITY = 1 / 3


def generous_tit_for_tat(observation: Observation, *, rng: random.Random) -> Reply:
    """Repays last round with probability 2/3, else gives to anyone."""
    if observation.turn.phase == "message":
        return Reply()
    gives = rng.random() < GENEROSITY
    return anyone(observation, rng=rng) if gives else repay(observation, rng=rng)
