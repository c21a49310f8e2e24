"""Pulls a random neighbour and writes nothing. It is the null model of Axelrod's tournaments (1984)."""

from di_assets.agents.scripted.history import anyone
from di_assets.agents.scripted.policy import Policy

POLICY = Policy("random", pull=anyone)
