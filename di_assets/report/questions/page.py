"""What answers share: whose episodes they use, means over them, and common phrases."""

from collections.abc import Sequence

import polars as pl

from di_assets.measures.intervals import Interval, t_interval
from di_assets.report.questions.scope import FocalModel, OnOff, Scope, blocks
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
    ids = [dot.episode_id for dot in known.dots] if known else []
    return scope.episodes.filter(pl.col("episode_id").is_in(ids))


def talking(scope: Scope) -> pl.DataFrame:
    """Episodes in which everybody could talk."""
    return scope.episodes.filter(pl.col("channel") == OPEN)


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
