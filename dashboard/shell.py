"""Adds the report's style to the head of Streamlit's page, so that it is there before the first element is drawn.

When the first element of a kind comes, Streamlit loads its script, and shows a box of another height until then. So the
page is hidden until those boxes are gone and its top is there; nothing on it moves afterwards. It is not hidden while
somebody types, because a hidden input loses the focus.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.datastructures import MutableHeaders

from dashboard.style import DASHBOARD, sheet

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

# The changed page must not be cached under Streamlit's ETag, and a compressed page could not be changed.
_ASKED = {b"accept-encoding", b"if-none-match", b"if-modified-since", b"range"}
HEAD = f"<style>{sheet(DASHBOARD)}</style>"


class Shell:
    """Adds the style to every page that the server sends."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Passes on everything that is not a page."""
        wanted = scope["type"] == "http" and b"text/html" in dict(scope["headers"]).get(b"accept", b"")
        if not wanted:
            await self.app(scope, receive, send)
            return
        start: Message = {}
        parts: list[bytes] = []

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                return
            parts.append(message.get("body", b""))
            if message.get("more_body"):
                return
            body = b"".join(parts).replace(b"</head>", f"{HEAD}</head>".encode(), 1)
            headers = MutableHeaders(scope=start)
            for name in ("etag", "last-modified", "accept-ranges"):
                del headers[name]
            if "content-length" in headers and scope["method"] != "HEAD":
                headers["content-length"] = str(len(body))
            await send(start)
            await send({"type": "http.response.body", "body": body})

        asked = [(name, value) for name, value in scope["headers"] if name not in _ASKED]
        await self.app({**scope, "headers": asked}, receive, dressed)
