"""Promises everyone a pull for a pull, and repays: a conditional cooperator that says so (Ostrom 1990)."""

from di_assets.agents.scripted.draws import Random
from di_assets.agents.scripted.history import repay
from di_assets.agents.scripted.persuading import write_to
from di_assets.game.types import Observation, Reply

PHRASES = (
    "Player {name}, pull for me this round and I will pull you back next round. I keep my word.",
    "Let's help each other, {name}: if you pull me now, I'll return the favor right after.",
    "I repay every pull I get. Pull me in round {round}, {name}, and I will pull for you.",
    "{name}, we still have {left} ahead of us. Pull for me and I promise to pull you in return.",
)


def promiser(observation: Observation, *, rng: Random) -> Reply:
    """Offers the same deal to every neighbour and repays those that took it."""
    if observation.turn.phase == "message":
        return write_to(observation.seat.near, PHRASES, observation, rng=rng)
    return repay(observation, rng=rng)
