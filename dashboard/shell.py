"""The page that Streamlit serves, with the report's look in its head: there before the first element is drawn.

Streamlit fetches what draws an element when the first one comes, and holds its place with a box of another height
meanwhile: the page is shown once those boxes are gone and its top is there, so that nothing on it moves. Not while
somebody types: what is hidden loses its focus.
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.datastructures import MutableHeaders

from dashboard.style import DASHBOARD, sheet

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

# A page that was changed here is not the one whose tag the browser knows, nor can it be found in a packed one.
_ASKED = {b"accept-encoding", b"if-none-match", b"if-modified-since", b"range"}
HEAD = f"<style>{sheet(DASHBOARD)}</style>"


class Shell:
    """Puts the look into every page that is answered."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Passes on whatever is no page."""
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
