"""A question of the report: one record that holds everything that belongs to it."""

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
    """A question's answer from today's data.

    Attributes:
        headline: the one sentence under the question.
        claims: claims in the order of the page.
        measured: the figure has something to show.
        rows: the table behind the figure.
        marks: marks of the figure, each with `model`, `part`, `episode_id`, `event_id` and `value`; sorted by value in
            each part. They are thinned out if they are too many to draw.
        n_marks: the number of marks before the answer itself thinned them out; None if it did not.
        caption: caption of the figure.
        alt: the figure in words.
        quote: (episode_id, event_id) of one message; None if there is none.
        reading: the argument, one string per paragraph; empty ones are left out.
        statistics: everything else that is published, by the keys of `Question.published`.
        needed_by: the claims whose missing arms the page lists; None for all claims.
    """

    headline: Claim
    claims: Sequence[Claim]
    measured: bool
    rows: Sequence[Mapping[str, Any]]
    marks: Sequence[Mapping[str, Any]]
    caption: str
    alt: str
    quote: tuple[str, int] | None
    reading: Sequence[str]
    statistics: Mapping[str, Any]
    needed_by: Sequence[Claim] | None = None
    n_marks: int | None = None

    @property
    def needs(self) -> list[str]:
        """Arms that are still missing, sorted."""
        claims = self.claims if self.needed_by is None else self.needed_by
        return sorted({need for claim in (self.headline, *claims) for need in claim.needs})


@dataclass(frozen=True, slots=True)
class Cited:
    """A statistic of the page that is listed among the citations of the episodes behind it.

    Attributes:
        key: key in the question's part of summary.json; dots separate nested keys.
        of: the episodes behind it: `all` that the pages include, those that are `open` (everybody could talk), or for
            one
            model those that are marked in this part of the figure.
    """

    key: str
    of: Literal["all", "open", "on", "off"]


@dataclass(frozen=True, slots=True)
class Number:
    """The number that a question gives for a model, as published and in its table. A trace compares the two.

    Attributes:
        name: the name that traces print.
        published: reads the number for one model from the question's part; None if the model has none.
        table: the table that holds it, one row per model.
        column: the column in that table.
    """

    name: str
    published: Callable[[Part, str], float | None]
    table: str
    column: str


@dataclass(frozen=True, slots=True)
class SectionTable:
    """A table of a section. Cells are plain text; the renderer escapes them.

    Attributes:
        label: name of the table, unique on its page.
        columns: heading -> whether the column holds numbers.
        rows: cells.
        folded: the line under which the table is folded; None if it is not folded.
        unfolded: it is open when the page is shown.
    """

    label: str
    columns: Mapping[str, bool]
    rows: Sequence[Sequence[str]]
    folded: str | None = None
    unfolded: bool = False


@dataclass(frozen=True, slots=True)
class Section:
    """A further section of a question's page. It is not shown if it has no tables.

    Attributes:
        heading: the heading above it.
        tables: makes its tables from the question's part.
        note: the text below them.
    """

    heading: str
    tables: Callable[[Part], Sequence[SectionTable]]
    note: str


def whole(*tables: str) -> dict[str, tuple[str, ...]]:
    """Tables of the contract with all their columns, for `Question.reads`."""
    return {name: tuple(TABLES[name].schema) for name in tables}


def _no_more(warehouse: Warehouse, part: Part, model: str) -> Mapping[str, Sequence[str]]:  # noqa: ARG001
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question of the report. Summary, schema, figures, assets, pages and traces are made from this record.

    Attributes:
        name: `q` and its number; used in summary.json, in addresses, and as the asset name of its figure.
        asks: the question as a sentence.
        reads: table -> the columns that the answer needs; no other column is read. `whole` names all of a table. A
            table whose rows a claim names is read whole.
        statements: all statements by which its claims are judged.
        answer: makes the answer from the episodes that the pages include and the tables in `reads`.
        published: the TypedDict of its part of summary.json.
        figure: draws the figure from that part.
        mark: what one mark of the figure is called.
        statistics: keys of the part that the page shows as they are stored, in this order.
        tables: tables of the contract that the page offers as downloads.
        sections: further sections of the page, before the statistics.
        cited: statistics that are listed as citations of episodes.
        traced: the number that a trace compares with its table; None if there is none.
        unmarked: returns, by the part names that claims use, the ids of episodes behind the claims of a model (or of
            `EVERYBODY`) that the figure does not mark.

    Raises:
        ValueError: the name is not valid, or a table or column is not in the contract.
    """

    name: str
    asks: str
    reads: Mapping[str, tuple[str, ...]]
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
        for table, columns in self.reads.items():
            absent = sorted(set(columns) - TABLES[table].schema.keys())
            if absent:
                raise ValueError(f"{self.name}: table {table} has no column {', '.join(absent)}")

    @property
    def number(self) -> int:
        """The question's number, from 1."""
        return int(self.name[1:])

    @property
    def title(self) -> str:
        """The title in the menu and above the question."""
        return f"Question {self.number}"
