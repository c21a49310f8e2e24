"""What is asked, and who answers it: all that sending an ask needs to know of either."""

from dataclasses import dataclass
from typing import Literal, Protocol

from di_assets.providers.types import Completion


@dataclass(frozen=True, slots=True)
class Ask:
    """One question, ready to be sent; `request_hash` is the same for the same question."""

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


def encodable(text: str) -> str:
    """The text with lone surrogates, which JSON can smuggle in and no file can hold, replaced by U+FFFD."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
