"""Asks with a threat: pull me, or I stop (Schelling 1960, on threats; punishes like the grim trigger, but forgives)."""

import random

from di_assets.agents.scripted.history import pullers, received
from di_assets.agents.scripted.persuading import write_to
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


def threatener(observation: Observation, *, rng: random.Random) -> Reply:
    """Thanks those that pulled it last round, threatens the rest; pulls its best payer among last round's."""
    last = set(pullers(observation)) & set(observation.neighbours)
    if observation.turn.phase == "message":
        others = set(observation.neighbours) - last
        thanked = write_to(last, THANKS, observation, rng=rng)
        warned = write_to(others, WARNINGS, observation, rng=rng)
        return Reply(messages=thanked.messages + warned.messages)
    given = received(observation)
    among = last or set(observation.neighbours)
    most = max(given[label] for label in among)
    return Reply(pull=rng.choice(sorted(label for label in among if given[label] == most)))
