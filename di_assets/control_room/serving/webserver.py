"""Dagster's web server with a guard in the same process, so that none of its ports is open without the guard.

Without it, Dagster's server accepts mutations by GET, from any site and under any host name: a page elsewhere could
launch a paid run. So here

- host names and origins are checked on every request and on the websocket (`di_assets.origins`);
- the part of an address after `?` never reaches Dagster: a query is only executed from a body;
- a body is accepted only by POST to `/graphql`, only as `application/json`, and only as an object with a query;
- a message of the websocket is checked in the same way, and one that is wrong closes it;
- of Dagster's routes only those in `ROUTES` are served; a new route is not served until somebody has examined it;
- no page can be framed; Dagster's own content security policy is kept in addition to ours.
"""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import dagster as dg
import uvicorn
from dagster._core.workspace.context import IWorkspaceProcessContext, WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster_webserver.app import create_app_from_workspace_process_context
from dagster_webserver.version import __version__
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute

from di_assets.control_room.serving.asked import message_problem, query_problem
from di_assets.origins import KEPT_APART, POLICY_HEADER, READING, App, Message, Receive, Send, guards

log = logging.getLogger(__name__)

GRAPHQL = "/graphql"
# Left out: /report_asset_* writes events that no run made; /notebook renders files that do not exist here.
ROUTES = frozenset(
    {
        "/graphql",
        "/server_info",
        "/dagit_info",
        "/logs/{path:path}",
        "/download_debug/{run_id:str}",
        "/{path:path}",
        "/",
    }
)
# Dagster's names for the routes of its pages' own files; each is a file or a folder of files.
FILES = ("root_static", "_static")
# Routes whose answer is saved as a file: no page of another site may trigger a download, not even by a link.
EXPORTS = ("/logs/", "/download_debug/")
HEADERS: Mapping[str, str] = {**KEPT_APART, POLICY_HEADER: "frame-ancestors 'none'"}
# The values of `dagster-webserver`: seconds between polls, for a statement, for a connection; most connections.
POLL_MS, STATEMENT_MS, RECYCLE_S, OVERFLOW = 2000, 15_000, 3600, 20
GOODBYE_S = 5
# The code with which the websocket is closed after a message that is not accepted (RFC 6455).
NOT_ACCEPTED = 1008


def host(listening: socket.socket, workspace: str, *, read_only: bool = False) -> None:
    """Serves the asset graphs in a workspace file, with the history in DAGSTER_HOME, until told to end.

    Args:
        listening: the listening socket.
        workspace: path of the workspace file.
        read_only: nothing can be launched, ended, turned on or off.
    """
    with (
        dg.DagsterInstance.get() as instance,
        suppress(KeyboardInterrupt),
    ):
        instance.optimize_for_webserver(STATEMENT_MS, RECYCLE_S, OVERFLOW)
        target = WorkspaceFileTarget([workspace])
        with WorkspaceProcessContext(
            instance, version=__version__, read_only=read_only, workspace_load_target=target
        ) as context:
            config = uvicorn.Config(
                guarded(context), log_level="warning", server_header=False, timeout_graceful_shutdown=GOODBYE_S
            )
            uvicorn.Server(config).run(sockets=[listening])


def guarded(context: IWorkspaceProcessContext[Any]) -> Starlette:
    """Dagster's own web app, reduced to the routes that we serve, with our guards as middleware in front of it."""
    app = create_app_from_workspace_process_context(context, live_data_poll_rate=POLL_MS, lifespan=_lifespan)
    app.router.routes[:] = [route for route in app.routes if is_served(route)]
    for guard in reversed([*guards(HEADERS), Middleware(BodiesAlone)]):
        app.add_middleware(guard.cls, *guard.args, **guard.kwargs)
    return app


def is_served(route: BaseRoute) -> bool:
    """Whether a route of Dagster is kept."""
    if isinstance(route, Mount | Route) and (route.name or "").endswith(FILES):
        return True
    return isinstance(route, Route | WebSocketRoute) and route.path in ROUTES


class BodiesAlone:
    """Executes only what a JSON body asks for: 400, 405 and 415 for other ways. Queries in addresses are removed."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Passes on requests for pages and files, JSON for `/graphql`, and the websocket."""
        app = self.app
        if scope["type"] == "http":
            headers, refused = Headers(scope=scope), None
            if scope["method"] == "POST" and scope["path"] == GRAPHQL:
                if media_type(headers) != "application/json":
                    refused = PlainTextResponse("a query comes as application/json\n", status_code=415)
                else:
                    try:
                        body = await Request(scope, receive).body()
                    except ClientDisconnect:
                        return
                    problem, receive = query_problem(body), _again(body, receive)
                    refused = PlainTextResponse(f"{problem}\n", status_code=400) if problem else None
            elif scope["method"] not in READING:
                allow = {"Allow": "GET, HEAD, POST" if scope["path"] == GRAPHQL else "GET, HEAD"}
                refused = PlainTextResponse("queries come by POST to /graphql alone\n", status_code=405, headers=allow)
            elif scope["path"] == GRAPHQL and "text/html" not in headers.get("accept", ""):
                refused = PlainTextResponse("a query comes by POST\n", status_code=405, headers={"Allow": "POST"})
            elif scope["path"].startswith(EXPORTS):
                app = _Exports(self.app)
                if _from_elsewhere(headers):
                    refused = PlainTextResponse("only the pages here save this\n", status_code=403)
            if refused is not None:
                await refused(scope, receive, send)
                return
        if scope["type"] == "websocket":
            receive = _checked(receive, send)
        if scope["type"] in {"http", "websocket"}:
            scope = {**scope, "query_string": b""}
        await app(scope, receive, send)


class _Exports:
    """Answers 404 where Dagster's code for a file to save raises an error: no such run, an address that is no file."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        began = False

        async def noted(message: Message) -> None:
            nonlocal began
            began = True
            await send(message)

        try:
            await self.app(scope, receive, noted)
        except Exception as error:
            if began:
                raise
            log.warning("%r could not be saved (%s)", scope["path"][:200], type(error).__name__)
            await PlainTextResponse("there is no such file to save\n", status_code=404)(scope, receive, send)


def _again(body: bytes, receive: Receive) -> Receive:
    """Gives a body that was read already once more, and then what else is received."""
    left: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def give() -> Message:
        return left.pop() if left else await receive()

    return give


def _checked(receive: Receive, send: Send) -> Receive:
    """Gives the messages of the websocket; one that is wrong closes it, and a line in the log says why."""

    async def give() -> Message:
        message = await receive()
        problem = message_problem(message.get("text")) if message["type"] == "websocket.receive" else None
        if problem is None:
            return message
        log.warning("the websocket was closed: %s", problem)
        await send({"type": "websocket.close", "code": NOT_ACCEPTED, "reason": problem})
        return {"type": "websocket.disconnect", "code": NOT_ACCEPTED, "reason": problem}

    return give


def media_type(headers: Headers) -> str:
    """The media type of a body without parameters; empty if none is given."""
    # Only what HTTP counts as white space is cut off: `strip()` would also cut a no-break space.
    return headers.get("content-type", "").partition(";")[0].strip(" \t").lower()


def _from_elsewhere(headers: Headers) -> bool:
    return headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}


@asynccontextmanager
async def _lifespan(_app: Starlette) -> AsyncIterator[None]:
    with suppress(asyncio.CancelledError):  # this is how uvicorn ends when it is interrupted
        yield
