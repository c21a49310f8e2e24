"""Reads and decompresses the body of an HTTP response. A size limit holds before and after decompression."""

import zlib
from typing import Any

# The encodings that requests accept; others are refused.
ENCODINGS = "gzip, deflate"
_AS_IT_IS, _PACKED = {"", "identity"}, {"gzip", "x-gzip", "deflate"}
# Lets zlib tell gzip from deflate by the first bytes.
_EITHER = 47


class BadBodyError(Exception):
    """A body that is not a reply; the message says why and quotes nothing from the body."""


async def read_body(response: Any, most_bytes: int) -> bytes:
    """Reads the body and decompresses it.

    Args:
        response: a response of the SDKs' HTTP library whose body was not read yet.
        most_bytes: the limit, bytes. It holds for the decompressed body too, so a small body cannot fill the memory.

    Raises:
        BadBodyError: the body is incomplete or too large, or has an encoding that the request did not accept.
    """
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in _AS_IT_IS | _PACKED:
        raise BadBodyError("the body is packed in a way that was not asked for")
    unpacker = zlib.decompressobj(_EITHER) if encoding in _PACKED else None
    parts: list[bytes] = []
    room = most_bytes
    problem = None
    try:
        async for chunk in response.aiter_raw():
            # One byte more than the limit is decompressed, so that a body that is too large is noticed.
            part = unpacker.decompress(chunk, room + 1) if unpacker else chunk
            room -= len(part)
            if room < 0:
                problem = f"the body is larger than {most_bytes:,} bytes"
                break
            parts.append(part)
    except Exception as error:  # noqa: BLE001 -- whatever the transport calls it, the body did not come whole
        problem = f"the body broke off ({type(error).__name__})"
    if problem is None and unpacker is not None and parts and not unpacker.eof:
        problem = "the body broke off (packed data without its end)"
    if problem is not None:
        raise BadBodyError(problem)
    return b"".join(parts)
