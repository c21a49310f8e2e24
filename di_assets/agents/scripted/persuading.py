"""How persuaders write: they draw one of several phrases, address it by name, and send it to some or all neighbours."""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from di_assets.agents.scripted.policy import Rule
from di_assets.game.types import Observation, Reply


def write_to(observation: Observation, phrases: Mapping[str, Sequence[str]], *, word: int) -> Reply:
    """One message to each of these names, drawn from the phrases for that name.

    Phrases may use {name}, {round} and {left} (the rounds still to come, if known).
    """
    rules, now = observation.seat.rules, observation.turn.round
    left = rules.n_rounds - now if rules.horizon == "known" else None
    messages = []
    for name, options in phrases.items():
        word, drawn = divmod(word, len(options))
        messages.append((name, _worded(options[drawn], name, now, left)))
    return Reply(messages=tuple(messages))


def to_everyone(phrases: Sequence[str]) -> Rule:
    """A rule that writes one of these phrases to every neighbour."""

    def write(observation: Observation, *, word: int) -> Reply:
        return write_to(observation, dict.fromkeys(observation.seat.near, phrases), word=word)

    return write


@lru_cache(maxsize=8_192)
def _worded(phrase: str, name: str, now: int, left: int | None) -> str:
    return phrase.format(name=name, round=now, left="many rounds" if left is None else f"{left} rounds")
