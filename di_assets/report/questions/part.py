"""The part of summary.json that every question has: its types, from which the schema is made, and how it is filled."""

from collections.abc import Mapping
from typing import (
    Annotated,
    Any,
    NotRequired,  # before Python 3.12, pydantic accepts only this TypedDict
)

import polars as pl
from pydantic import Field
from typing_extensions import TypedDict

from di_assets.report.figures.marks import note, thinned
from di_assets.report.questions.question import Answer, Question
from di_assets.report.questions.quotes import Quote, RowsOf, quoted
from di_assets.report.questions.scope import Frames, Scope
from di_assets.report.questions.statement import Claim, Status

Count = Annotated[int, Field(ge=0)]
Event = Annotated[int, Field(ge=0)]
Bounds = Annotated[
    Annotated[list[float], Field(min_length=2, max_length=2)] | None,
    Field(description="lower and upper bound of a 95% interval; null where there is none"),
]
MostPoints = Annotated[int, Field(ge=1, description="the rivals' whole budget")]

SCRIPTED = " Everything here was played by scripted agents, not by language models."


class RowsRecord(TypedDict):
    """Rows of a table: all rows that have these values."""

    table: str
    where: dict[str, str]
    digest: NotRequired[Annotated[str, Field(description="of these rows when the report was made")]]


class ClaimRecord(TypedDict):
    """A claim in its current state."""

    name: str
    status: Status
    sentence: str
    needs: list[str]
    because: Annotated[list[str], Field(description="what blocked or changed the sentence")]
    model: Annotated[str | None, Field(description="the model it is about; null if it is not about a single model")]
    parts: Annotated[list[str], Field(description="the sets of episodes it rests on; most are parts of the figure")]
    rows: Annotated[list[RowsRecord], Field(description="the table rows it is read from")]


class Mark(TypedDict):
    """An episode in the figure, and the event that the mark links to."""

    model: str
    part: str
    episode_id: str
    event_id: Event
    value: float | None


class Page(TypedDict):
    """The keys that every question has; the question's own type adds `rows`, `marks` and its statistics."""

    question: str
    headline: str
    measured: Annotated[bool, Field(description="there is something to see in the figure")]
    needs: Annotated[str | None, Field(description="arms still missing, separated by commas")]
    scripted: bool
    claims: list[ClaimRecord]
    caption: str
    alt: str
    quote: Quote | None
    reading: Annotated[list[str], Field(min_length=1)]


class Spread(TypedDict):
    """Bounds of the 95% interval of a row's value, its method, and its number of independent episodes."""

    n: Count
    ci_low: float | None
    ci_high: float | None
    ci_method: str


class Rate(TypedDict):
    """A mean over episodes, its interval clustered by seed."""

    value: float | None
    ci: Bounds
    ci_method: str
    n: Annotated[Count, Field(description="episodes")]
    n_seeds: Annotated[Count, Field(description="independent blocks that the interval rests on")]


def part_of(question: Question, scope: Scope, frames: Frames, *, rows_of: RowsOf) -> dict[str, Any]:
    """A question's part of summary.json.

    Args:
        question: the question; it gets only the tables and columns that it declares in `reads`.
        scope: the episodes that the pages include.
        frames: tables by name.
        rows_of: reads the rows of an episode; the quote is read by it.

    Raises:
        ValueError: a claim was judged by a statement that the question does not declare, or has an estimate and names
            neither rows nor episodes behind it.
    """
    answer = question.answer(scope, {name: frames[name].select(columns) for name, columns in question.reads.items()})
    strange = [c.name for c in answer.claims if c.statement is not None and c.statement not in question.statements]
    if strange:
        raise ValueError(f"{question.name} does not declare what {strange[0]!r} was judged by")
    alone = [c.name for c in answer.claims if c.statement is not None and c.measured and not c.rows and not c.parts]
    if alone:
        raise ValueError(f"{question.name}: {alone[0]!r} names neither rows nor episodes behind its estimate")
    shown = thinned(answer.marks)
    n_marks = len(answer.marks) if answer.n_marks is None else answer.n_marks
    return {
        "question": question.asks,
        "headline": answer.headline.sentence,
        "measured": answer.measured,
        "needs": needs_of(answer),
        "scripted": scope.scripted,
        **answer.statistics,
        "claims": [_record(claim, frames) for claim in answer.claims],
        "rows": list(answer.rows),
        "marks": shown,
        "caption": answer.caption + note(n_marks, len(shown)) + (SCRIPTED if scope.scripted else ""),
        "alt": answer.alt,
        "quote": quoted(rows_of, *answer.quote) if answer.quote else None,
        "reading": [paragraph for paragraph in (*answer.reading, _missing(answer)) if paragraph],
    }


def _record(claim: Claim, frames: Mapping[str, pl.DataFrame]) -> ClaimRecord:
    return {
        "name": claim.name,
        "status": claim.status,
        "sentence": claim.sentence,
        "needs": list(claim.needs),
        "because": list(claim.because),
        "model": claim.model,
        "parts": list(claim.parts),
        "rows": [
            {"table": rows.table, "where": dict(rows.where), "digest": rows.digest(frames[rows.table])}
            for rows in claim.rows
        ],
    }


def needs_of(answer: Answer) -> str | None:
    """Arms that are still missing, separated by commas; None if none is missing."""
    return ", ".join(answer.needs) or None


def _missing(answer: Answer) -> str:
    return f"Still missing: {', '.join(answer.needs)}." if answer.needs else "Nothing is missing for this question."
