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
"""The exact cause of a fault, if it is known. The advice on what to do depends on it."""


class ProviderError(Exception):
    """A call brought no reply. The message names the model and the status; it contains no key and no header.

    Attributes:
        kind: the kind of the fault.
        retried: kinds of the earlier faults of this call, in order. The code that retries sets it.
        perhaps_paid: the server may charge for the request.
        retryable: sending the same request again may bring a reply.
        retry_after_s: seconds that the server asks to wait; 0 if it does not say.
        request_id: the provider's id of the request; None if it gave none.
        cause: the exact cause; None if it is not known.
        param: the field of the request that the server refused; None if it does not name one.
        told_usd: what the server says that this try cost, US dollars; None if it does not say.
        cost_usd: what the call may have cost, US dollars; 0 until the code that keeps budgets sets it.
        bound_usd: the most that the call can have cost, US dollars; 0 until the code that keeps budgets sets it.
        engine: `live` or `batch`: how the request was sent; None until the code that sends sets it.
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
        self.told_usd: float | None = None
        self.cost_usd = self.bound_usd = 0.0
        self.engine: str | None = None

    def copy(self) -> "ProviderError":
        """The same fault for another call, without its tries and costs."""
        return type(self)(
            str(self),
            kind=self.kind,
            perhaps_paid=self.perhaps_paid,
            retryable=self.retryable,
            retry_after_s=self.retry_after_s,
            request_id=self.request_id,
            cause=self.cause,
            param=self.param,
        )


class TransportFault(ProviderError):
    """The connection or the server failed."""


class BrokenReplyFault(TransportFault):
    """A success status without a usable reply: no JSON, no known end, or a body that is incomplete or too large."""


class FatalFault(ProviderError):
    """A failure that every further call would meet too (a wrong key, for example)."""

    exit_code = 1


SlowDown = Callable[[float], None]
"""Called when a server asks for fewer calls (429, 503, 529), with the seconds that it asks to wait; 0 if none."""


LEAVES: ContextVar[Callable[[], None]] = ContextVar("LEAVES", default=lambda: None)
"""Called by the provider, in the task of the call, just before the first byte of a request is sent. The caller of the
provider sets it. If it raises an error, the request is not sent. If it was not called, the request was not sent."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How one model is reached, as configured in configs/models.yaml.

    Attributes:
        name: the project's name of the model.
        provider: name of the dialect.
        id: the API's name of the model.
        base_url: address of the server; None for the provider's own address.
        key_env: environment variable with the key; None if the server needs no key.
        json_schema: the server can constrain replies by a JSON schema.
        max_tokens: the most tokens of one reply, thinking included.
        send_seed: send the call's seed, if the dialect has a field for it.
        params: further fields of the body, sent as they are (temperature, reasoning_effort, thinking, id_slot, ...).
            They replace fields of the same name; a field that is None is not sent.
        rename: other names for fields of the body.
        system: the rules are sent as the dialect's system text; if False, at the beginning of the first user turn.
        timeout_s: the longest time of one try, seconds, from the connection to the last byte.
        connections: the most connections kept open.
        max_reply_bytes: a body with more bytes, before or after decompression, is not a reply.
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
        system: the rules of the game, as the seat sees them.
        encoded: the turns, oldest first, each as the JSON that is sent (see `encode_turn`). From call to call of a seat
            turns are only appended, and each is encoded once; so a long past does not make a call slower.
        schema: JSON schema of the reply, or None.
        seed: sent to endpoints that accept a seed.
        cache_key: identifies the seat and episode, for providers that route requests by such a key.
    """

    system: str
    encoded: tuple[bytes, ...]
    schema: dict[str, Any] | None
    seed: int
    cache_key: str

    @classmethod
    def of(cls, *, turns: Iterable[tuple[Role, str]], **others: Any) -> "Request":
        """Makes a request from turns given as (role, text), and the other fields by name."""
        return cls(encoded=tuple(encode_turn(role, text) for role, text in turns), **others)

    @property
    def turns(self) -> tuple[tuple[Role, str], ...]:
        """The turns as (role, text)."""
        return tuple((turn["role"], turn["content"]) for turn in map(json.loads, self.encoded))


@dataclass(frozen=True, slots=True)
class Completion:
    """The reply to a request. Numbers of tokens are None if the server does not report them.

    Attributes:
        text: the text of the reply.
        reasoning: the reasoning that the server shows; None if it shows none.
        stop: why the reply ended, a `Stop`; `fault` for a call that brought no reply.
        input_tokens: tokens sent, including those read from the prompt cache and written to it.
        cached_tokens: those of the sent tokens that were read from the cache.
        written_tokens: those of the sent tokens that were written to the cache, if that has its own price.
        written_hour_tokens: those of the written tokens that are kept for an hour.
        output_tokens: tokens received, reasoning included.
        request_id: the provider's id of the request.
        retried: kinds of the faults that were retried before this reply, in order.
        billed: False if the server refused the prompt before it made a token, so that nothing is charged.
        told_usd: what the server says that the call cost, US dollars; None if it does not say.
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
    told_usd: float | None = None


def keeps_an_hour(params: Any) -> bool:
    """Whether `params` ask anywhere for a prompt cache that is kept for an hour, which costs more to write (Anthropic).

    A mark for the cache may stand in the request itself or in a part of it, such as a tool.
    """
    if isinstance(params, Mapping):
        return params.get("ttl") == "1h" or any(map(keeps_an_hour, params.values()))
    return isinstance(params, list) and any(map(keeps_an_hour, params))


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def encode_turn(role: Role, text: str) -> bytes:
    """One turn as JSON bytes; the form is the same in both dialects."""
    return _encode({"role": role, "content": text}).encode()


class Provider(Protocol):
    """A client for one endpoint; `complete` may be called concurrently within one event loop."""

    async def complete(self, request: Request) -> Completion:
        """Sends the request once and returns the reply. Retries are decided by the caller.

        Raises:
            TransportFault: the connection or the server failed, or there is no usable reply.
            FatalFault: every further call would fail too.
        """
        ...

    async def close(self) -> None:
        """Closes the connections."""
        ...
