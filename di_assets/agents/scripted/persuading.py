"""How persuaders write: a phrase drawn from several, addressed by name, to every neighbour or to some."""

import random
from collections.abc import Iterable, Sequence

from di_assets.game.types import Observation, Reply


def write_to(names: Iterable[str], phrases: Sequence[str], observation: Observation, *, rng: random.Random) -> Reply:
    """One message to each name; phrases may use {name}, {round} and {left} (rounds still to come, where known)."""
    known = observation.rules.horizon == "known"
    left = f"{observation.rules.n_rounds - observation.turn.round} rounds" if known else "many rounds"
    return Reply(
        messages=tuple(
            (name, rng.choice(phrases).format(name=name, round=observation.turn.round, left=left))
            for name in sorted(names)
        )
    )
