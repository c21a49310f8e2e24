"""The protocol of a player in a seat: it prepares an ask from an observation alone, and sends it."""

from dataclasses import dataclass
from typing import Protocol

from di_assets.game.types import Observation
from di_assets.providers.asking import Ask, Respondent


@dataclass(frozen=True, slots=True)
class Fault:
    """An invalid reply in the current turn: its raw text, and why it was not valid."""

    text: str
    reason: str


class Player(Respondent, Protocol):
    """One seat of one episode. `prepare` is pure.

    Attributes:
        provider: name of the dialect, or `scripted`.
    """

    @property
    def provider(self) -> str:
        """See the class."""
        ...

    def prepare(self, observation: Observation, faults: tuple[Fault, ...] = ()) -> Ask:
        """The ask for this observation, after these invalid replies in the same turn (none at the first attempt)."""
        ...
