"""Promises everyone a pull for a pull, and repays: a conditional cooperator that announces its rule (Ostrom 1990)."""

from di_assets.agents.scripted.history import repay
from di_assets.agents.scripted.persuading import to_everyone
from di_assets.agents.scripted.policy import Policy

PHRASES = (
    "Player {name}, pull for me this round and I will pull you back next round. I keep my word.",
    "Let's help each other, {name}: if you pull me now, I'll return the favor right after.",
    "I repay every pull I get. Pull me in round {round}, {name}, and I will pull for you.",
    "{name}, we still have {left} ahead of us. Pull for me and I promise to pull you in return.",
)


# Offers the same deal to every neighbour and repays those that took it.
POLICY = Policy("promiser", pull=repay, write=to_everyone(PHRASES))
