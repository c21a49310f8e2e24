"""What both SDKs share: sends a request once by the SDK's low-level `post`, sorts its faults, and hides the key.

The SDK provides the address, authentication and headers. It does not retry: each request may be charged, so retries are
decided by the caller, which keeps the budgets. A hook on the HTTP client takes every answer without a success status
before the SDK reads its whole body.
"""

import asyncio
import importlib
import logging
import os
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from di_assets.providers.answers import Answer, Reply, Sorter
from di_assets.providers.body import BadBodyError, read_body
from di_assets.providers.ends import End
from di_assets.providers.hiding import is_searched_for, is_unmistakable, without
from di_assets.providers.shape import shaped, turns
from di_assets.providers.types import (
    LEAVES,
    Completion,
    Endpoint,
    FatalFault,
    ProviderError,
    Request,
    SlowDown,
    TransportFault,
)

NO_KEY = "none"
# At debug level these libraries (and the SDKs) log headers, and a server may have repeated the key in a header.
TALKATIVE = ("httpx2", "aiohttp")
HIDDEN = "(the key)"
# No provider gives out shorter keys. A server of one's own may have one, or take any word for a key.
SHORTEST_KEY = 8

# Results of a batch are many replies in one body.
MOST_DOWNLOADED = 2**30

TextOrNone = TypeVar("TextOrNone", str, str | None)
Found = TypeVar("Found")


class _NoSuccess(Exception):
    """Carries an answer without a success status out of the hook."""

    answer: Answer


class _Departure:
    """Notes that a request is being sent, and calls the previous `LEAVES`.

    Attributes:
        left: the request may have been sent.
    """

    def __init__(self, told: Callable[[], None]) -> None:
        self._told, self.left = told, False

    def __call__(self) -> None:
        self._told()
        self.left = True


class SdkProvider(ABC):
    """A client for one endpoint over one SDK's low-level `post`.

    Attributes:
        sdk: the SDK's module. It is imported with the first client, because the import takes seconds.
        path: path of requests below the endpoint's address.
        root_error: name of the SDK's base class of exceptions; the SDK does not wrap these.
        ends: the dialect's words for the end of a reply, and what they mean.

    Raises:
        FatalFault: the key's variable is not set.
    """

    sdk: str
    path: str
    root_error: str
    ends: Mapping[str, End]

    def __init__(self, endpoint: Endpoint, slow_down: SlowDown) -> None:
        self.endpoint = endpoint
        self._slow_down = slow_down
        from di_assets.providers import transport  # noqa: PLC0415 -- takes as long as an SDK

        self._sdk, self._transport = importlib.import_module(self.sdk), transport
        for name in (self.sdk, *TALKATIVE):
            logging.getLogger(name).setLevel(logging.WARNING)
        self._no_success = type("_NoSuccess", (_NoSuccess, getattr(self._sdk, self.root_error)), {})
        key = _key(endpoint)
        self._secret = key if endpoint.key_env and is_searched_for(key) else None
        self._in_replies = self._secret is not None and is_unmistakable(key)
        self._client = self._connect(key, transport.connected(self._sdk, endpoint, on_response=self._take_failures))

    @abstractmethod
    def _connect(self, key: str, http_client: Any) -> Any:
        """Makes the SDK's client, with its retries turned off."""

    @abstractmethod
    def fields(self, request: Request) -> dict[str, Any]:
        """The fields of the body without `messages`; only what is configured is in them."""

    def messages(self, request: Request) -> bytes:
        """The body's messages, JSON objects separated by commas."""
        return turns(self.endpoint, request)

    def body(self, request: Request) -> bytes:
        """The request's body."""
        return shaped(self.endpoint, self.fields(request), self.messages(request))

    def unwrapped(self, data: dict[str, Any]) -> Any:
        """Finds the ordinary body in what the server sent; overridden where servers put it in an envelope.

        Request id, error and reply are then read from it. If it is not there, they are read from the envelope.

        Raises:
            KeyError, TypeError, IndexError, AttributeError: it is not there.
        """
        return data

    @abstractmethod
    def read(self, data: dict[str, Any]) -> Reply:
        """Finds the reply in a body.

        Raises:
            KeyError, TypeError, IndexError, AttributeError, BadBodyError: the body has no reply.
        """

    async def complete(self, request: Request) -> Completion:
        """Sends the request once; see `Provider.complete`."""
        fault: ProviderError
        departure = _Departure(LEAVES.get())
        token = LEAVES.set(departure)
        try:
            async with asyncio.timeout(self.endpoint.timeout_s):
                answer = await self._answer(self.body(request))
            outcome, slower = self._sorter(request).sort(answer)
            if isinstance(outcome, Completion):
                return self._without_key(outcome)
            fault = outcome
            if slower:
                self._slow_down(fault.retry_after_s)
        except TimeoutError:
            fault = self._too_late(departure)
        except BadBodyError as error:
            fault = self._sorter(request).broken(str(error))
        except (self._sdk.APIError, *self._transport.FAULTS) as error:
            fault = self._transport.unanswered(self.endpoint, str(self._client.base_url), error, left=departure.left)
        finally:
            LEAVES.reset(token)
        # Raised outside of `except`, so that the SDK's exception (with request, headers and key) is not attached to it.
        raise self.fault_without_key(fault)

    async def call(self, asked: Callable[[Any], Awaitable[Found]]) -> Found:
        """Asks the server for something other than a reply.

        Args:
            asked: takes the SDK's client and returns what it gives.

        Raises:
            ProviderError: the server refused or failed, or its answer has not the fields that `asked` reads.
        """
        fault: ProviderError
        departure = _Departure(LEAVES.get())
        token = LEAVES.set(departure)
        try:
            async with asyncio.timeout(self.endpoint.timeout_s):
                return await asked(self._client)
        except _NoSuccess as error:
            outcome = self.sort(error.answer)
            refused = FatalFault(f"{self.endpoint.name}: HTTP {error.answer.status}", kind="request_refused")
            fault = outcome if isinstance(outcome, ProviderError) else refused
        except TimeoutError:
            fault = self._too_late(departure)
        except (BadBodyError, ValueError, TypeError, KeyError, AttributeError):
            fault = self._sorter().broken("an answer that is not understood")
        except (self._sdk.APIError, *self._transport.FAULTS) as error:
            fault = self._transport.unanswered(self.endpoint, str(self._client.base_url), error, left=departure.left)
        finally:
            LEAVES.reset(token)
        raise self.fault_without_key(fault)

    async def download(self, path: str) -> bytes:
        """The body of an answer at this path, as it came: a key in it is hidden by `sort`. Raises as `call`."""

        async def read(client: Any) -> bytes:
            response = await client.get(
                path, cast_to=self._transport.Response, stream=True, stream_cls=self._sdk.AsyncStream
            )
            try:
                return await read_body(response, MOST_DOWNLOADED)
            finally:
                await response.aclose()

        return await self.call(read)

    def sort(self, answer: Answer) -> Completion | ProviderError:
        """What an answer is that did not come by `complete`: a reply or a fault."""
        outcome, _ = self._sorter().sort(answer)
        return self._without_key(outcome) if isinstance(outcome, Completion) else self.fault_without_key(outcome)

    def fault_without_key(self, fault: ProviderError) -> ProviderError:
        """The fault without the key: a plain word of an answer is shown, and a key may be one."""
        fault.args = (self._hidden(str(fault)),)
        fault.request_id, fault.param = self._unless_key(fault.request_id), self._hidden(fault.param)
        return fault

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()

    async def _answer(self, body: bytes) -> Answer:
        try:
            response = await self._client.post(
                self.path, cast_to=self._transport.Response, content=body, stream=True, stream_cls=self._sdk.AsyncStream
            )
        except _NoSuccess as error:
            return error.answer
        try:
            read = await read_body(response, self.endpoint.max_reply_bytes)
        finally:
            await response.aclose()
        return Answer(response.status_code, response.headers, read)

    async def _take_failures(self, response: Any) -> None:
        """The hook: reads an answer without a success status and raises it as `_NoSuccess`; other answers pass."""
        if response.is_success:
            return
        try:
            read = await read_body(response, self.endpoint.max_reply_bytes)
        except BadBodyError:
            read = b""
        error = self._no_success()
        error.answer = Answer(response.status_code, response.headers, read)
        raise error

    def _without_key(self, completion: Completion) -> Completion:
        """The completion without the key; a key that a model may say by chance stays in it (see `is_unmistakable`)."""
        if not self._in_replies:
            return completion
        text, reasoning = self._hidden(completion.text), self._hidden(completion.reasoning)
        return replace(completion, text=text, reasoning=reasoning, request_id=self._unless_key(completion.request_id))

    def _unless_key(self, request_id: str | None) -> str | None:
        """The id of a request, which bills are compared by; None if an unmistakable key is in it."""
        return request_id if not self._in_replies or self._hidden(request_id) == request_id else None

    def _hidden(self, text: TextOrNone) -> TextOrNone:
        return without(self._secret, text, shown=HIDDEN) if text and self._secret else text

    def _too_late(self, departure: _Departure) -> TransportFault:
        text = f"{self.endpoint.name}: no whole reply within {self.endpoint.timeout_s:g} s"
        return TransportFault(text, kind="timeout", retryable=True, perhaps_paid=departure.left)

    def _sorter(self, request: Request | None = None) -> Sorter:
        fields = self.fields(request) if request else ()
        return Sorter(self.endpoint.name, self.unwrapped, self.read, self.ends, frozenset(fields))


def key_problem(endpoint: Endpoint) -> str | None:
    """What is wrong with the endpoint's key, without showing it; None if the key is set or none is needed."""
    if endpoint.key_env is None:
        return None
    key = os.environ.get(endpoint.key_env, "")
    if not key:
        return f"set {endpoint.key_env}"
    if not (key.isascii() and key.isprintable() and " " not in key):
        # Refused here: as a header it would fail in the transport, with an exception that contains the key.
        return f"{endpoint.key_env} holds characters that no key has (a line break, perhaps)"
    if endpoint.base_url is None and len(key) < SHORTEST_KEY:
        return f"{endpoint.key_env} is too short to be a key of {endpoint.provider}"
    return None


def _key(endpoint: Endpoint) -> str:
    problem = key_problem(endpoint)
    if problem:
        raise FatalFault(f"{endpoint.name}: its key is not in the environment: {problem}", kind="no_key")
    return NO_KEY if endpoint.key_env is None else os.environ[endpoint.key_env]
