"""Reads the error in a server's answer. Its text is never shown, because servers repeat keys and prompts in messages.

Servers have no common format. So the codes of an error (short words under keys such as `code` and `type`) and its other
texts are collected from the whole body and then searched for known words.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_CODES = {"code", "type", "status", "reason", "error", "error_code", "error_type", "blockreason", "block_reason"}
# Keys whose values repeat what was sent or what a model wrote; they are not the server's own words.
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
    """The error in a server's answer.

    Attributes:
        word: its code or type as one word, safe to show; empty if there is none.
        codes: all its codes, in lower case, separated by spaces; only to be searched, never shown.
        prose: its texts, in lower case, one per line; only to be searched, never shown.
        number: an HTTP status in the body; None if there is none.
        param: the field of the request that the error names, safe to show; None if it names none.
        retry_after_s: seconds to wait, from the body; 0 if there are none.
        wrote: the text of the model, if the server rejected it because it does not fit the schema; else None.
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
        data: the parsed body, or its text if it is no JSON; a page of HTML gives an empty result.
        fields: names of the request's fields; if the error's text names one of them, it is safe to show.
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
    """Yields (key in lower case, value) for each value that is no object and no list; stops in very large bodies."""
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
            # A gateway puts the error of the server behind it here, as text.
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
    """The outermost code, type or status that is a plain word; empty if there is none. It is never a message."""
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
    """The field that the server names under `param` or `loc` (a path, joined by dots); None if it names none."""
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
    """Seconds of a duration like `34s` or `1.5s`, as Google writes it; 0 for anything else."""
    match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,9})?)s", value) if isinstance(value, str) else None
    return float(match[1]) if match else 0.0
