"""How many marks a figure has: one an episode, up to a number that a page can still show at once."""

from collections.abc import Mapping, Sequence
from typing import Any

# Of a model and a part of the figure.
MOST_MARKS = 100
WHAT = ("model", "part", "condition")


def thinned(marks: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """These marks, which stand in the order of their values; of too many a model and part, so many evenly by rank.

    The first and the last of each are among them, and none is made up.
    """
    groups: dict[tuple[object, ...], list[int]] = {}
    for at, mark in enumerate(marks):
        groups.setdefault(tuple(mark.get(name) for name in WHAT), []).append(at)
    kept: set[int] = set()
    for places in groups.values():
        n = min(len(places), MOST_MARKS)
        kept.update(places[round(k * (len(places) - 1) / max(1, n - 1))] for k in range(n))
    return [mark for at, mark in enumerate(marks) if at in kept]


def note(marks: Sequence[Mapping[str, Any]], shown: Sequence[Mapping[str, Any]]) -> str:
    """What the caption says where not every episode has a mark of its own; nothing where each has."""
    if len(shown) == len(marks):
        return ""
    return (
        f" Of {len(marks):,} marks {len(shown):,} are drawn: up to {MOST_MARKS} a model and part, evenly by rank, the lowest and the highest "
        "among them; means and intervals are of all."
    )
