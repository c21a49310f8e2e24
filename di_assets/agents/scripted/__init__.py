"""Scripted agents: the embedded default, the calibration instruments and the null models. One policy a file."""

from collections.abc import Mapping

from di_assets.agents.scripted.bandwagon import bandwagon
from di_assets.agents.scripted.con_artist import con_artist
from di_assets.agents.scripted.generous_tit_for_tat import generous_tit_for_tat
from di_assets.agents.scripted.grudger import grudger
from di_assets.agents.scripted.gullible import gullible
from di_assets.agents.scripted.loyal import loyal
from di_assets.agents.scripted.pact_maker import pact_maker
from di_assets.agents.scripted.player import SILENCE, ScriptedPlayer, turn_name, turn_number, words_name
from di_assets.agents.scripted.pleader import pleader
from di_assets.agents.scripted.policy import Policy, Rule
from di_assets.agents.scripted.promiser import promiser
from di_assets.agents.scripted.random_ import random_
from di_assets.agents.scripted.rule_breaker import rule_breaker
from di_assets.agents.scripted.threatener import threatener
from di_assets.agents.scripted.tit_for_tat import tit_for_tat
from di_assets.agents.scripted.words import words

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


def scripted_player(model: str, *, seed: int) -> ScriptedPlayer:
    """The scripted agent of this name, for one seat of one episode."""
    return ScriptedPlayer(model=model, policy=POLICIES[model], seed=seed)


POLICIES: Mapping[str, Policy] = {
    "random": random_,
    "loyal": loyal,
    "tit_for_tat": tit_for_tat,
    "generous_tit_for_tat": generous_tit_for_tat,
    "grudger": grudger,
    "bandwagon": bandwagon,
    "gullible": gullible,
    "promiser": promiser,
    "con_artist": con_artist,
    "pleader": pleader,
    "threatener": threatener,
    "pact_maker": pact_maker,
    "rule_breaker": rule_breaker,
}
