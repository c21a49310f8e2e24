"""Asks with a threat: pull me, or I stop (Schelling 1960, on threats; punishes like the grim trigger, but forgives)."""

from di_assets.agents.scripted.draws import Random
from di_assets.agents.scripted.history import givers, pull, pullers
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


def threatener(observation: Observation, *, rng: Random) -> Reply:
    """Thanks those that pulled it last round, threatens the rest; pulls its best payer among last round's."""
    near, last = observation.seat.near, givers(observation)
    if observation.turn.phase == "message":
        thanked = write_to(last, THANKS, observation, rng=rng)
        warned = write_to([label for label in near if label not in last], WARNINGS, observation, rng=rng)
        return Reply(messages=thanked.messages + warned.messages)
    given = pullers(observation, rounds=len(observation.rounds))
    among = last or near
    most = max(map(given.count, among))
    return pull(rng.choice([label for label in among if given.count(label) == most]))
