"""Finds a secret in a text, also where its characters are escaped, and puts something else in its place.

Servers of one's own take any word for a key (`anything`, `not-needed`, `1234`). So there are two rules:

- In lines, logs and tracebacks most keys are hidden, because a word too many may be lost there: `is_searched_for`.
- In what a model said, and in the ids of requests, only a key that nobody writes by chance: `is_unmistakable`.
"""

import html
import re
from functools import cache

# A shorter secret is looked for only if it is no word and no number: its letters may be in a text by chance.
SHORTEST, SHORTEST_MIXED = 8, 4
SHORTEST_UNMISTAKABLE = 12
_WORDS = re.compile(r"[^\W\d]+")  # letters and _


def is_searched_for(secret: str) -> bool:
    """Whether a secret is hidden in lines, logs and tracebacks; `none`, `local` and `1234` are too short for it."""
    if secret.isalpha() or secret.isdecimal():
        return len(secret) >= SHORTEST
    return len(secret) >= SHORTEST_MIXED


def is_unmistakable(secret: str) -> bool:
    """Whether a secret is hidden in what a model said, too: it has at least 12 characters and is not made of words.

    Words are letters with - or _ between them. `not-needed`, `sk-no-key-required` and `sk-1234` are left in a reply.
    """
    return len(secret) >= SHORTEST_UNMISTAKABLE and not _WORDS.fullmatch(secret.replace("-", "_"))


def without(secret: str, text: str, *, shown: str) -> str:
    """The text with `shown` in place of the secret, in either case and however its characters are escaped.

    Known are the escapes of JSON and Python (with one backslash or several), of addresses (`%2F`, also escaped twice)
    and of HTML. A secret that was encoded as a whole (base64, a hash) is not found.
    """
    # Most texts hold no escapes, and the search for a plain text is many times as fast.
    escaped = any(mark in text for mark in "\\%&")
    return _pattern(secret, escaped=escaped).sub(lambda _: shown, text)


@cache
def _pattern(secret: str, *, escaped: bool) -> re.Pattern[str]:
    if not escaped:
        return re.compile(re.escape(secret), re.IGNORECASE)
    begins = re.escape(f"{secret[0].lower()}{secret[0].upper()}\\%&")
    return re.compile(f"(?=[{begins}]){''.join(map(_spellings, secret))}", re.IGNORECASE)


def _spellings(letter: str) -> str:
    code = ord(letter)
    # At most so many each: without a limit, a long row of backslashes would take a search minutes.
    plain = re.escape(letter) if letter.isalnum() else rf"\\{{0,8}}{re.escape(letter)}"
    ways = [plain, rf"%(?:25){{0,4}}{code:02x}", rf"\\{{1,8}}u{code:04x}", rf"\\{{1,8}}x{code:02x}"]
    ways += [f"&#0{{0,8}}{code};", f"&#x0{{0,8}}{code:x};"]
    if (named := html.escape(letter)) != letter:
        ways.append(re.escape(named))
    return f"(?:{'|'.join(ways)})"
