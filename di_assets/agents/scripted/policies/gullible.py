"""Pulls whoever asked most convincingly; a promise counts more than a plain request (Cialdini 1984, on reciprocity)."""

from functools import lru_cache

from di_assets.agents.asking import asks_for_pull, promises_pull
from di_assets.agents.scripted.history import PULL, messages_received, repay
from di_assets.agents.scripted.policy import Policy
from di_assets.agents.scripted.words import one_of
from di_assets.game.types import Observation, Reply


def believe(observation: Observation, *, word: int) -> Reply:
    """Pulls for the sender of one of the last promises; else of one of the last requests; if nobody asked, repays."""
    asked: list[str] = []
    promised: list[str] = []
    for message in messages_received(observation):
        asks, promises = _labels_of(message.text)
        if asks:
            (promised if promises else asked).append(message.sender)
    convincing = promised or asked
    return PULL[one_of(convincing, word=word)] if convincing else repay(observation, word=word)


# Cached: scripted agents write the same few sentences again and again, and reading one is the slowest part of a turn.
@lru_cache(maxsize=8_192)
def _labels_of(text: str) -> tuple[bool, bool]:
    return asks_for_pull(text), promises_pull(text)


POLICY = Policy("gullible", pull=believe)
