"""The body of an HTTP response, read within a limit: as it comes over the line, and unpacked."""

import zlib
from typing import Any

# What is asked for, and so all that has to be unpacked.
ENCODINGS = "gzip, deflate"
_AS_IT_IS, _PACKED = {"", "identity"}, {"gzip", "x-gzip", "deflate"}
# Lets zlib tell gzip from deflate by the first bytes.
_EITHER = 47


class BadBodyError(Exception):
    """A body that is no reply; the message says why, and quotes nothing of it."""


async def read_body(response: Any, most_bytes: int) -> bytes:
    """The unpacked body.

    Args:
        response: of the SDKs' HTTP library, with its body still to be read.
        most_bytes: more are not read, and more are not unpacked, whatever a small body would unpack to.

    Raises:
        BadBodyError: it broke off, is too large, or is packed in a way that was not asked for.
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
            # One byte more than fits is unpacked, so that one too many is seen.
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
