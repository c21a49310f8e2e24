"""Asks everyone and offers nothing: the plain request (Langer, Blank & Chanowitz 1978, on asking with a reason)."""

from di_assets.agents.scripted.history import repay
from di_assets.agents.scripted.persuading import to_everyone
from di_assets.agents.scripted.policy import Policy

PHRASES = (
    "Please pull me this round, {name}. I am falling behind.",
    "{name}, could you pull me in round {round}? It would mean a lot to me.",
    "I need your pull, {name}, because nobody has been kind to me so far.",
    "Would you pull for me just this once, {name}?",
)


# Begs every neighbour; repays like tit-for-tat without ever saying so.
POLICY = Policy("pleader", pull=repay, write=to_everyone(PHRASES))
