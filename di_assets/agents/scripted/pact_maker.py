"""Courts one partner with a lasting pact and lets the others be (Axelrod 1984, on the shadow of the future)."""

from di_assets.agents.scripted.draws import Random
from di_assets.agents.scripted.history import my_pulls, pull, pullers
from di_assets.agents.scripted.persuading import write_to
from di_assets.game.types import Observation, Reply

# Rounds a partner may leave unanswered before another is courted.
PATIENCE = 3
PHRASES = (
    "Let's start a mutual cooperation pact, {name}: I'll pull for you every round if you pull for me every round.",
    "Our pact holds, {name}. I am pulling you again in round {round}; please pull me too.",
    "{name}, stay with me for the {left} still to come: we pull each other and leave the others behind.",
)


def pact_maker(observation: Observation, *, rng: Random) -> Reply:
    """Stays with the last partner while it answers within three rounds; else turns to one that did pull it."""
    seat = observation.seat
    recent = pullers(observation, rounds=PATIENCE)
    mine = [label for label in my_pulls(observation) if label in seat.near]
    if mine and (mine[-1] in recent or len(mine) < PATIENCE):
        partner = mine[-1]
    elif recent:
        partner = recent[-1]
    else:
        # By round, not by phase: the same partner is courted and pulled.
        partner = seat.order(1)[(observation.turn.round - 1) // PATIENCE % len(seat.near)]
    if observation.turn.phase == "message":
        return write_to([partner], PHRASES, observation, rng=rng)
    return pull(partner)
