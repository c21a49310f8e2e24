"""The HTTP clients underneath the SDKs. Loaded together with an SDK, since it takes as long."""

from types import ModuleType
from typing import Any

import aiohttp
import httpx2

from di_assets.providers.body import ENCODINGS
from di_assets.providers.leaving import tell_when_it_leaves
from di_assets.providers.types import Endpoint
from di_assets.providers.unanswered import unanswered

__all__ = ["FAULTS", "Response", "connected", "unanswered"]

# A connection that is not there by then will not be; and the rest of a call's time is kept for the reply.
CONNECT_S, CONNECT_SHARE = 30.0, 0.5
# What the transport raises and the SDKs let through as it is: an answer that is no HTTP, say.
FAULTS: tuple[type[Exception], ...] = (aiohttp.ClientError, httpx2.HTTPError)
Response = httpx2.Response


def connected(sdk: ModuleType, endpoint: Endpoint, *, on_response: Any) -> Any:
    """The SDK's own client on aiohttp; as many idle connections kept as calls may be in flight.

    Args:
        sdk: `openai` or `anthropic`.
        endpoint: that is called.
        on_response: a coroutine function that takes each response before the SDK does.
    """
    reach_s = min(CONNECT_S, CONNECT_SHARE * endpoint.timeout_s)
    http_client = sdk.DefaultAioHttpClient(
        # The deadline of a call holds for its body; these two tell what was never sent from what was.
        timeout=httpx2.Timeout(None, connect=reach_s, pool=reach_s),
        limits=httpx2.Limits(max_connections=endpoint.connections, max_keepalive_connections=endpoint.connections),
        headers={"accept-encoding": ENCODINGS},
        event_hooks={"response": [on_response]},
        follow_redirects=False,  # another host would be sent the key
    )
    tell_when_it_leaves(http_client)
    return http_client
