"""Asks with a threat: pull me, or I stop (Schelling 1960, on threats).

It punishes like the grim trigger, but forgives.
"""

from di_assets.agents.scripted.history import PULL, givers, pullers
from di_assets.agents.scripted.persuading import write_to
from di_assets.agents.scripted.policy import Policy
from di_assets.agents.scripted.words import one_of
from di_assets.game.types import Observation, Reply

WARNINGS = (
    "{name}, I will not spend another pull on you unless you pull me this round.",
    "Pull me now, {name}, or you get nothing from me for the rest of the game.",
    "You gave me nothing last round, {name}. Pull me in round {round} or we are done.",
)
THANKS = (
    "Good, {name}. Keep pulling me and you have nothing to fear.",
    "{name}, you know what happens if you stop. Pull me again this round.",
)


def pull_best_payer(observation: Observation, *, word: int) -> Reply:
    """Among the neighbours that pulled it last round, pulls the one that gave it most so far."""
    given = pullers(observation, rounds=len(observation.rounds))
    among = givers(observation) or observation.seat.near
    most = max(map(given.count, among))
    return PULL[one_of([label for label in among if given.count(label) == most], word=word)]


def thank_and_threaten(observation: Observation, *, word: int) -> Reply:
    """Thanks the neighbours that pulled it last round and threatens the others."""
    last = givers(observation)
    phrases = {label: THANKS if label in last else WARNINGS for label in observation.seat.near}
    return write_to(observation, phrases, word=word)


POLICY = Policy("threatener", pull=pull_best_payer, write=thank_and_threaten)
