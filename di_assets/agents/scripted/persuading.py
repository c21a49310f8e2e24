"""How persuaders write: a phrase drawn from several, addressed by name, to every neighbour or to some."""

from collections.abc import Sequence
from functools import lru_cache

from di_assets.agents.scripted.draws import Random
from di_assets.agents.scripted.policy import Rule
from di_assets.game.types import Observation, Reply


def write_to(names: Sequence[str], phrases: Sequence[str], observation: Observation, *, rng: Random) -> Reply:
    """One message to each name; phrases may use {name}, {round} and {left} (rounds still to come, where known)."""
    rules, now = observation.seat.rules, observation.turn.round
    left = rules.n_rounds - now if rules.horizon == "known" else None
    return Reply(messages=tuple([(name, _worded(rng.choice(phrases), name, now, left)) for name in names]))


def to_everyone(phrases: Sequence[str]) -> Rule:
    """The rule that writes one of these to every neighbour."""

    def write(observation: Observation, *, rng: Random) -> Reply:
        return write_to(observation.seat.near, phrases, observation, rng=rng)

    return write


@lru_cache(maxsize=8_192)
def _worded(phrase: str, name: str, now: int, left: int | None) -> str:
    return phrase.format(name=name, round=now, left="many rounds" if left is None else f"{left} rounds")
