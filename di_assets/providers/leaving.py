"""Calls `LEAVES` at the moment before a request is sent: its connection is open, and nothing was written yet."""

from typing import Any

import aiohttp

from di_assets.providers.types import LEAVES


def tell_when_it_leaves(http_client: Any) -> None:
    """Makes an SDK's client on aiohttp call `LEAVES`, in the task of the call, just before a request's first byte."""
    # The client does not accept a session of ours, but its transports do (those for proxies too).
    for transport in (http_client._transport, *filter(None, http_client._mounts.values())):
        transport.client = _Session(transport)


class _Session:
    """Makes the session of a transport when the event loop runs, like the transport itself, with our trace in it."""

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
