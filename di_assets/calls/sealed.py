"""Lines of JSON that end with their own checksum, so that a changed byte is noticed.

A sealed line is a JSON object whose last key is `crc`. Its value is the CRC-32 of all bytes before the comma, as eight
hexadecimal digits:

    {"seat":3,"text":"hello","crc":"5d0d1d93"}
"""

import json
from collections.abc import Mapping
from zlib import crc32

_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode
_MARK = b',"crc":"'
_LENGTH = len(_MARK) + 8 + len(b'"}')


def sealed(record: Mapping[str, object]) -> bytes:
    """A record (not empty) as a sealed line, with its line break."""
    body = _encode(record).encode()[:-1]
    return b'%b,"crc":"%08x"}\n' % (body, crc32(body))


def unsealed(line: bytes) -> bytes | None:
    """The JSON object in a line, without its checksum; None if the checksum is wrong.

    A line without a checksum (older versions wrote none) is returned as it is.
    """
    if line[-_LENGTH:].startswith(_MARK):
        return line[:-_LENGTH] + b"}" if is_sealed(line) else None
    return line


def is_sealed(line: bytes) -> bool:
    """Whether a line (without its line break) ends with its right checksum."""
    body = line[:-_LENGTH]
    return line[-_LENGTH:] == b'%b%08x"}' % (_MARK, crc32(body))
