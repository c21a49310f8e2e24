"""What sits in a seat: it prepares an ask from an observation alone, and sends it. A labeller only sends."""

from dataclasses import dataclass
from typing import Literal, Protocol

from di_assets.game.types import Observation
from di_assets.providers.types import Completion


@dataclass(frozen=True, slots=True)
class Fault:
    """An invalid reply of this turn: its text as it came, and why it was not valid."""

    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Ask:
    """One question to a player, ready to be sent; `request_hash` is the same for the same question."""

    request_hash: str
    payload: object


class Respondent(Protocol):
    """What answers asks; only `send` costs anything.

    Attributes:
        model: model name, as in configs/models.yaml or the list of scripted agents.
        kind: `llm` or `scripted`.
    """

    @property
    def model(self) -> str:
        """See above."""
        ...

    @property
    def kind(self) -> Literal["llm", "scripted"]:
        """See above."""
        ...

    async def send(self, ask: Ask) -> Completion:
        """Sends it and waits for the reply.

        Raises:
            ProviderError: no reply came.
        """
        ...


class Player(Respondent, Protocol):
    """One seat of one episode. `prepare` is pure.

    Attributes:
        provider: name of the dialect, or `scripted`.
    """

    @property
    def provider(self) -> str:
        """See above."""
        ...

    def prepare(self, observation: Observation, faults: tuple[Fault, ...] = ()) -> Ask:
        """The ask for this observation, after these invalid replies in the same turn (none at the first attempt)."""
        ...
