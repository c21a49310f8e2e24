"""Chooses the marks of a figure: one per episode, up to the number that a page can draw at once."""

from collections.abc import Mapping, Sequence
from typing import Any

# The most marks for one model in one part of the figure.
MOST_MARKS = 100
WHAT = ("model", "part", "condition")


def thinned(marks: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The marks that are drawn: all of them, unless a model has too many in one part of the figure.

    Then it is a sample of MOST_MARKS, evenly spaced by rank, with the first and the last mark. Marks are sorted by
    value.
    """
    groups: dict[tuple[object, ...], list[int]] = {}
    for at, mark in enumerate(marks):
        groups.setdefault(tuple(mark.get(name) for name in WHAT), []).append(at)
    drawn: set[int] = set()
    for places in groups.values():
        n = min(len(places), MOST_MARKS)
        drawn.update(places[round(k * (len(places) - 1) / max(1, n - 1))] for k in range(n))
    return [mark for at, mark in enumerate(marks) if at in drawn]


def note(marks: Sequence[Mapping[str, Any]], shown: Sequence[Mapping[str, Any]]) -> str:
    """The caption's note if some episodes have no mark of their own; empty if all have one."""
    if len(shown) == len(marks):
        return ""
    return (
        f" {len(shown):,} of {len(marks):,} marks are drawn: at most {MOST_MARKS} for each model and part, evenly spaced by rank, with the "
        "lowest and the highest; means and intervals use all marks."
    )
