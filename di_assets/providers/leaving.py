"""The moment a request leaves: its connection stands, and nothing of it is written yet."""

from typing import Any

import aiohttp

from di_assets.providers.types import LEAVES


def tell_when_it_leaves(http_client: Any) -> None:
    """Lets an SDK's client on aiohttp call `LEAVES` in the task that asks, just before a request's first byte."""
    # The client takes no session of ours; its transports do, those for proxies as well.
    for transport in (http_client._transport, *filter(None, http_client._mounts.values())):
        transport.client = _Session(transport)


class _Session:
    """Makes a transport's session when the loop runs, as the transport itself would, with our word in it."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport

    def __call__(self) -> Any:
        trace = aiohttp.TraceConfig()
        trace.on_request_headers_sent.append(_leaves)  # called before they are written
        limits = self._transport.limits
        connector = aiohttp.TCPConnector(
            limit=limits.max_connections or 0,
            keepalive_timeout=limits.keepalive_expiry,
            ssl=self._transport.ssl_context,
        )
        return aiohttp.ClientSession(connector=connector, trace_configs=[trace])


async def _leaves(*_: object) -> None:
    LEAVES.get()()
