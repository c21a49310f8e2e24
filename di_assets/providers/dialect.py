"""What a dialect is: all that differs from one family of servers to the next, declared in one place."""

from collections.abc import Callable
from dataclasses import dataclass

from di_assets.providers.types import Endpoint, Provider, SlowDown


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a family of servers is spoken to, and what is usual there.

    Attributes:
        name: as models.yaml writes it under `provider`, and as it stands in `calls`.
        client: makes a client for an endpoint; the second argument is told when the server asks for fewer calls.
        key_variable: environment variable that holds the key, where a model names none.
        written_against_input: price of a token written to the prompt cache, as a multiple of other input, where a
            model's price does not say; None where it is as other input.
        written_hour_against_input: the same for one that is kept for an hour; None where it is as others written.
    """

    name: str
    client: Callable[[Endpoint, SlowDown], Provider]
    key_variable: str
    written_against_input: float | None = None
    written_hour_against_input: float | None = None
