"""What both SDKs share: one low-level post, its faults sorted, nothing of a key ever let out.

The SDK retries what it can (408, 409, 429, 5xx, connections), Retry-After honoured, all under one deadline. Hooks on
its HTTP client see every attempt: which faults were retried, when a server asks for fewer calls, and whether a body
that began with status 200 came whole. One that did not may have been paid for, so it is not asked for again here.
"""

import asyncio
import json
import logging
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import replace
from types import ModuleType
from typing import Any

from di_assets.providers.leaving import tell_when_it_leaves
from di_assets.providers.types import (
    BrokenReplyFault,
    Completion,
    Endpoint,
    FatalFault,
    FaultKind,
    ProviderError,
    Request,
    SlowDown,
    TransportFault,
)

NO_KEY = "none"
RETRIED = {408, 409, 429}
# 429s that no waiting mends.
SPENT = re.compile(r"insufficient_quota|spend_limit|billing|credit")
SLOWER = {429, 503, 529}
# At their most talkative they log headers, in which a server may have echoed the key.
TALKATIVE = ("openai", "anthropic", "httpx2", "aiohttp")

# The faults of the call that is under way in this task, by attempt; the last may yet turn out well.
_attempts: ContextVar[list[FaultKind]] = ContextVar("attempts")


class BadBodyError(Exception):
    """Status 200, and yet no reply."""


class NoCreditError(Exception):
    """Status 429 that no waiting mends; the message is the fault's one word."""


class SdkProvider(ABC):
    """A client for one endpoint over one SDK's low-level `post` (keeps its auth, headers, retries and errors).

    Raises:
        FatalFault: the key's variable is not set.
    """

    path: str
    root_error: str  # the SDK's own, which it lets through as it is

    def __init__(self, endpoint: Endpoint, slow_down: SlowDown) -> None:
        self.endpoint = endpoint
        self._slow_down = slow_down
        self._sdk = self._import()
        for name in TALKATIVE:
            logging.getLogger(name).setLevel(logging.WARNING)
        # Raised in a hook, errors of the SDK's own family come out at once; others it would retry.
        self._broke_off, self._no_credit = (
            type(f"_{error.__name__}", (error, getattr(self._sdk, self.root_error)), {})
            for error in (BadBodyError, NoCreditError)
        )
        self._client = self._connect(_key(endpoint), self._http_client())

    @abstractmethod
    def _import(self) -> ModuleType:
        """The SDK; it takes seconds, so only those who play pay for it."""

    @abstractmethod
    def _connect(self, key: str, http_client: Any) -> Any:
        """The SDK's client."""

    @abstractmethod
    def fields(self, request: Request) -> dict[str, Any]:
        """The body's fields but `messages`: nothing among them that is not configured."""

    def messages(self, request: Request) -> bytes:
        """The body's messages, JSON objects separated by commas."""
        return b",".join(request.encoded)

    def body(self, request: Request) -> bytes:
        """The request's body."""
        fields = json.dumps(self.fields(request), ensure_ascii=False).encode()
        return b'%s,"messages":[%s]}' % (fields[:-1], self.messages(request))

    @abstractmethod
    def read(self, data: dict[str, Any]) -> Completion:
        """The reply in a body; raises KeyError, TypeError, IndexError or BadBodyError where there is none."""

    async def complete(self, request: Request) -> Completion:
        """Asks once; see `Provider`."""
        attempts: list[FaultKind] = []
        token = _attempts.set(attempts)
        fault: ProviderError
        try:
            async with asyncio.timeout(self.endpoint.timeout_s):
                data = await self._client.post(self.path, cast_to=object, content=self.body(request))
            completion = self._reply(data)
            return replace(completion, retried=tuple(attempts)) if attempts else completion
        except TimeoutError:
            # A deadline that passed while a retry was waited for is the fault that was to be retried.
            refused = bool(attempts) and attempts[-1] != "connection"
            fault = TransportFault(
                f"{self.endpoint.name}: no whole reply within {self.endpoint.timeout_s:g} s",
                kind=attempts[-1] if refused else "timeout",
                retried=tuple(attempts[:-1]),
                perhaps_paid=not refused,
            )
        except (BadBodyError, json.JSONDecodeError, UnicodeDecodeError) as error:
            fault = self._broken(error, attempts)
        except NoCreditError as error:
            fault = FatalFault(
                f"{self.endpoint.name}: HTTP 429 ({error})", kind="no_credit", retried=tuple(attempts[:-1])
            )
        except self._sdk.APIError as error:
            fault = self._classify(error, tuple(attempts[:-1]))
        finally:
            _attempts.reset(token)
        # Raised out here, so that nothing of the SDK's exception (request, headers, key) hangs on to it.
        raise fault

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()

    def _http_client(self) -> Any:
        """The SDK's own client on aiohttp, watched; as many idle connections kept as calls may be in flight."""
        import httpx2  # noqa: PLC0415 -- with the SDK

        endpoint = self.endpoint
        http_client = self._sdk.DefaultAioHttpClient(
            timeout=endpoint.timeout_s,
            limits=httpx2.Limits(max_connections=endpoint.connections, max_keepalive_connections=endpoint.connections),
            event_hooks={"request": [self._begins], "response": [self._answered]},
        )
        tell_when_it_leaves(http_client)
        return http_client

    async def _begins(self, _: Any) -> None:
        _attempts.get().append("connection")

    async def _answered(self, response: Any) -> None:
        attempts = _attempts.get()
        status = response.status_code
        if status >= 400:
            attempts[-1] = "rate_limit" if status == 429 else "server_error" if status >= 500 else "request_refused"
            if status in SLOWER:
                self._slow_down(_retry_after(response.headers))
            if status == 429:
                await self._refuse_the_spent(response)
            return
        problem: str | None = None
        try:
            await response.aread()
        except Exception as error:  # noqa: BLE001 -- whatever the transport calls it, the body did not come whole
            problem = type(error).__name__
        if problem is not None:
            raise self._broke_off(f"the body broke off ({problem})")
        attempts.pop()

    async def _refuse_the_spent(self, response: Any) -> None:
        """Ends a call that the SDK would retry in vain."""
        word = ""
        with suppress(Exception):  # a body that can't be read is a 429 like any other
            word = _word(json.loads(await response.aread()))
        if SPENT.search(word):
            raise self._no_credit(word)

    def _reply(self, data: Any) -> Completion:
        if not isinstance(data, dict):
            raise BadBodyError("status 200 with a body that is no JSON object")
        if data.get("error"):
            raise BadBodyError(f"status 200 with an error ({_word(data['error'])})")
        try:
            return self.read(data)
        except (KeyError, TypeError, IndexError, AttributeError):
            raise BadBodyError("status 200 with a body that holds no reply") from None

    def _broken(self, error: Exception, attempts: list[FaultKind]) -> BrokenReplyFault:
        text = str(error) if isinstance(error, BadBodyError) else "status 200 with broken JSON"
        retried = tuple(attempts[:-1] if attempts and attempts[-1] == "connection" else attempts)
        return BrokenReplyFault(
            f"{self.endpoint.name}: {text}", kind="broken_reply", retried=retried, perhaps_paid=True
        )

    def _classify(self, error: Any, retried: tuple[FaultKind, ...]) -> ProviderError:
        status = getattr(error, "status_code", None)
        name = self.endpoint.name
        if status is None:
            if _waited_in_vain(error):
                return TransportFault(
                    f"{name}: nothing came for {self.endpoint.timeout_s:g} s",
                    kind="timeout",
                    retried=retried,
                    perhaps_paid=True,
                )
            return TransportFault(f"{name}: no connection", kind="connection", retried=retried)
        word = _word(getattr(error, "body", None))
        text = f"{name}: HTTP {status}{f' ({word})' if word else ''}"
        if status == 402:
            return FatalFault(text, kind="no_credit", retried=retried)
        if status == 429:
            return TransportFault(text, kind="rate_limit", retried=retried)
        if status in RETRIED or status >= 500:
            return TransportFault(text, kind="server_error", retried=retried)
        return FatalFault(text, kind="no_key" if status in {401, 403} else "request_refused", retried=retried)


def count(usage: Any, *keys: str) -> int | None:
    """A token count at a path in a usage object; None where it is missing or no count."""
    for key in keys:
        usage = usage.get(key) if isinstance(usage, dict) else None
    return usage if isinstance(usage, int) and not isinstance(usage, bool) and usage >= 0 else None


def _retry_after(headers: Mapping[str, str]) -> float:
    """Seconds that a server wants to be left alone, as the SDKs read it; 0 where it does not say, or says nonsense."""
    for name, per_second in (("retry-after-ms", 1000), ("retry-after", 1)):
        try:
            seconds = float(headers.get(name) or 0) / per_second
        except ValueError:
            continue
        if 0 < seconds < float("inf"):
            return seconds
    return 0.0


def _waited_in_vain(error: BaseException | None) -> bool:
    """True for a read that timed out; the transport calls a connection that was cut a timeout too."""
    import aiohttp  # noqa: PLC0415 -- with the SDK

    while error is not None:
        if isinstance(error, aiohttp.ServerTimeoutError):
            return True
        error = error.__cause__
    return False


def _word(body: Any) -> str:
    """The fault's code or type as one word. Never its message: providers echo parts of keys there."""
    if isinstance(body, dict):
        inner = body.get("error", body)
        for source in (inner, body):
            for key in ("code", "type"):
                value = source.get(key) if isinstance(source, dict) else None
                if isinstance(value, str) and re.fullmatch(r"[A-Za-z][A-Za-z_.-]{0,59}", value):
                    return value
    return ""


def key_problem(endpoint: Endpoint) -> str | None:
    """What is wrong with the endpoint's key, without quoting it; None where it is there, or none is wanted."""
    if endpoint.key_env is None:
        return None
    key = os.environ.get(endpoint.key_env, "")
    if not key:
        return f"set {endpoint.key_env}"
    if not (key.isascii() and key.isprintable() and " " not in key):
        # Refused here: as a header it would fail deep in a transport, in an exception that quotes it.
        return f"{endpoint.key_env} holds characters that no key has (a line break, perhaps)"
    return None


def _key(endpoint: Endpoint) -> str:
    problem = key_problem(endpoint)
    if problem:
        raise FatalFault(f"{endpoint.name}: its key is not in the environment: {problem}", kind="no_key")
    return NO_KEY if endpoint.key_env is None else os.environ[endpoint.key_env]
