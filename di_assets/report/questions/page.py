"""What answers share: whose episodes they use, means over them, and common phrases."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from di_assets.measures.intervals import Interval, t_interval
from di_assets.report.figures.marks import thinned_frame
from di_assets.report.questions.scope import LINK, FocalModel, OnOff, Scope, blocks
from di_assets.report.questions.statement import Claim, from_to, some_of
from di_assets.tables.words import OPEN

ATTACK, RING = "04_attack_complete", "03_credit_smoke_ring"
"""The arms that bring what a page without data waits for: focal models that talk, and a ring."""


def among(sentence: str, *, scripted: bool) -> str:
    """The beginning of a headline; it says so if all agents in it are scripted."""
    return f"Among scripted agents, {sentence}" if scripted else sentence[0].upper() + sentence[1:]


def of_half(scope: Scope, row: FocalModel, half: OnOff) -> pl.DataFrame:
    """A model's episodes with messages `on` or `off`: the ones that Question 1 marks."""
    known = dict(row.halves()).get(half)
    return known.episodes if known else scope.episodes.clear()


def talking(scope: Scope) -> pl.DataFrame:
    """Episodes in which everybody could talk."""
    return scope.episodes.filter(pl.col("channel") == OPEN)


def marks_of(
    episodes: pl.DataFrame,
    value: str,
    *,
    model: str | pl.Expr,
    part: str | pl.Expr,
    event: pl.Expr = LINK,
    **more: pl.Expr,
) -> pl.DataFrame:
    """One mark per episode, sorted by value.

    Args:
        episodes: episodes of the scope.
        value: the column whose value is marked.
        model: the model, or an expression that gives it.
        part: the part of the figure, or an expression that gives it.
        event: the event that the mark links to.
        more: further columns of the marks.
    """
    names = {"model": model, "part": part}
    return episodes.sort(value, "episode_id").select(
        "episode_id",
        event_id=event,
        value=value,
        **{name: pl.lit(one) if isinstance(one, str) else one for name, one in names.items()},
        **more,
    )


def drawn_marks(parts: Sequence[pl.DataFrame]) -> tuple[list[dict[str, Any]], int]:
    """The marks that are drawn, and how many there are; `parts` are frames of `marks_of`."""
    if not parts:
        return [], 0
    marks = pl.concat(parts)
    return thinned_frame(marks).to_dicts(), marks.height


def mean_over_seeds(part: pl.DataFrame, column: str) -> tuple[float | None, Interval]:
    """Mean of a column over independent episodes, with Student's t interval; all launches of a seed count once."""
    values = blocks(part.drop_nulls(column), column)
    return (sum(values) / len(values) if values else None), t_interval(values)


def sentences(claims: Sequence[Claim]) -> str:
    """Claims as a paragraph."""
    return " ".join(one.sentence for one in claims)


def counted(numbers: Sequence[int]) -> str:
    """The number of independent episodes for a caption; a range if the numbers differ."""
    return f"n = {from_to(numbers, 'd')} independent episodes" if numbers else "no independent episodes yet"


def some_claims(claims: Sequence[Claim], status: str, noun: str) -> str:
    """How many of these claims have a status: `all 3 models`, `2 of 3 models`, `the one model`."""
    return some_of(sum(one.status == status for one in claims), len(claims), noun)
