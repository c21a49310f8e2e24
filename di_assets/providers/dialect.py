"""A dialect: everything that differs between families of servers, declared in one place."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from di_assets.providers.batches import Batches
from di_assets.providers.types import Endpoint, Provider, SlowDown


@dataclass(frozen=True, slots=True)
class Dialect:
    """The protocol of a family of servers, and its defaults.

    Attributes:
        name: the value of `provider` in models.yaml and in the table `calls`.
        client: makes a client for an endpoint; its second argument is called when the server asks for fewer calls.
        key_variable: environment variable with the key, if a model does not name one.
        written_against_input: default price of a token written to the prompt cache, as a multiple of the input price;
            None if it costs as much as other input.
        written_hour_against_input: the same for a token that is kept for an hour; None if it costs as much as other
            written tokens.
        batches: makes the batch interface of a client of this dialect; None if its servers have none.
    """

    name: str
    client: Callable[[Endpoint, SlowDown], Provider]
    key_variable: str
    written_against_input: float | None = None
    written_hour_against_input: float | None = None
    batches: Callable[[Any], Batches] | None = None
