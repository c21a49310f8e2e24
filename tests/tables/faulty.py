"""A proxy before object storage that fails some requests, each in one of the ways in which a line or a server can."""

import asyncio
import threading
from contextlib import contextmanager, suppress
from functools import partial

import aiohttp
from aiohttp import web
from yarl import URL

PUTS = ("PutObject", "CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload")
STATUSES = ("400", "403", "411", "429", "500", "503", "507")
FAULTS = (*STATUSES, "cut", "cut_body", "cut_after", "error_200", "lost", "half")
ERROR = '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{}</Code><Message>you are {}</Message></Error>'
CODES = {"403": "AccessDenied", "500": "InternalError", "503": "SlowDown"}


def kind(method, url):
    """What a request is, in S3's words."""
    names = set(url.query)
    if "partNumber" in names:
        return "UploadPart"
    if "uploads" in names:
        return "CreateMultipartUpload"
    if "uploadId" in names:
        return "AbortMultipartUpload" if method == "DELETE" else "CompleteMultipartUpload"
    if "list-type" in names:
        return "ListObjectsV2"
    return {"PUT": "PutObject", "GET": "GetObject", "HEAD": "HeadObject"}.get(method, method)


class Proxy:
    """Passes requests on to `upstream`, but for those that `plan` gives a fault for.

    Attributes:
        plan: called with (kind, path) of each request; gives a fault or None.
        seen: (kind, path, fault) of each request so far.
    """

    def __init__(self, upstream):
        self.upstream, self.seen = upstream, []
        self.calm()

    def calm(self):
        self.plan = lambda *_: None

    def fail(self, fault, *, kinds=PUTS, at=0, times=10**9, path=""):
        """From now on `times` requests of these kinds whose path holds `path` fail, after `at` that do not."""
        met = iter(range(10**9))
        within = range(at, at + times)
        self.plan = lambda one, where: fault if one in kinds and path in where and next(met) in within else None

    async def handle(self, request):
        what = kind(request.method, request.rel_url)
        fault = self.plan(what, request.path)
        self.seen.append((what, request.path, fault))
        if fault == "cut_body":
            await request.content.readexactly((request.content_length or 0) // 2)
        else:
            body = await request.read()
        if fault in {"cut", "cut_body"}:
            return self.cut(request)
        if fault in {"slow", "hang"}:
            await asyncio.sleep(0.3 if fault == "slow" else 20)
        refused = self.refusal(what, fault, request.headers.get("authorization", ""))
        if refused is not None:
            return refused
        answer, data = await self.pass_on(request, body[: len(body) // 2] if fault == "half" else body)
        headers = {k: v for k, v in answer.headers.items() if k.lower() not in {"connection", "transfer-encoding"}}
        if fault == "cut_answer":
            broken = web.StreamResponse(status=answer.status, headers=headers)
            await broken.prepare(request)
            await broken.write(data[: len(data) // 2])
        if fault in {"cut_after", "cut_answer"}:
            return self.cut(request)
        if fault == "whole":  # where a part was asked for
            headers.pop("Content-Range", None)
        return web.Response(status=200 if fault == "whole" else answer.status, body=data, headers=headers)

    @staticmethod
    def refusal(what, fault, secret):
        """An answer that the storage never gave; servers repeat what they were sent."""
        if fault in STATUSES:
            return web.Response(status=int(fault), text=ERROR.format(CODES.get(fault, "Refused"), secret))
        if fault == "error_200":
            return web.Response(text=ERROR.format("InternalError", secret))
        if fault == "lost":
            done = "<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>"
            return web.Response(text=done if what == "CompleteMultipartUpload" else "", headers={"ETag": '"x"'})
        return None

    async def pass_on(self, request, body):
        headers = {k: v for k, v in request.headers.items() if k.lower() not in {"content-length", "connection"}}
        async with self.session.request(
            request.method, URL(self.upstream + request.raw_path, encoded=True), data=body, headers=headers
        ) as answer:
            return answer, await answer.read()

    def cut(self, request):
        request.transport.abort()
        raise web.HTTPServiceUnavailable  # which nobody gets

    async def serve(self, ready, ended):
        timeout = aiohttp.ClientTimeout(total=60)
        async with aiohttp.ClientSession(timeout=timeout, auto_decompress=False) as self.session:
            app = web.Application(client_max_size=2**30)
            app.router.add_route("*", "/{path:.*}", self.handle)
            runner = web.AppRunner(app, access_log=None)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0, shutdown_timeout=1)
            await site.start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            self.end = partial(asyncio.get_running_loop().call_soon_threadsafe, ended.set)
            ready.set()
            await ended.wait()
            await runner.cleanup()


@contextmanager
def faulty(upstream):
    """Yields a proxy before the storage at this address, in a thread of its own."""
    proxy, ready = Proxy(upstream), threading.Event()

    async def serve():
        await proxy.serve(ready, asyncio.Event())

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(20)
    try:
        yield proxy
    finally:
        with suppress(RuntimeError):
            proxy.end()
        thread.join(20)
