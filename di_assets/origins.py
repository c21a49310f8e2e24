"""Who may speak to a server of this project: its own pages, and programs that are no browser.

A browser sends whatever any page asks it to, to servers of this machine as well. It tells three things that a page
can't change: the name the server was called by (`Host`), the page's own address (`Origin`), and how far apart the two
are (`Sec-Fetch-Site`). A name that is not expected is refused, so that no site reaches a server under a name of its own
(DNS rebinding). What another site's page sends is refused too; it may only open a page here, as a link does.
"""

import os
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

VARIABLE = "DI_ALLOWED_HOSTS"
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
READING = frozenset({"GET", "HEAD"})
# What the rules go by; two values of one of these would leave it open which of them was looked at.
ONCE = ("host", "origin", "sec-fetch-site", "sec-fetch-mode", "sec-fetch-dest", "content-type")
# Whatever a page is: nobody frames it, reads it across sites, or guesses its type.
KEPT_APART: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
POLICY_HEADER = "Content-Security-Policy"

_NAME = re.compile(r"(\*\.)?[a-z0-9_-]+(\.[a-z0-9_-]+)*|\[[0-9a-f:.]+\]")
_USUAL_PORT = re.compile(r":(80|443)$")


class HostsError(ValueError):
    """DI_ALLOWED_HOSTS holds what is no name; one line says which."""

    exit_code = 2


def allowed_hosts(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Names under which a server answers: those of loopback, and those in DI_ALLOWED_HOSTS (commas between).

    Raises:
        HostsError: one of them is no name of a host; `*` alone would let every site in.
    """
    more = [name for name in (one.strip().lower() for one in environment.get(VARIABLE, "").split(",")) if name]
    for name in more:
        if not _NAME.fullmatch(name):
            raise HostsError(
                f"{VARIABLE}: {name!r} is no name of a host; right is influence.example or *.influence.example, "
                "without scheme and port"
            )
    return [*LOOPBACK, *more]


def guards(headers: Mapping[str, str]) -> list[Middleware]:
    """What every request goes through, first to last; `headers` are added to each answer."""
    return [
        Middleware(AddedHeaders, headers=headers),
        Middleware(TrustedHostMiddleware, allowed_hosts=allowed_hosts(), www_redirect=False),
        Middleware(OwnPages),
    ]


class AddedHeaders:
    """Every answer says what a page may do. A content security policy stands beside the server's own: both hold."""

    def __init__(self, app: App, headers: Mapping[str, str]) -> None:
        self.app, self.headers = app, headers

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Adds the headers to whatever is answered."""

        async def with_headers(message: Message) -> None:
            if message["type"] in {"http.response.start", "websocket.http.response.start"}:
                answer = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    if name == POLICY_HEADER:
                        answer.append(name, value)
                    else:
                        answer[name] = value
            await send(message)

        await self.app(scope, receive, with_headers)


class OwnPages:
    """Refuses (403) what a page of another site sends, over HTTP and over websockets."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Passes on what comes from a page of this server or from no browser."""
        if scope["type"] in {"http", "websocket"}:
            why = refusal(scope.get("method", "websocket"), Headers(scope=scope))
            if why:
                if scope["type"] == "websocket":
                    await send({"type": "websocket.close", "code": 1008})  # 403, too
                else:
                    await PlainTextResponse(f"{why}\n", status_code=403)(scope, receive, send)
                return
        await self.app(scope, receive, send)


def refusal(method: str, headers: Headers) -> str | None:
    """Why this is no request of the server's own pages, nor of a program that is no browser; None where it is one.

    Args:
        method: of HTTP, or `websocket`.
        headers: of the request; its host was looked at before.
    """
    if twice := next((name for name in ONCE if len(headers.getlist(name)) > 1), None):
        return f"{twice} was sent twice"
    origin = headers.get("origin")
    if origin is not None and _authority_of(origin) != _authority(headers.get("host", "")):
        return f"a page of another origin may send nothing here; a proxy has to pass on `Host` as it came ({VARIABLE})"
    site = headers.get("sec-fetch-site", "same-origin")
    if site == "same-origin" or (method in READING and site == "none"):
        return None
    if method in READING and _opens_a_page(headers):
        return None
    return "a page of another site may open a page here, and nothing else"


def _opens_a_page(headers: Headers) -> bool:
    """Whether a browser asks for this to show it as a page of its own, in no frame."""
    return headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"


def _authority_of(origin: str) -> str | None:
    """Host and port of an origin; None if it is no origin of a web page."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return None
    return _authority(parts.netloc) if parts.scheme in {"http", "https"} else None


def _authority(text: str) -> str:
    return _USUAL_PORT.sub("", text.lower())
