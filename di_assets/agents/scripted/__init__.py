"""Scripted agents by name. Each is a `Policy`, declared in a file of `policies/` and nowhere else."""

from di_assets.agents.scripted import policies
from di_assets.agents.scripted.player import SILENCE, ScriptedPlayer, turn_name, turn_number, words_name
from di_assets.agents.scripted.policy import Policy, Rule
from di_assets.agents.scripted.words import words
from di_assets.declared import declared_in

__all__ = [
    "POLICIES",
    "SILENCE",
    "Policy",
    "Rule",
    "ScriptedPlayer",
    "scripted_player",
    "turn_name",
    "turn_number",
    "words",
    "words_name",
]


POLICIES = declared_in([policies], "POLICY", Policy)


def scripted_player(model: str, *, seed: int) -> ScriptedPlayer:
    """The scripted agent of this name, for one seat of one episode."""
    return ScriptedPlayer(model=model, policy=POLICIES[model], seed=seed)
