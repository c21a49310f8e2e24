"""What a question of the report is: one record that carries everything that belongs to it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from di_assets.report.figures.rendering import Figure
from di_assets.report.questions.scope import Frames, Scope
from di_assets.report.questions.statement import Claim, Statement
from di_assets.tables import TABLES, Warehouse

Part = Mapping[str, Any]
"""A question's part of summary.json: what `Question.published` describes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A question as it stands today.

    Attributes:
        headline: the one sentence under the question.
        claims: in the order that the page lists them.
        measured: there is something to see in the figure.
        rows: the table behind the figure.
        marks: of the figure, each with `model`, `part`, `episode_id`, `event_id` and `value`, by value in each part.
        caption: of the figure.
        alt: the figure in words.
        quote: one message; None where there is none.
        reading: the argument, a paragraph each; empty ones are left out.
        statistics: what else is published, by the keys that `Question.published` has for it.
        needed_by: claims whose missing arms the page waits for; None for all of them.
    """

    headline: Claim
    claims: Sequence[Claim]
    measured: bool
    rows: Sequence[Mapping[str, Any]]
    marks: Sequence[Mapping[str, Any]]
    caption: str
    alt: str
    quote: Mapping[str, Any] | None
    reading: Sequence[str]
    statistics: Mapping[str, Any]
    needed_by: Sequence[Claim] | None = None

    @property
    def needs(self) -> list[str]:
        """Arms that are still missing, sorted."""
        claims = self.claims if self.needed_by is None else self.needed_by
        return sorted({need for claim in (self.headline, *claims) for need in claim.needs})


@dataclass(frozen=True, slots=True)
class Cited:
    """A statistic of the page that episodes are told they are part of.

    Attributes:
        key: in the question's part of summary.json; with dots for keys within keys.
        of: which episodes it is made from: `all` that the pages speak of, those that are `open` (everybody could talk), or
            of one model those that are marked in this part of the figure.
    """

    key: str
    of: Literal["all", "open", "on", "off"]


@dataclass(frozen=True, slots=True)
class Number:
    """The number of a model that a question is about, published and in its table: a walk back compares the two.

    Attributes:
        name: of the number, as a walk calls it.
        published: reads it from the question's part, for one model; None where it has none.
        table: that it is read from, one row a model.
        column: of that table.
    """

    name: str
    published: Callable[[Part, str], float | None]
    table: str
    column: str


@dataclass(frozen=True, slots=True)
class SectionTable:
    """A table of a section: plain text, which whoever shows it makes safe.

    Attributes:
        label: what it is called, once on a page.
        columns: heading -> whether it stands over numbers.
        rows: cells.
        folded: the line that it is folded under; None where it is not folded.
        unfolded: it is folded open.
    """

    label: str
    columns: Mapping[str, bool]
    rows: Sequence[Sequence[str]]
    folded: str | None = None
    unfolded: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A further section of a question's page; not shown where it has no tables.

    Attributes:
        heading: above it.
        tables: of it, made from the question's part.
        note: below them.
    """

    heading: str
    tables: Callable[[Part], Sequence[SectionTable]]
    note: str


def _no_more(warehouse: Warehouse, part: Part, model: str) -> Mapping[str, Sequence[str]]:  # noqa: ARG001
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question of the report. Summary, schema, figures, assets, pages and walks are made from this record.

    Attributes:
        name: `q` and its number: in summary.json, in addresses, and of the asset of its figure.
        asks: the question.
        reads: tables that the answer is made from.
        statements: all that its claims are judged by.
        answer: makes the answer from the episodes that the pages speak of and the tables in `reads`.
        published: the TypedDict of its part of summary.json.
        figure: draws that part.
        mark: what a mark of the figure is called.
        statistics: keys of that part that its page shows as they are stored, in this order.
        tables: tables of the contract that its page offers to take away.
        sections: further sections of its page, before the statistics.
        cited: statistics that episodes are told they are part of.
        traced: the number that a walk back compares with its table; None where there is none.
        unmarked: ids of the episodes behind a model's claims that the figure does not mark, by the names of parts that the
            claims give them.

    Raises:
        ValueError: a name that is none, or a table that is not in the contract.
    """

    name: str
    asks: str
    reads: tuple[str, ...]
    statements: tuple[Statement, ...]
    answer: Callable[[Scope, Frames], Answer]
    published: type
    figure: Callable[[Part], Figure]
    mark: str = "dot"
    statistics: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()
    cited: tuple[Cited, ...] = ()
    traced: Number | None = None
    unmarked: Callable[[Warehouse, Part, str], Mapping[str, Sequence[str]]] = _no_more

    def __post_init__(self) -> None:
        if self.name[:1] != "q" or not self.name[1:].isdecimal():
            raise ValueError(f"a question is named q and its number, not {self.name!r}")
        unknown = sorted({*self.reads, *self.tables} - TABLES.keys())
        if unknown:
            raise ValueError(f"{self.name}: no table {', '.join(unknown)}")

    @property
    def number(self) -> int:
        """Its place among the questions, from 1."""
        return int(self.name[1:])

    @property
    def title(self) -> str:
        """In the menu and above the question."""
        return f"Question {self.number}"
