"""The sections of a question page. For an empty warehouse they say what the question needs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from dashboard.parts import Heading, Part, Rows, Table, TitledTable, Words, drawing
from dashboard.render import Section
from dashboard.sections.downloads import Read, downloads
from di_assets.report.published import are_records, flat, text_of
from di_assets.report.questions import registry
from di_assets.report.questions.question import Question
from di_assets.report.questions.question import Section as Declared

EPISODES = {"episode_id": "episode", "condition": "condition", "focal_model": "focal model",
            "focal_capture": "capture (by focal)", "cascades": "cascades", "gini": "gini"}  # fmt: skip


QUESTIONS = tuple(registry.QUESTIONS.values())


@dataclass(frozen=True, slots=True)
class QuestionTop:
    """The report's title and its origin."""

    template: ClassVar[str] = "question_top"
    title: str
    subtitle: str
    commit: str
    generated: str
    n_episodes: int
    scripted: bool
    left_out: int
    status: str


@dataclass(frozen=True, slots=True)
class Asked:
    """The question and its headline."""

    template: ClassVar[str] = "asked"
    kicker: str
    question: str
    scripted: bool
    headline: str


@dataclass(frozen=True, slots=True)
class Unpublished:
    """A question before anything is published."""

    template: ClassVar[str] = "unpublished"
    kicker: str
    question: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """A table of what the marks of the figure link to."""

    template: ClassVar[str] = "evidence"
    mark: str


@dataclass(frozen=True, slots=True)
class Reading:
    """The findings in paragraphs; after the first, a message is quoted."""

    template: ClassVar[str] = "reading"
    paragraphs: Sequence[str]
    quote: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class FoldedTable:
    """A table under a line that unfolds it; `line` is None if it is not folded."""

    of: Table
    line: str | None
    unfolded: bool


@dataclass(frozen=True, slots=True)
class Tables:
    """A further section that a question declares."""

    template: ClassVar[str] = "tables"
    title: str
    tables: Sequence[FoldedTable]
    note: str


@dataclass(frozen=True, slots=True)
class Statistics:
    """A question's numbers as they are stored; lists of records are folded tables."""

    template: ClassVar[str] = "statistics"
    question: str
    values: Sequence[tuple[str, str]]
    records: Sequence[Table]


def question_page(spec: Question, summary: dict[str, Any] | None, read: Read) -> list[Part]:
    """The parts of the page, from top to bottom.

    Args:
        spec: the question.
        summary: summary.json; None before anything is published.
        read: reads everything else that the page shows.
    """
    if summary is None or spec.name not in summary["questions"]:
        return [Unpublished(spec.title, spec.asks)]
    question = summary["questions"][spec.name]
    frame = read.behind(scripted=summary["provenance"]["scripted"])
    return [
        _top(summary),
        Asked(spec.title, question["question"], question["scripted"], question["headline"]),
        drawing(read.figure(f"{spec.name}.wide.svg"), read.figure(f"{spec.name}.narrow.svg"), question["alt"]),
        Words(question["caption"], "caption"),
        Evidence(spec.mark),
        Reading(question["reading"], question["quote"]),
        *_claims(question),
        *(section for declared in spec.sections for section in _declared(declared, question)),
        _statistics(spec, question),
        Rows(frame, EPISODES, title="Episodes"),
        Words(
            f"All episodes measured so far ({frame.height}), sorted by condition then id; "
            "episode links open the transcript reader.",
            "caption",
        ),
        Heading("Downloads"),
        downloads(spec.name, spec.tables, summary, read),
    ]


def _top(summary: dict[str, Any]) -> QuestionTop:
    origin = summary["provenance"]
    return QuestionTop(
        title=summary["title"],
        subtitle=summary["subtitle"],
        commit=origin["commit"],
        generated=origin["generated"][:10],
        n_episodes=origin["n_episodes"],
        scripted=origin["scripted"],
        left_out=origin["scripted_left_out"],
        status=origin["status"],
    )


def _claims(question: dict[str, Any]) -> list[Section]:
    """Every claim with its status, so that a reader also sees which claims are not supported."""
    rows = [[claim["name"], claim["status"], "; ".join(claim["because"]) or "—"] for claim in question["claims"]]
    columns = {"claim": False, "status": False, "blocked or rewritten by": False}
    return [TitledTable("Claims", Table("claims", columns, rows))] if rows else []


def _declared(declared: Declared, question: dict[str, Any]) -> list[Section]:
    """A section that the question declares; empty if it has no tables."""
    tables = [
        FoldedTable(Table(one.label, one.columns, one.rows), one.folded, one.unfolded)
        for one in declared.tables(question)
    ]
    return [Tables(declared.heading, tables, declared.note)] if tables else []


def _statistics(spec: Question, question: dict[str, Any]) -> Statistics:
    lists = {name: question[name] for name in spec.statistics if are_records(question[name])}
    values = flat({name: question[name] for name in spec.statistics if name not in lists})
    return Statistics(spec.name, values, [_records(name, records) for name, records in lists.items()])


def _records(name: str, records: list[dict[str, Any]]) -> Table:
    """Records as a table with one column per key."""
    columns = {key: any(isinstance(record[key], int | float) for record in records) for key in records[0]}
    return Table(name, columns, [[text_of(record[key]) for key in columns] for record in records])
