"""Finds the JSON objects of a text, in order, each read strictly or else leniently, and their values under a key."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from di_assets.agents.lenient import Lenient
from di_assets.agents.strict import once_each, strict_at

# Limits on the number of objects in a reply and on their nesting, so that reading takes bounded time.
MOST_OBJECTS, MOST_DEPTH = 50, 8

_BRACE = re.compile(r"[{}｛｝]")
_QUOTING = "\"'`“”‘’„«» \t\n"
# An object under such a key is not an answer: {"draft": {"pull": "B"}}.
_ASIDE = re.compile(
    r"think|thought|reason|reflect|draft|exampl|format|schema|quot|said|wrote|previous|last|history|rival|opponent|option"
    r"|consider|reject|ignor|discard|wrong|avoid|alternativ|hypothe|suppos|inject|received|others?\b|instruct|demand"
    r"|(?:^|_)(?:not|no|if|else|unless|from|next|says?|asks?|wants?)(?:$|_| )",
    re.IGNORECASE,
)
# {"D": {"pull": "D"}} quotes player D.
_OF_A_PLAYER = re.compile(r"(?:player[ _]?)?([a-z])(?:'s\b.*)?", re.IGNORECASE)


class Found(NamedTuple):
    """An object, and its place in the text.

    Attributes:
        start: position of its opening brace.
        end: position of its end; for an object that cannot be read, a position shortly after its start.
        value: the object; None if it cannot be read, or if it is inside something that was never closed.
        holds: it has the wanted key, or seems to.
    """

    start: int
    end: int
    value: dict[str, Any] | None
    holds: bool


def objects(text: str, wanted: str, me: str) -> Iterator[Found]:
    """The outermost objects of a text.

    An object that cannot be read is included only if it begins with the wanted key.
    """
    begins = re.compile(rf"[{{｛]\s{{0,20}}[\"'“”‘`]?\s{{0,4}}{wanted}\b", re.IGNORECASE)
    lenient = Lenient()
    unclosed: list[int] = []  # braces after which nothing can be read
    at, tried = 0, 0
    while tried < MOST_OBJECTS and (brace := _BRACE.search(text, at)):
        start, at = brace.start(), brace.end()
        if brace[0] in "}｝":
            del unclosed[-1:]
            continue
        tried += 1
        read = strict_at(text, start) or lenient.at(text, start)
        if read is None:
            if begins.match(text, start):
                yield Found(start, at, None, holds=True)
            unclosed.append(start)
            continue
        value, at = read
        # {{"pull": "B"}} counts as one object: templates write double braces.
        within = bool(unclosed) and bool(text[unclosed[0] : start].strip("{｛ \t\n"))
        yield Found(start, at, None if within else value, holds=bool(values_under(value, wanted, me)))


def key_of(key: str) -> str:
    """A key in the form used for comparison: `Pull`, `PULL` and `pull ` are equal."""
    return key.strip(_QUOTING).casefold()


def values_under(value: dict[str, Any], wanted: str, me: str, depth: int = 0) -> list[Any]:
    """Values under a key, whatever its case: the object's own, else those of the objects in it that are no asides.

    What is in a text is no object, however it looks: it is quoted.
    """
    same = once_each((key_of(key), held) for key, held in value.items())
    if wanted in same:
        return [_plain(same[wanted], wanted)]
    found: list[Any] = []
    for key, held in value.items():
        for one in held if isinstance(held, list) else [held]:
            if isinstance(one, dict) and depth < MOST_DEPTH and not _is_aside(key, me):
                found += values_under(one, wanted, me, depth + 1)
    return found


def _is_aside(key: str, me: str) -> bool:
    """Whether the value under this key is not the writer's own answer."""
    named = _OF_A_PLAYER.fullmatch(key.strip(_QUOTING))
    return bool(_ASIDE.search(key)) or (named is not None and named[1].upper() != me)


# {"pull": {"target": "B"}}
_NAMING = frozenset({"target", "to", "player", "name", "neighbour", "neighbor", "choice", "value", "pull"})
_PARTS = frozenset({"to", "text"})


def _plain(held: Any, wanted: str) -> Any:
    """The value in the form that `moves` takes: a name for {"target": name}, and `to` and `text` in lower case."""
    if wanted == "pull":
        named = [one for key, one in held.items() if key_of(key) in _NAMING] if isinstance(held, dict) else []
        return named[0] if len(named) == 1 == len(held) else held
    items = held if isinstance(held, list) else [held]
    small = [_small(item) if isinstance(item, dict) else item for item in items]
    return small if isinstance(held, list) else small[0]


def _small(item: dict[str, Any]) -> dict[str, Any]:
    return once_each((key_of(key) if key_of(key) in _PARTS else key, held) for key, held in item.items())
