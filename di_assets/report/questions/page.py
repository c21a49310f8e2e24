"""What the pages of Questions 2 to 5 have in common: claims with the rows behind them, marks, quote, reading."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from di_assets.measures.intervals import Interval, t_interval
from di_assets.report.figures.marks import note, thinned
from di_assets.report.questions.scope import Row, Scope, blocks
from di_assets.report.questions.statement import Claim, from_to, some_of

ATTACK, RING = "04_attack_complete", "03_credit_smoke_ring"
"""The arms that bring what a page without data waits for: focal models that talk, and a ring."""


@dataclass(frozen=True, slots=True)
class Grounded:
    """A claim and what it rests on.

    Attributes:
        claim: as it stands.
        model: whom it is about; None where it is about no one model.
        rows: (table, values that its rows have) of the tables it is read from.
        parts: the parts of the figure whose episodes it rests on.
    """

    claim: Claim
    model: str | None = None
    rows: tuple[tuple[str, Mapping[str, str]], ...] = ()
    parts: tuple[str, ...] = ()


def question_of(
    scope: Scope,
    *,
    question: str,
    headline: Claim,
    claims: Sequence[Grounded],
    measured: bool,
    rows: Sequence[Mapping[str, Any]],
    marks: Sequence[Mapping[str, Any]],
    caption: str,
    alt: str,
    quote: Mapping[str, Any] | None,
    reading: Sequence[str],
    **statistics: Any,
) -> dict[str, Any]:
    """One of `summary.questions`: what every page has, and this question's own statistics beside it."""
    shown = thinned(marks)
    needs = sorted({need for claim in (headline, *(one.claim for one in claims)) for need in claim.needs})
    return {
        "question": question,
        "headline": headline.sentence,
        "measured": measured,
        "needs": ", ".join(needs) or None,
        "scripted": scope.scripted,
        **statistics,
        "claims": [_record(one) for one in claims],
        "rows": list(rows),
        "marks": shown,
        "caption": caption + note(marks, shown) + (SCRIPTED if scope.scripted else ""),
        "alt": alt,
        "quote": quote,
        "reading": [paragraph for paragraph in (*reading, _missing(needs)) if paragraph],
    }


SCRIPTED = " Everything here was played by scripted agents, not by language models."


def among(sentence: str, *, scripted: bool) -> str:
    """The beginning of a headline, with a word where everybody in it is a scripted agent."""
    return f"Among scripted agents, {sentence}" if scripted else sentence[0].upper() + sentence[1:]


def who(name: str, scope: Scope) -> str:
    """A model's name, with a word where it is a scripted agent."""
    return f"{name} (scripted)" if scope.scripted else name


def of_half(scope: Scope, row: Row, half: str) -> pl.DataFrame:
    """A model's episodes with messages `on` or `off`, those that Question 1 marks."""
    known = getattr(row, half)
    ids = [dot.episode_id for dot in known.dots] if known else []
    return scope.episodes.filter(pl.col("episode_id").is_in(ids))


def talking(scope: Scope) -> pl.DataFrame:
    """Episodes in which everybody could talk."""
    return scope.episodes.filter(pl.col("channel") == "open")


def mean_over_seeds(part: pl.DataFrame, column: str) -> tuple[float | None, Interval]:
    """Mean of a column over independent episodes, with Student's t interval; relaunches of a seed count once."""
    values = blocks(part.drop_nulls(column), column)
    return (sum(values) / len(values) if values else None), t_interval(values)


def sentences(claims: Sequence[Grounded]) -> str:
    """Claims as a paragraph."""
    return " ".join(one.claim.sentence for one in claims)


def counted(numbers: Sequence[int]) -> str:
    """N independent episodes, or from least to most n, as a caption says it."""
    return f"n = {from_to(numbers, 'd')} independent episodes" if numbers else "no independent episodes yet"


def some_claims(claims: Sequence[Grounded], status: str, noun: str) -> str:
    """How many of these claims have a status: `all 3 models`, `2 of 3 models`, `the one model`."""
    return some_of(sum(one.claim.status == status for one in claims), len(claims), noun)


def _record(one: Grounded) -> dict[str, Any]:
    claim = one.claim
    return {
        "name": claim.name,
        "status": claim.status,
        "sentence": claim.sentence,
        "needs": list(claim.needs),
        "because": list(claim.because),
        "model": one.model,
        "parts": list(one.parts),
        "rows": [{"table": table, "where": dict(where)} for table, where in one.rows],
    }


def _missing(needs: Sequence[str]) -> str:
    return f"Still missing: {', '.join(needs)}." if needs else "Nothing is missing for this question."
