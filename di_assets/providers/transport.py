"""The HTTP client below the SDKs. It is imported together with an SDK, because its import takes as long."""

from types import ModuleType
from typing import Any

import aiohttp
import httpx2

from di_assets.providers.body import ENCODINGS
from di_assets.providers.leaving import tell_when_it_leaves
from di_assets.providers.types import Endpoint
from di_assets.providers.unanswered import unanswered

__all__ = ["FAULTS", "Response", "connected", "unanswered"]

# The longest time to connect: so many seconds, and at most so large a share of a call's time.
CONNECT_S, CONNECT_SHARE = 30.0, 0.5
# Errors of the transport that the SDKs do not wrap (an answer that is no HTTP, for example).
FAULTS: tuple[type[Exception], ...] = (aiohttp.ClientError, httpx2.HTTPError)
Response = httpx2.Response


def connected(sdk: ModuleType, endpoint: Endpoint, *, on_response: Any) -> Any:
    """Makes the SDK's own HTTP client on aiohttp. It keeps up to `endpoint.connections` connections open.

    Args:
        sdk: the module `openai` or `anthropic`.
        endpoint: the endpoint to call.
        on_response: a coroutine function that gets each response before the SDK.
    """
    reach_s = min(CONNECT_S, CONNECT_SHARE * endpoint.timeout_s)
    http_client = sdk.DefaultAioHttpClient(
        # The caller limits the time of a whole call. These two limits show that a request was never sent.
        timeout=httpx2.Timeout(None, connect=reach_s, pool=reach_s),
        limits=httpx2.Limits(max_connections=endpoint.connections, max_keepalive_connections=endpoint.connections),
        headers={"accept-encoding": ENCODINGS},
        event_hooks={"response": [on_response]},
        follow_redirects=False,  # another host would be sent the key
    )
    tell_when_it_leaves(http_client)
    return http_client
