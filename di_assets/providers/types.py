"""Words in, words out: what every provider takes, gives and raises.

ProviderError
|-- TransportFault      the line or the server failed: asked again by whoever pays, then the episode stops, resumable
|   `-- BrokenReplyFault   status 200 and yet no reply
`-- FatalFault          no retry can help (key, quota, request refused): the run stops
"""

import json
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

Role = Literal["user", "assistant"]
Stop = Literal["end", "length", "refusal"]
"""Why a reply ended: the model was done, it was cut off, or it (or a filter) declined."""

FaultKind = Literal[
    "timeout", "connection", "rate_limit", "server_error", "broken_reply", "request_refused", "no_credit", "no_key"
]
"""What went wrong with a call that brought no reply; each a status of its own in `calls`."""


Cause = Literal[
    "certificate",
    "host",
    "tls",
    "proxy",
    "refused",
    "parameter",
    "system",
    "context",
    "room",
    "model",
    "account",
    "redirect",
]
"""What exactly was wrong, where a fault shows it: what can be done about it differs."""


class ProviderError(Exception):
    """A call brought no reply. The message names model and status, never a key or a header.

    Attributes:
        kind: what went wrong.
        retried: kinds of the faults that were retried on the way, in order; told by whoever retries.
        perhaps_paid: the request may have reached a server that charges for it.
        retryable: the same request may bring a reply when it is sent again.
        retry_after_s: seconds that the server wants to be left alone; 0 where it does not say.
        request_id: the provider's, where it told one.
        cause: what exactly was wrong, where that shows.
        param: the field of the request that the server refused, where it names one.
        cost_usd: what it may have cost; told by whoever pays.
        bound_usd: the most it can have cost; told likewise.
    """

    def __init__(
        self,
        message: str,
        *,
        kind: FaultKind,
        retried: tuple[FaultKind, ...] = (),
        perhaps_paid: bool = False,
        retryable: bool = False,
        retry_after_s: float = 0.0,
        request_id: str | None = None,
        cause: Cause | None = None,
        param: str | None = None,
    ) -> None:
        super().__init__(message)
        self.kind, self.retried, self.perhaps_paid = kind, retried, perhaps_paid
        self.retryable, self.retry_after_s, self.request_id = retryable, retry_after_s, request_id
        self.cause, self.param = cause, param
        self.cost_usd = self.bound_usd = 0.0


class TransportFault(ProviderError):
    """The line or the server failed."""


class BrokenReplyFault(TransportFault):
    """Status 200 with HTML, broken JSON, no end that is known, or a body cut short or too large."""


class FatalFault(ProviderError):
    """A failure that would meet every further call too."""

    exit_code = 1


SlowDown = Callable[[float], None]
"""Told when a server asks for fewer calls (429, 503, 529), with the seconds that it wants to be left alone, or 0."""


LEAVES: ContextVar[Callable[[], None]] = ContextVar("LEAVES", default=lambda: None)
"""Set by whoever asks, and called by the provider in the same task just before a request's first byte is written.
What it raises keeps the request in. A request for which it was never called was never sent."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How one model is reached; what stands in configs/models.yaml.

    Attributes:
        name: the project's name of the model.
        provider: name of the dialect spoken.
        id: the API's name of the model.
        base_url: where, if not at the provider's own address.
        key_env: environment variable with the key; None for servers that want none.
        json_schema: replies can be constrained by a JSON schema.
        max_tokens: most tokens of one reply, thinking included.
        send_seed: send the call's seed, where the dialect has a field for it.
        params: further body fields, passed through untouched (temperature, reasoning_effort, thinking, id_slot, ...);
            they replace fields of the same name, and one that is None is not sent.
        rename: other names for fields of the body.
        system: the rules go where the dialect has them; else at the head of the first user turn.
        timeout_s: most seconds one try may take, from the connection to the last byte.
        connections: most connections kept open.
        max_reply_bytes: a longer body, packed or unpacked, is no reply.
    """

    name: str
    provider: str
    id: str
    base_url: str | None = None
    key_env: str | None = None
    json_schema: bool = True
    max_tokens: int = 1024
    send_seed: bool = False
    params: dict[str, Any] = field(default_factory=dict)
    rename: Mapping[str, str] = field(default_factory=dict)
    system: bool = True
    timeout_s: float = 600.0
    connections: int = 100
    max_reply_bytes: int = 4 * 2**20


@dataclass(frozen=True, slots=True)
class Request:
    """One request: a system text, then turns that alternate user, assistant, ..., user.

    Attributes:
        system: the rules, as the seat was told them.
        encoded: the turns from the oldest to the newest, each as the JSON that is sent (see `encode_turn`); append-only
            from call to call of one seat, and so encoded once: a call costs the same whatever its past.
        schema: JSON schema of the reply, or None.
        seed: for endpoints that take one.
        cache_key: names the seat and episode, for providers that route by it.
    """

    system: str
    encoded: tuple[bytes, ...]
    schema: dict[str, Any] | None
    seed: int
    cache_key: str

    @classmethod
    def of(cls, *, turns: Iterable[tuple[Role, str]], **others: Any) -> "Request":
        """A request with turns of (role, text)."""
        return cls(encoded=tuple(encode_turn(role, text) for role, text in turns), **others)

    @property
    def turns(self) -> tuple[tuple[Role, str], ...]:
        """The turns as (role, text)."""
        return tuple((turn["role"], turn["content"]) for turn in map(json.loads, self.encoded))


@dataclass(frozen=True, slots=True)
class Completion:
    """What came back; tokens are None where the server does not tell.

    Attributes:
        text: the reply.
        reasoning: what it shows of its thinking, if anything.
        stop: a `Stop`; of a call that brought no reply, `fault`.
        input_tokens: sent, those read from and written to the prompt cache included.
        cached_tokens: of them, read from the cache.
        written_tokens: of them, written to the cache, where that has a price of its own.
        written_hour_tokens: of those written, the ones that are kept for an hour.
        output_tokens: received, reasoning included.
        request_id: the provider's.
        retried: kinds of the faults that were retried on the way, in order.
        billed: False where the server refused the prompt before any token was made, so that nothing is charged.
    """

    text: str
    reasoning: str | None = None
    stop: str = "end"
    input_tokens: int | None = None
    cached_tokens: int | None = None
    written_tokens: int | None = None
    written_hour_tokens: int | None = None
    output_tokens: int | None = None
    request_id: str | None = None
    retried: tuple[FaultKind, ...] = ()
    billed: bool = True


def keeps_an_hour(params: Mapping[str, Any]) -> bool:
    """True where a prompt cache is asked for that is kept for an hour, and costs more to write (Anthropic)."""
    control = params.get("cache_control")
    return isinstance(control, Mapping) and control.get("ttl") == "1h"


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def encode_turn(role: Role, text: str) -> bytes:
    """One turn as JSON; both dialects write it alike."""
    return _encode({"role": role, "content": text}).encode()


class Provider(Protocol):
    """A client for one endpoint; `complete` may be called concurrently within one event loop."""

    async def complete(self, request: Request) -> Completion:
        """Sends the request once; whoever pays decides about sending it again.

        Raises:
            TransportFault: see there.
            FatalFault: see there.
        """
        ...

    async def close(self) -> None:
        """Closes the connections."""
        ...
