"""Offers one partner a lasting pact and ignores the others (Axelrod 1984, on the shadow of the future)."""

from di_assets.agents.scripted.history import PULL, my_pulls, pullers
from di_assets.agents.scripted.persuading import write_to
from di_assets.agents.scripted.policy import Policy
from di_assets.game.types import Observation, Reply

# After this many rounds without a pull from its partner, it turns to another.
PATIENCE = 3
PHRASES = (
    "Let's start a mutual cooperation pact, {name}: I'll pull for you every round if you pull for me every round.",
    "Our pact holds, {name}. I am pulling you again in round {round}; please pull me too.",
    "{name}, stay with me for the {left} still to come: we pull each other and leave the others behind.",
)


def pull_partner(observation: Observation, *, word: int) -> Reply:
    """Pulls the partner of this round."""
    del word
    return PULL[_partner(observation)]


def court_partner(observation: Observation, *, word: int) -> Reply:
    """Writes only to the partner of this round."""
    return write_to(observation, {_partner(observation): PHRASES}, word=word)


def _partner(observation: Observation) -> str:
    """Label of the seat to pull.

    It is the last partner if it pulled this seat in the last `PATIENCE` rounds, or if fewer pulls than `PATIENCE` were
    made so far. Otherwise it is the last seat that pulled this one in those rounds. If there is none, it is the next
    neighbour in turn.
    """
    seat = observation.seat
    recent = pullers(observation, rounds=PATIENCE)
    mine = [label for label in my_pulls(observation) if label is not None and label != seat.me]
    if mine and (mine[-1] in recent or len(mine) < PATIENCE):
        return mine[-1]
    if recent:
        return recent[-1]
    return seat.order(1)[(observation.turn.round - 1) // PATIENCE % len(seat.near)]


POLICY = Policy("pact_maker", pull=pull_partner, write=court_partner)
