"""What a server says of a failure, sorted without ever being quoted: servers echo keys and prompts in their messages.

Servers agree on little. So an error's codes (short words under keys such as `code` and `type`) and its prose are
gathered from wherever they stand, and looked through for what they have in common.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_CODES = {"code", "type", "status", "reason", "error", "error_code", "error_type", "blockreason", "block_reason"}
# They hold what was sent or what a model wrote, which must not be taken for the server's words.
_ECHOES = {"input", "ctx", "flagged_input", "failed_generation", "param", "loc", "messages"}
_FILTERED = {"filtered", "flagged", "detected", "blocked"}
_MOST_NODES, _MOST_DEPTH, _MOST_CHARS = 500, 12, 20_000
WORD = re.compile(r"[A-Za-z][A-Za-z_.-]{0,59}")
_FIELD = re.compile(r"[a-z][a-z_]{0,39}(?:(?:\.|\[)[a-z0-9_]{1,40}\]?){0,3}")
_QUOTED = re.compile(
    r"[`'\"]([A-Za-z_][\w.]{0,79})[`'\"]|^\s*([A-Za-z_][\w.]{0,79}):"
    r"|(?:argument|parameter|field)s?(?: supplied)?: ([A-Za-z_][\w.]{0,79})",
    re.MULTILINE | re.IGNORECASE,
)

# Nobody writes an underscore into a plain word.
_SNAKE = re.compile(r"\b([a-z]{2,40}_[a-z_]{2,40})\b")


@dataclass(frozen=True, slots=True)
class Said:
    """An error as a server told it.

    Attributes:
        word: its code or type as one word, fit to be shown; empty where there is none.
        codes: all its codes, in lower case, separated by spaces; for looking through only.
        prose: everything else it says, in lower case; for looking through only.
        number: an HTTP status that stands in the body.
        param: the field of the request that it names, fit to be shown.
        retry_after_s: seconds to wait that stand in the body, or 0.
        wrote: what the model had written, where the server held it against a schema and refused it.
    """

    word: str = ""
    codes: str = ""
    prose: str = ""
    number: int | None = None
    param: str | None = None
    retry_after_s: float = 0.0
    wrote: str | None = None

    @property
    def all(self) -> str:
        """Codes and prose together."""
        return f"{self.codes}\n{self.prose}"


def said_in(data: Any, *, fields: frozenset[str] = frozenset()) -> Said:
    """Reads an error's body.

    Args:
        data: the body as JSON, or as text where it is none; a page of HTML says nothing.
        fields: names that stand in the request, which may be shown where the prose quotes one of them.
    """
    if isinstance(data, str) and data.lstrip().startswith("<"):
        return Said()
    leaves = list(_leaves(data))
    codes = [text for key, text in leaves if key in _CODES and isinstance(text, str) and len(text) <= 80]
    prose = [text for key, text in leaves if key not in _ECHOES and isinstance(text, str)]
    codes += [key for key, value in leaves if key in _FILTERED and value is True]
    raw = "\n".join(prose)[:_MOST_CHARS]
    return Said(
        word=_word(data),
        codes=" ".join(codes).lower(),
        prose=raw.lower(),
        number=next((n for key, value in leaves if key in _CODES and (n := _status(value)) is not None), None),
        param=_param(leaves) or _quoted_field(raw, fields),
        retry_after_s=next((s for key, value in leaves if key == "retrydelay" and (s := _seconds(value))), 0.0),
        wrote=next((v for key, v in leaves if key == "failed_generation" and isinstance(v, str)), None),
    )


def _leaves(data: Any, key: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """(key in lower case, value) of every value that is no object and no list; what is larger than an error is cut."""
    left = [_MOST_NODES]

    def walk(value: Any, key: str, depth: int) -> Iterator[tuple[str, Any]]:
        left[0] -= 1
        if left[0] < 0 or depth > _MOST_DEPTH:
            return
        if isinstance(value, dict):
            for name, inner in value.items():
                yield from walk(inner, str(name).lower(), depth + 1)
        elif isinstance(value, list):
            for inner in value:
                yield from walk(inner, key, depth + 1)
        elif key == "raw" and isinstance(value, str) and value.lstrip()[:1] in {"{", "["}:
            # A broker's copy of the error of the server behind it.
            yield from walk(_parsed(value), "message", depth + 1)
        else:
            yield key, value

    return walk(data, key, depth)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _word(data: Any) -> str:
    """The code or type that stands highest, if it is a plain word. Never a message."""
    while isinstance(data, list) and data:
        data = data[0]
    if isinstance(data, dict):
        inner = data.get("error", data)
        for source in (inner, data):
            for key in ("code", "type", "status"):
                value = source.get(key) if isinstance(source, dict) else None
                if isinstance(value, str) and WORD.fullmatch(value):
                    return value
    return ""


def _status(value: Any) -> int | None:
    if isinstance(value, str) and re.fullmatch(r"[1-5]\d\d", value):
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 400 <= value <= 599 else None


def _param(leaves: list[tuple[str, Any]]) -> str | None:
    """The field that a server names as one; of a path into the body the whole path."""
    named = next((v for k, v in leaves if k == "param" and isinstance(v, str)), None)
    if named is None:
        path = [str(v) for k, v in leaves if k == "loc" and v != "body"]
        named = ".".join(path[:3])
    return named if _FIELD.fullmatch(named) else None


def _quoted_field(prose: str, fields: frozenset[str]) -> str | None:
    for match in [*_QUOTED.finditer(prose), *_SNAKE.finditer(prose)]:
        name: str = next(filter(None, match.groups())).partition(".")[0]
        if name in fields:
            return name
    return None


def _seconds(value: Any) -> float:
    """Of `34s` or `1.5s`, as Google writes a duration."""
    match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,9})?)s", value) if isinstance(value, str) else None
    return float(match[1]) if match else 0.0
