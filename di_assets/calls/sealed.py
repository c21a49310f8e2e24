"""Lines of JSON that end with their own checksum, so that a changed byte is noticed.

A sealed line is a JSON object whose last key is `crc`. Its value is the CRC-32 of all bytes before the comma, as eight
hexadecimal digits:

    {"seat":3,"text":"hello","crc":"5d0d1d93"}

A line of a journal is sealed for its episode: the CRC-32 is over the episode's id and then those bytes. So a line that
got into the journal of another episode is noticed.
"""

import json
from collections.abc import Mapping
from zlib import crc32

_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode
_MARK = b',"crc":"'
_LENGTH = len(_MARK) + 8 + len(b'"}')


def sealed(record: Mapping[str, object], *, of: str = "") -> bytes:
    """A record (not empty) as a line that is sealed for the episode `of`, with its line break."""
    body = _encode(record).encode()[:-1]
    return b'%b,"crc":"%08x"}\n' % (body, crc32(body, crc32(of.encode())))


def unsealed(line: bytes, *, of: str = "") -> bytes | None:
    """The JSON object in a line, without its checksum; None if the checksum is wrong (see `is_sealed`).

    A line without a checksum (older versions wrote none) is returned as it is.
    """
    line = line.removesuffix(b"\r")
    if line[-_LENGTH:].startswith(_MARK):
        return line[:-_LENGTH] + b"}" if is_sealed(line, of=of) else None
    return line


def is_sealed(line: bytes, *, of: str = "") -> bool:
    """Whether a line (without its line break) ends with its right checksum, for the episode `of` or for none.

    A carriage return at its end does not count: it is part of a line break that another program converted.
    """
    line = line.removesuffix(b"\r")
    body = line[:-_LENGTH]
    return any(line[-_LENGTH:] == b'%b%08x"}' % (_MARK, crc32(body, crc32(one.encode()))) for one in (of, ""))
