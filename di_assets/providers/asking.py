"""A question that is ready to be sent, and who answers it: what the code that sends needs to know of both."""

from dataclasses import dataclass
from typing import Literal, Protocol

from di_assets.providers.types import Completion

Kind = Literal["llm", "scripted"]
"""What answers: a model or a scripted agent. `tables/words.py` has the same words for `seats.kind`."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One question, ready to be sent. Equal questions have the same `request_hash`.

    Attributes:
        request_hash: identifies the question.
        payload: what is sent.
        again: the last reply was not valid, and the same is asked again.
    """

    request_hash: str
    payload: object
    again: bool = False


class Respondent(Protocol):
    """Something that answers questions: a model or a scripted agent. Only `send` costs money.

    Attributes:
        model: model name, as in configs/models.yaml or the list of scripted agents.
        kind: `llm` or `scripted`.
    """

    @property
    def model(self) -> str:
        """See above."""
        ...

    @property
    def kind(self) -> Kind:
        """See above."""
        ...

    async def send(self, ask: Ask) -> Completion:
        """Sends the question and waits for the reply.

        Raises:
            ProviderError: no reply came.
        """
        ...


def encodable(text: str) -> str:
    """The text with lone surrogates replaced by U+FFFD. JSON may contain them, but they cannot be written to a file."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
