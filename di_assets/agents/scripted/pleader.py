"""Asks everyone and offers nothing: the plain request (Langer, Blank & Chanowitz 1978, on asking with a reason)."""

from di_assets.agents.scripted.draws import Random
from di_assets.agents.scripted.history import repay
from di_assets.agents.scripted.persuading import write_to
from di_assets.game.types import Observation, Reply

PHRASES = (
    "Please pull me this round, {name}. I am falling behind.",
    "{name}, could you pull me in round {round}? It would mean a lot to me.",
    "I need your pull, {name}, because nobody has been kind to me so far.",
    "Would you pull for me just this once, {name}?",
)


def pleader(observation: Observation, *, rng: Random) -> Reply:
    """Begs every neighbour; repays like tit-for-tat without ever saying so."""
    if observation.turn.phase == "message":
        return write_to(observation.seat.near, PHRASES, observation, rng=rng)
    return repay(observation, rng=rng)
