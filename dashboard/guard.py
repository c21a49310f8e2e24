"""What the dashboard's server lets in and what its pages may do, whatever a model wrote and whoever asks.

A page loads nothing but what this server serves, so that even a message that came through as HTML could tell nobody
anything. A name of this machine that is not expected is refused, so that no site can reach the dashboard under a name
of its own (DNS rebinding); there is nothing to send here but questions, so that any other method is refused too.
"""

import os
import re
from base64 import b64encode
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any

from starlette.datastructures import MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse
from streamlit.file_util import get_static_dir

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
READING = frozenset({"GET", "HEAD"})

_INLINE = re.compile(rb"<script>(.*?)</script>", re.DOTALL)


def _hashes(page: bytes) -> list[str]:
    """Names of the scripts that stand in a page itself, for a policy that lets these run and no other."""
    return [f"'sha256-{b64encode(sha256(script).digest()).decode()}'" for script in _INLINE.findall(page)]


# Streamlit's page holds a script, styles its elements from scripts, and runs a component's from a blob of its making.
POLICY = "; ".join(
    [
        "default-src 'none'",
        " ".join(["script-src 'self' blob:", *_hashes(Path(get_static_dir(), "index.html").read_bytes())]),
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "manifest-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-src 'none'",
        "frame-ancestors 'none'",
        "object-src 'none'",
    ]
)
HEADERS: Mapping[str, str] = MappingProxyType(
    {
        "Content-Security-Policy": POLICY,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    }
)


def allowed_hosts(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Names under which the dashboard answers: those of loopback, and those in DI_ALLOWED_HOSTS (commas between)."""
    more = (name.strip().lower() for name in environment.get("DI_ALLOWED_HOSTS", "").split(","))
    return [*LOOPBACK, *filter(None, more)]


def guards() -> list[Middleware]:
    """What every request goes through, first to last."""
    hosts = allowed_hosts()
    return [
        Middleware(SafeHeaders),
        Middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False),
        Middleware(ReadingOnly),
    ]


class SafeHeaders:
    """Every answer says what its page may do."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Adds the headers to whatever is answered."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        await self.app(scope, receive, with_headers)


class ReadingOnly:
    """Nothing can be sent to the server but questions: 405 for any other method."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Refuses what is not a question."""
        if scope["type"] == "http" and scope["method"] not in READING:
            refused = PlainTextResponse("the dashboard only reads", status_code=405, headers={"Allow": "GET, HEAD"})
            await refused(scope, receive, send)
            return
        await self.app(scope, receive, send)
