"""What a scripted agent reads off its observation."""

import random
from collections import Counter

from di_assets.game.types import Observation, Reply, SeenMessage


def pullers(observation: Observation, *, rounds: int = 1) -> list[str]:
    """Neighbours that pulled this seat in the last `rounds` rounds, one entry a pull, oldest first."""
    since = observation.turn.round - rounds
    return [
        p.puller
        for p in observation.pulls
        if p.target == observation.me and p.puller != observation.me and p.round >= since
    ]


def my_pulls(observation: Observation) -> list[str | None]:
    """Whom this seat pulled, round by round; None for a forfeit."""
    return [p.target for p in observation.pulls if p.puller == observation.me]


def received(observation: Observation) -> Counter[str]:
    """Pulls that this seat received so far, by neighbour."""
    return Counter(p.puller for p in observation.pulls if p.target == observation.me and p.puller != observation.me)


def heard(observation: Observation) -> list[SeenMessage]:
    """Messages to this seat in the last message phase, in the order of the round's neighbours."""
    last = [m for m in observation.messages if m.recipient == observation.me and m.round == observation.turn.round]
    newest = max((m.exchange for m in last), default=0)
    rank = {label: i for i, label in enumerate(observation.neighbours)}
    return sorted((m for m in last if m.exchange == newest), key=lambda m: rank.get(m.sender, len(rank)))


def anyone(observation: Observation, *, rng: random.Random) -> Reply:
    """A pull for a neighbour drawn uniformly."""
    return Reply(pull=rng.choice(sorted(observation.neighbours)))


def repay(observation: Observation, *, rng: random.Random) -> Reply:
    """A pull for one of those that pulled this seat last round, drawn uniformly; for anyone where there were none."""
    last = sorted(set(pullers(observation)) & set(observation.neighbours))
    return Reply(pull=rng.choice(last)) if last else anyone(observation, rng=rng)
