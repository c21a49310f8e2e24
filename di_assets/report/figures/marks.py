"""Chooses the marks of a figure: one per episode, up to the number that a page can draw at once."""

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

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
    drawn = {places[k] for places in groups.values() for k in _ranks(len(places))}
    return [mark for at, mark in enumerate(marks) if at in drawn]


def thinned_frame(marks: pl.DataFrame) -> pl.DataFrame:
    """As `thinned`, for a frame with a row per mark: many marks are chosen from without a Python object for each."""
    numbered = marks.with_row_index("at")
    groups = numbered.partition_by([name for name in WHAT if name in marks.columns], maintain_order=True)
    drawn = [part["at"].gather(_ranks(part.height)) for part in groups]
    return marks[pl.concat(drawn).sort()] if drawn else marks


def _ranks(n: int) -> list[int]:
    """The ranks that are drawn of `n` marks."""
    few = min(n, MOST_MARKS)
    return [round(k * (n - 1) / max(1, few - 1)) for k in range(few)]


def note(n_marks: int, n_shown: int) -> str:
    """The caption's note if some episodes have no mark of their own; empty if all have one."""
    if n_shown == n_marks:
        return ""
    return (
        f" {n_shown:,} of {n_marks:,} marks are drawn: at most {MOST_MARKS} for each model and part, evenly spaced by rank, with the "
        "lowest and the highest; means and intervals use all marks."
    )
