"""A small byte-level server on loopback that speaks both dialects, its answers scripted request by request."""

import asyncio
import json
from contextlib import asynccontextmanager

from di_assets.providers import DIALECTS


def family(dialect):
    """`openai` or `anthropic`: whose SDK the dialect is spoken over."""
    return DIALECTS[dialect].client.sdk


def good(dialect, text="hello", **extra):
    """The ordinary body of a reply of this dialect, without the envelope that its servers may put around it."""
    if family(dialect) == "openai":
        body = {"id": "r1", "choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}]}
        body["usage"] = {"prompt_tokens": 12, "completion_tokens": 3, "prompt_tokens_details": {"cached_tokens": 8}}
    else:
        body = {"id": "r1", "type": "message", "content": [{"type": "text", "text": text}], "stop_reason": "end_turn"}
        body["usage"] = {
            "input_tokens": 4,
            "cache_read_input_tokens": 8,
            "cache_creation_input_tokens": 0,
            "output_tokens": 3,
        }
    return json.dumps(body | extra)


def answer(status=200, body="", headers=(), content_type="application/json"):
    """A whole HTTP response as bytes."""
    data = body.encode()
    lines = [f"HTTP/1.1 {status} X", f"content-type: {content_type}", f"content-length: {len(data)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + data


RESET, SILENCE, CLOSE, DRIP = b"RESET", b"SILENCE", b"CLOSE", b"DRIP"


@asynccontextmanager
async def serving(*script):
    """Yields (base URL, requests received); answers in order, the last one again and again.

    An answer may be a function: it takes the body of the request and gives the bytes of the answer.
    """
    received, left = [], list(script)

    async def handle(reader, writer):
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                length = next(
                    (
                        int(line.split(":")[1])
                        for line in head.splitlines()
                        if line.lower().startswith("content-length")
                    ),
                    0,
                )
                body = await reader.readexactly(length)
                received.append({"head": head, "path": head.split()[1], "body": json.loads(body or b"{}")})
                reply = left.pop(0) if len(left) > 1 else left[0]
                if callable(reply):
                    reply = reply(received[-1]["body"])
                if reply == RESET:
                    writer.transport.abort()
                    return
                if reply == SILENCE:
                    await asyncio.sleep(30)
                for byte in answer(body=good("openai")) if reply == DRIP else ():
                    writer.write(bytes([byte]))
                    await asyncio.sleep(0.1)
                writer.write(reply)
                await writer.drain()
                if left[0] == CLOSE:
                    left.pop(0)
                    return
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", received
    finally:
        server.close()
