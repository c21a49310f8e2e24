"""What a model wrote is hostile text: it is shown as text, every character that could deceive made visible."""

import html
import unicodedata
from urllib.parse import quote

# Longer text is cut, with a count; the whole is in the tables.
MOST_CHARS = 4_000
MOST_MARKS = 3


def safe(text: str) -> str:
    """HTML of a text: escaped, invisible and direction-changing characters as chips, piled-up accents capped, cut long."""
    shown, marks = [], 0
    for character in text[:MOST_CHARS]:
        category = unicodedata.category(character)
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        if marks > MOST_MARKS:
            continue
        deceives = category in {"Cc", "Cf", "Co", "Cs", "Zl", "Zp"} and character not in "\n\t"
        shown.append(f"<code class='di-chip'>U+{ord(character):04X}</code>" if deceives else html.escape(character))
    cut = len(text) - MOST_CHARS
    return "".join(shown) + (f"<em class='di-cut'> … {cut:,} more characters</em>" if cut > 0 else "")


def reader_link(episode_id: str, event_id: int | None = None) -> str:
    """Relative address of an episode or of one of its events in the reader, for an attribute."""
    event = "" if event_id is None else f"&amp;event={event_id}"
    return f"transcript?episode={quote(episode_id, safe='')}{event}"
