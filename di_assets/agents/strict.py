"""Reads strict JSON: a whole reply, or a value at a place in it.

A key with two different values is reported as such.
"""

import json
import re
from collections.abc import Iterable
from typing import Any

BLANK = " \t\r\n\f\v\u00a0\u200b\u200e\u200f\u2060\ufeff"
_LABEL = re.compile(r"[^\n`~{\[]{0,40}\n?")
_QUOTES = {'"': '"', "'": "'", "`": "`", "“": "”"}


class _Twice:
    """The value of a key that an object holds twice with different values."""


TWICE = _Twice()


def once_each(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """An object's pairs as a dict. A key that occurs again with another value gets the value `TWICE`."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        found[key] = value if key not in found or found[key] == value else TWICE
    return found


# Not strict about line breaks within strings: models write them.
_decoder = json.JSONDecoder(strict=False, object_pairs_hook=once_each)


def strict_whole(text: str) -> str | None:
    """The text, or the content of its one code fence or pair of quotes, if that is a whole JSON object or list."""
    text = text.strip(BLANK)
    if _is_whole(text):
        return text
    inside = _in_fence(text) or (text[1:-1] if _QUOTES.get(text[:1]) == text[-1:] else "")
    return inside if _is_whole(inside) else None


def _in_fence(text: str) -> str:
    """The content of a code fence with any label; empty if the text is not a code fence."""
    marks = text[: len(text) - len(text.lstrip(text[:1]))]
    if marks[:1] not in ("`", "~") or len(marks) < 3 or not text.endswith(marks):
        return ""
    inside = text[len(marks) : -len(marks)]
    label = _LABEL.match(inside)
    return inside[label.end() if label else 0 :].strip(BLANK)


def strict_at(text: str, start: int) -> tuple[Any, int] | None:
    """The JSON value that begins at `start`, and where it ends; None if none begins there."""
    try:
        return _decoder.raw_decode(text, start)
    except (ValueError, RecursionError):
        return None


def _is_whole(text: str) -> bool:
    found = strict_at(text, 0) if text[:1] in ("{", "[") else None
    return found is not None and found[1] == len(text)
