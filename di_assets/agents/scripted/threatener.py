"""Asks with a threat: pull me, or I stop (Schelling 1960, on threats; punishes like the grim trigger, but forgives)."""

from di_assets.agents.scripted.draws import Random
from di_assets.agents.scripted.history import PULL, givers, pullers
from di_assets.agents.scripted.persuading import write_to
from di_assets.agents.scripted.policy import Policy
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


def pull_best_payer(observation: Observation, *, rng: Random) -> Reply:
    """Pulls the one that gave it most so far among those that pulled it last round."""
    given = pullers(observation, rounds=len(observation.rounds))
    among = givers(observation) or observation.seat.near
    most = max(map(given.count, among))
    return PULL[rng.choice([label for label in among if given.count(label) == most])]


def thank_and_threaten(observation: Observation, *, rng: Random) -> Reply:
    """Thanks those that pulled it last round, threatens the rest."""
    near, last = observation.seat.near, givers(observation)
    thanked = write_to([label for label in near if label in last], THANKS, observation, rng=rng)
    warned = write_to([label for label in near if label not in last], WARNINGS, observation, rng=rng)
    return Reply(messages=thanked.messages + warned.messages)


threatener = Policy(pull=pull_best_payer, write=thank_and_threaten)
