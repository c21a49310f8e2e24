"""Pulls one of those that pulled it last round (Rapoport's tit-for-tat, Axelrod 1984, with more than one partner)."""

from di_assets.agents.scripted.history import repay
from di_assets.agents.scripted.policy import Policy

# Where nobody pulled it, it pulls anyone: what the measures' forecast says, played.
POLICY = Policy("tit_for_tat", pull=repay)
