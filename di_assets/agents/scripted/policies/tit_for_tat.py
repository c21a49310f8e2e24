"""Pulls one of those that pulled it last round (Rapoport's tit-for-tat, Axelrod 1984, for several partners)."""

from di_assets.agents.scripted.history import repay
from di_assets.agents.scripted.policy import Policy

# If nobody pulled it, it pulls a random neighbour. This plays what the forecast of the measures assumes.
POLICY = Policy("tit_for_tat", pull=repay)
