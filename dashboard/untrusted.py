"""Text by models is untrusted: it is shown as text, and every character that could deceive is made visible."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from html import escape
from itertools import groupby
from operator import itemgetter
from urllib.parse import quote

from markupsafe import Markup

# Longer text is cut, with a count; the tables have all of it.
MOST_CHARS = 4_000
MOST_MARKS = 3
# Chips are larger than letters, so text is also cut after this many chips.
MOST_CHIPS = 300
# For a message in a list; longer than any message that the usual rules allow.
MOST_LISTED, MOST_LINES = 1_200, 30

_DECEIVES = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})
# Letters, marks and symbols that are invisible, and blanks other than the normal blank.
_BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5\u180b\u180c\u180d\u180f")
_PLAIN_BLANK = frozenset(" \n\t\u3000")
_ANSI = re.compile(r"\x1b(?:\[[0-?]{0,32}[ -/]{0,4}[@-~]|\][^\x07\x1b]{0,200}(?:\x07|\x1b\\)|[@-Z\\^_])")
_ORDINARY = re.compile(r"[ -~\n\t]*")


def safe(text: str, *, most: int = MOST_CHARS, lines: int | None = None) -> Markup:
    """HTML of a text, for a place between elements: escaped, with hidden characters shown as chips.

    Chips stand for characters that are invisible, change the text direction or control a terminal. Piled-up accents are
    limited, with a count; long text is cut, with a count.

    Args:
        text: the text as it was written.
        most: the most characters that are shown.
        lines: the most lines that are shown; None for all.
    """
    head = text[:most]
    if lines is not None:
        head = "".join(head.splitlines(keepends=True)[:lines])
    if _ORDINARY.fullmatch(head):
        return Markup(escape(head) + _cut(len(text) - len(head)))  # noqa: S704 -- escaped here
    shown, chips, seen = [], 0, 0
    for label, run in groupby(_pieces(head), key=itemgetter(1)):
        pieces = [piece for piece, _ in run]
        if label is None:
            shown.append(escape("".join(pieces)))
        else:
            if chips == MOST_CHIPS:
                break
            chips += 1
            times = f" ×{len(pieces):,}" if len(pieces) > 1 else ""
            shown.append(f"<code class='di-chip'>{escape(label)}{times}</code>")
        seen += sum(map(len, pieces))
    return Markup("".join(shown) + _cut(len(text) - seen))  # noqa: S704 -- escaped here


def listed(text: str) -> Markup:
    """HTML of a message in a list; cut if it is longer than messages are."""
    return safe(text, most=MOST_LISTED, lines=MOST_LINES)


def hidden(text: str, *, most: int = MOST_CHARS) -> Counter[str]:
    """The chips that `safe` shows: label -> how often."""
    head = text[:most]
    return Counter() if _ORDINARY.fullmatch(head) else Counter(label for _, label in _pieces(head) if label)


def name_of(label: str) -> str:
    """The meaning of a chip, in words."""
    if not label.startswith("U+"):
        return "terminal escape sequence" if label.startswith("ESC") else "accents piled on one letter"
    code = int(label[2:], 16)
    named = unicodedata.name(chr(code), "")
    if not named and code < 0x20:
        named = unicodedata.name(chr(0x2400 + code)).removeprefix("SYMBOL FOR ")
    return named.lower() or "control, private or unassigned character"


def _pieces(text: str) -> Iterator[tuple[str, str | None]]:
    """The text in pieces, each with the label of its chip; None for a piece that is shown unchanged."""
    at = marks = 0
    while at < len(text):
        character = text[at]
        if character == "\x1b" and (found := _ANSI.match(text, at)):
            yield found[0], "ESC" + "".join(c if c.isprintable() and c.isascii() else "�" for c in found[0][1:])
            at, marks = found.end(), 0
            continue
        category = unicodedata.category(character)
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        if marks > MOST_MARKS:
            yield character, "marks"
        elif _hides(character, category):
            yield character, f"U+{ord(character):04X}"
        else:
            yield character, None
        at += 1


def _hides(character: str, category: str) -> bool:
    if character in _PLAIN_BLANK:
        return False
    # A variation selector chooses the look of an emoji. Repeated after other characters, it can hide bytes.
    selects = 0xFE00 <= ord(character) <= 0xFE0E or 0xE0100 <= ord(character) <= 0xE01EF
    return category in _DECEIVES or category == "Zs" or character in _BLANK or selects


def _cut(left: int) -> str:
    return f"<em class='di-cut'> … {left:,} more characters</em>" if left > 0 else ""


def reader_link(episode_id: str, event_id: int | None = None, **filters: str) -> str:
    """Relative address of an episode or of one of its events on the reader page.

    Args:
        episode_id: the episode.
        event_id: the event.
        filters: further parts of the address; empty ones are left out.
    """
    event = {} if event_id is None else {"event": str(event_id)}
    return page_link("transcript", episode=episode_id, **event, **filters)


def page_link(name: str, **query: str) -> str:
    """Relative address of a page of the dashboard with these choices; empty choices are left out."""
    chosen = "&".join(f"{key}={quote(value, safe='')}" for key, value in query.items() if value)
    return f"{name}?{chosen}" if chosen else name
