"""What the dashboard's server accepts and what its pages may do, whatever a model wrote and whoever asks.

A page loads only what this server serves. So even a message that is shown as HTML by mistake could not send anything
out. Clients can only read, so every other method is refused. Host names and origins are checked as on every server of
this project (`di_assets.origins`).
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType

from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from streamlit.file_util import get_static_dir

from di_assets import origins
from di_assets.origins import KEPT_APART, POLICY_HEADER, READING, App, Message, Receive, Send

_INLINE = re.compile(rb"<script>(.*?)</script>", re.DOTALL)


def _hashes(page: bytes) -> list[str]:
    """Hashes of the scripts inside a page, for a policy that allows only these scripts."""
    return [f"'sha256-{b64encode(sha256(script).digest()).decode()}'" for script in _INLINE.findall(page)]


# Streamlit's page has an inline script, styles elements from scripts, and runs component scripts from blobs it makes.
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
        **KEPT_APART,
        POLICY_HEADER: POLICY,
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    }
)


def guards() -> list[Middleware]:
    """The middleware for every request, outermost first."""
    return [*origins.guards(HEADERS), Middleware(ReadingOnly)]


class ReadingOnly:
    """Accepts only requests that read; answers 405 for any other method."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Refuses every request that does not read."""
        if scope["type"] == "http" and scope["method"] not in READING:
            refused = PlainTextResponse("the dashboard only reads", status_code=405, headers={"Allow": "GET, HEAD"})
            await refused(scope, receive, send)
            return
        await self.app(scope, receive, send)
