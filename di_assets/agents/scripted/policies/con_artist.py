"""Promises everyone, repays nobody: cheap talk without commitment (Farrell & Rabin 1996)."""

from di_assets.agents.scripted.history import PULL, givers
from di_assets.agents.scripted.persuading import to_everyone
from di_assets.agents.scripted.policy import Policy
from di_assets.agents.scripted.words import one_of
from di_assets.game.types import Observation, Reply

PHRASES = (
    "Trust me, {name}: pull me this round and I will pull you next round, no matter what.",
    "{name}, you are the one I want as a partner. I'll pull for you as soon as you pull for me.",
    "I'm going to pull you in the next round, {name}. Please pull me now so that we both win.",
    "Everyone else is selfish, {name}. Pull for me today and I promise to pull you from then on.",
)


def pull_others(observation: Observation, *, word: int) -> Reply:
    """Pulls a neighbour that did not pull it last round, so it never repays on time."""
    near, owed = observation.seat.near, givers(observation)
    return PULL[one_of([label for label in near if label not in owed] or near, word=word)]


POLICY = Policy("con_artist", pull=pull_others, write=to_everyone(PHRASES))
