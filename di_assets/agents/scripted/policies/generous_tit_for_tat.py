"""Tit-for-tat that sometimes gives without having received (Nowak & Sigmund 1992)."""

from di_assets.agents.scripted.history import anyone, repay
from di_assets.agents.scripted.policy import Policy
from di_assets.game.types import Observation, Reply

# Nowak and Sigmund's generosity for the usual payoffs: min(1 - (T - R)/(R - S), (R - P)/(T - P)) = 1/3,
# which is one lot of three.
LOTS = 3


def repay_or_give(observation: Observation, *, word: int) -> Reply:
    """Repays last round with probability 2/3, else gives to anyone."""
    gives = word % LOTS == 0
    return (anyone if gives else repay)(observation, word=word // LOTS)


POLICY = Policy("generous_tit_for_tat", pull=repay_or_give)
