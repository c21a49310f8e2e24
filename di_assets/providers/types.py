"""Words in, words out: what every provider takes, gives and raises.

ProviderError
|-- TransportFault   the line or the server failed and the retries ran out: the episode stops, resumable
`-- FatalFault       no retry can help (key, quota, request refused): the run stops
"""

from dataclasses import dataclass, field
from typing import Any, Literal, Protocol


class ProviderError(Exception):
    """A call brought no reply. The message names model and status, never a key or a header."""


class TransportFault(ProviderError):
    """Transport or server failure that outlasted the retries."""


class FatalFault(ProviderError):
    """A failure that would meet every further call too."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How one model is reached; what stands in configs/models.yaml.

    Attributes:
        name: the project's name of the model.
        provider: `openai` or `anthropic`: the dialect spoken.
        id: the API's name of the model.
        base_url: where, if not at the provider's own address.
        key_env: environment variable with the key; None for servers that want none.
        json_schema: replies can be constrained by a JSON schema.
        max_tokens: most tokens of one reply, thinking included.
        send_seed: send the call's seed (OpenAI dialect only).
        params: further body fields, passed through untouched (temperature, reasoning_effort, thinking, id_slot, ...).
        timeout_s: most seconds one call may take, all retries included.
        max_retries: retries by the SDK.
    """

    name: str
    provider: Literal["openai", "anthropic"]
    id: str
    base_url: str | None = None
    key_env: str | None = None
    json_schema: bool = True
    max_tokens: int = 1024
    send_seed: bool = False
    params: dict[str, Any] = field(default_factory=dict)
    timeout_s: float = 600.0
    max_retries: int = 2


@dataclass(frozen=True, slots=True)
class Request:
    """One request: a system text, then turns that alternate user, assistant, ..., user.

    Attributes:
        system: the rules, as the seat was told them.
        turns: (role, text) from the oldest to the newest; append-only from call to call of one seat.
        schema: JSON schema of the reply, or None.
        seed: for endpoints that take one.
        cache_key: names the seat and episode, for providers that route by it.
    """

    system: str
    turns: tuple[tuple[Literal["user", "assistant"], str], ...]
    schema: dict[str, Any] | None
    seed: int
    cache_key: str


@dataclass(frozen=True, slots=True)
class Completion:
    """What came back. `stop` is `end`, `length`, `refusal` or the provider's word; tokens are None when not told."""

    text: str
    reasoning: str | None = None
    stop: str = "end"
    input_tokens: int | None = None
    cached_tokens: int | None = None
    output_tokens: int | None = None
    request_id: str | None = None


class Provider(Protocol):
    """A client for one endpoint; `complete` may be called concurrently within one event loop."""

    async def complete(self, request: Request) -> Completion:
        """Asks once.

        Raises:
            TransportFault: see there.
            FatalFault: see there.
        """
        ...

    async def close(self) -> None:
        """Closes the connections."""
        ...
