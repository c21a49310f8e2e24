"""Reads JSON as models write it, if strict reading fails: rewrites what JSON5 does not allow, then reads it as JSON5.

JSON5 (the library `json5`) accepts comments, trailing commas, single quotes and keys without quotes. It reports where a
value ends and which keys occur twice, and it does not complete text that was cut off. `json-repair` is not used: it
guesses what is missing, so half a reply would become a move. Rewritten here: names without quotes, `#` comments,
Python's `True`, `False` and `None`, and quotes and brackets of other scripts.
"""

import re
from collections.abc import Iterator
from typing import Any

import json5

from di_assets.agents.strict import once_each

# The library is slow, and a hostile reply can be long. This bounds what it is given over all places of one reply.
MOST_CHARS, MOST_TRIES = 10_000, 20

_ELSE = re.compile(
    r"""
      "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' | //[^\n]* | /\*.{0,500}?\*/
    | (?P<hash>\#)[^\n]*
    | \b(?P<word>True|False|None)\b
    | :(?P<space>\s*)(?P<bare>(?:[Pp]layer[ ])?[A-Za-z])(?=\s*(?:[,}\]\n#]|//|/\*))
    """,
    re.VERBOSE | re.DOTALL,
)
_WORDS = {"True": "true", "False": "false", "None": "null"}
_OTHER_SCRIPTS = str.maketrans("“”„‟«»＂‘’‚‛＇｛｝［］：，", '"""""""\'\'\'\'\'{}[]:,')


class Lenient:
    """Reads objects of one reply until its budget of characters is used up."""

    def __init__(self) -> None:
        self._chars, self._tries = MOST_CHARS, MOST_TRIES

    def at(self, text: str, start: int) -> tuple[dict[str, Any], int] | None:
        """The object that begins at `start`, and where it ends; None if no object there can be read without doubt."""
        for part in self._parts(text[start : start + self._chars]):
            mended, edits = _mended(part)
            try:
                value, _, end = json5.parse(mended, consume_trailing=False, strict=False, object_pairs_hook=once_each)
            except (ValueError, RecursionError):
                continue
            self._chars -= end
            if isinstance(value, dict):
                return value, start + end - sum(longer for place, longer in edits if place < end)
        return None

    def _parts(self, part: str) -> Iterator[str]:
        """Yields the text as it is, then with quotes and brackets of other scripts replaced by JSON's (same length)."""
        for one in dict.fromkeys((part, part.translate(_OTHER_SCRIPTS))):
            if self._tries and self._chars > 0 and one[:1] == "{":
                self._tries -= 1
                yield one


def _mended(text: str) -> tuple[str, list[tuple[int, int]]]:
    """The text rewritten as JSON5, and the places at which characters were added, with their numbers."""
    edits: list[tuple[int, int]] = []
    added = 0

    def mend(found: re.Match[str]) -> str:
        nonlocal added
        whole = found[0]
        if found["hash"]:
            new = "//" + whole[1:]
        elif found["word"]:
            new = _WORDS[found["word"]]
        elif found["bare"]:
            new = f':{found["space"]}"{found["bare"]}"'
        else:
            return whole
        longer = len(new) - len(whole)
        if longer:
            edits.append((found.start() + added, longer))
            added += longer
        return new

    return _ELSE.sub(mend, text), edits
