"""Pulls whoever asked it most convincingly: a promise before a plain request (Cialdini 1984, on reciprocity)."""

import random

from di_assets.agents.asking import asks_for_pull, promises_pull
from di_assets.agents.scripted.history import heard, repay
from di_assets.game.types import Observation, Reply


def gullible(observation: Observation, *, rng: random.Random) -> Reply:
    """Believes the last promise it heard, else the last request; where nobody asked, repays like tit-for-tat."""
    if observation.turn.phase == "message":
        return Reply()
    messages = heard(observation)
    asked = [m.sender for m in messages if asks_for_pull(m.text)]
    promised = [m.sender for m in messages if promises_pull(m.text) and m.sender in asked]
    convincing = promised or asked
    return Reply(pull=convincing[-1]) if convincing else repay(observation, rng=rng)
