"""What both SDKs share: one low-level post, its faults sorted into three classes, nothing of a key ever let out.

Reply -> Completion. Transport fault -> retried, by the SDK where it does (408, 409, 429, 5xx, connection, timeouts),
here where it does not (a body that is no JSON or no reply, though the status was 200), all under one deadline.
Everything else -> FatalFault.
"""

import asyncio
import json
import os
import re
from abc import ABC, abstractmethod
from types import ModuleType
from typing import Any

import tenacity

from di_assets.providers.types import Completion, Endpoint, FatalFault, ProviderError, Request, TransportFault

NO_KEY = "none"
RETRIED = {408, 409, 429}
# 429s that no waiting mends.
SPENT = re.compile(r"insufficient_quota|spend_limit|billing|credit")
FIRST_WAIT_S, LONGEST_WAIT_S = 0.5, 30.0


class BadBodyError(Exception):
    """Status 200, and yet no reply: HTML, broken JSON, an error object, a body cut short."""


class SdkProvider(ABC):
    """A client for one endpoint over one SDK's low-level `post` (keeps its auth, headers, retries and errors).

    Raises:
        FatalFault: the key's variable is not set.
    """

    path: str

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._sdk, self._client = self._connect(_key(endpoint))
        self._retry = tenacity.AsyncRetrying(
            retry=tenacity.retry_if_exception_type(BadBodyError),
            stop=tenacity.stop_after_attempt(1 + endpoint.max_retries),
            wait=tenacity.wait_exponential_jitter(initial=FIRST_WAIT_S, max=LONGEST_WAIT_S, jitter=FIRST_WAIT_S),
            reraise=True,
        )

    @abstractmethod
    def _connect(self, key: str) -> tuple[ModuleType, Any]:
        """The SDK's module and its client."""

    @abstractmethod
    def body(self, request: Request) -> dict[str, Any]:
        """The request's body: nothing in it that is not configured."""

    @abstractmethod
    def read(self, data: dict[str, Any]) -> Completion:
        """The reply in a body; raises KeyError, TypeError, IndexError or BadBodyError where there is none."""

    async def complete(self, request: Request) -> Completion:
        """Asks once; see `Provider`."""
        body = self.body(request)
        fault: ProviderError | None = None
        try:
            async with asyncio.timeout(self.endpoint.timeout_s):
                completion: Completion = await self._retry(self._ask, body)
                return completion
        except TimeoutError:
            fault = TransportFault(f"{self.endpoint.name}: no whole reply within {self.endpoint.timeout_s:g} s")
        except BadBodyError as error:
            fault = TransportFault(f"{self.endpoint.name}: {error}")
        except self._sdk.APIError as error:
            fault = self._classify(error)
        # Raised out here, so that nothing of the SDK's exception (request, headers, key) hangs on to it.
        raise fault

    async def close(self) -> None:
        """Closes the connections."""
        await self._client.close()

    async def _ask(self, body: dict[str, Any]) -> Completion:
        problem: str | None = None
        try:
            data = await self._client.post(self.path, cast_to=object, body=body)
            if not isinstance(data, dict):
                problem = "status 200 with a body that is no JSON object"
            elif data.get("error"):
                problem = f"status 200 with an error ({_word(data['error'])})"
            else:
                return self.read(data)
        except (KeyError, TypeError, IndexError, AttributeError):
            problem = "status 200 with a body that holds no reply"
        except json.JSONDecodeError:
            problem = "status 200 with broken JSON"
        except self._sdk.APIError:
            raise
        except (OSError, UnicodeDecodeError) as error:
            problem = f"the body broke off ({type(error).__name__})"
        except Exception as error:
            if type(error).__module__.split(".")[0] not in {
                "httpx",
                "httpx2",
                "httpcore",
                "httpcore2",
                "aiohttp",
                "h11",
            }:
                raise
            problem = f"the body broke off ({type(error).__name__})"
        raise BadBodyError(problem)

    def _classify(self, error: Any) -> ProviderError:
        status = getattr(error, "status_code", None)
        name = self.endpoint.name
        if status is None:
            return TransportFault(f"{name}: no connection ({type(error).__name__})")
        word = _word(getattr(error, "body", None))
        text = f"{name}: HTTP {status}{f' ({word})' if word else ''}"
        if (status in RETRIED or status >= 500) and not (status == 429 and SPENT.search(word)):
            return TransportFault(text)
        return FatalFault(text)


def count(usage: Any, *keys: str) -> int | None:
    """A token count at a path in a usage object; None where it is missing or no count."""
    for key in keys:
        usage = usage.get(key) if isinstance(usage, dict) else None
    return usage if isinstance(usage, int) and not isinstance(usage, bool) and usage >= 0 else None


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


def _key(endpoint: Endpoint) -> str:
    if endpoint.key_env is None:
        return NO_KEY
    key = os.environ.get(endpoint.key_env, "")
    if not key:
        raise FatalFault(f"{endpoint.name}: its key is not in the environment; set {endpoint.key_env}")
    if not (key.isascii() and key.isprintable() and " " not in key):
        # Refused here: as a header it would fail deep in a transport, in an exception that quotes it.
        raise FatalFault(
            f"{endpoint.name}: {endpoint.key_env} holds characters that no key has (a line break, perhaps)"
        )
    return key
