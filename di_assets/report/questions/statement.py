"""A statement before any data, the evidence it is held against, and the claim that comes out.

A `Statement` is declared once; `judge` holds it against the `Evidence` and gives the `Claim` as it stands today.
Whatever keeps the sentence from being said is said in its place: nothing to compare with, too few independent episodes,
an interval that is degenerate or holds zero, a flaw of the episodes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from di_assets.measures.intervals import Interval
from di_assets.report.questions.threats import Flaw
from di_assets.tables import TABLES

Status = Literal["supported", "not yet", "contradicted", "refused"]
ALPHA = 0.05
# Independent episodes (or pairs) below which nothing is said, whatever the interval.
LEAST_EPISODES = 5


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of a table that a claim is read from.

    Attributes:
        table: a table of the contract.
        where: column -> the value that these rows have in it.

    Raises:
        KeyError: there is no such table.
        ValueError: the table has no such column.
    """

    table: str
    where: Mapping[str, str]

    def __post_init__(self) -> None:
        unknown = sorted(self.where.keys() - TABLES[self.table].schema.keys())
        if unknown:
            raise ValueError(f"{self.table} has no column {', '.join(unknown)}")


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim as it stands today.

    Attributes:
        name: what is claimed, in short.
        status: whether the data carry it; `refused` where no data of this kind could.
        sentence: how it reads now.
        needs: arms that would settle it; empty when nothing is missing.
        because: what blocked or rewrote the sentence; empty when nothing did.
        model: whom it is about; None where it is about no one model.
        rows: the rows of tables that it is read from.
        parts: the sets of episodes behind it, by the names that the figure's marks or `Question.unmarked` give them.
        statement: what it was judged by; None where it is not judged, as a refusal.
    """

    name: str
    status: Status
    sentence: str
    needs: tuple[str, ...] = ()
    because: tuple[str, ...] = ()
    model: str | None = None
    rows: tuple[Rows, ...] = ()
    parts: tuple[str, ...] = ()
    statement: "Statement | None" = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one claim rests on.

    Attributes:
        who: whom it is about as a sentence names it, labelled scripted where it is.
        estimate: of the quantity; None where it cannot be formed.
        interval: of the estimate; its `n` counts independent episodes or pairs.
        p: Holm-adjusted; None where the statement is not tested.
        flaws: of the episodes behind it.
        needs: the arm that is missing.
        planned: units that are planned; None where that is not known.
        model: whom it is about by the name that the tables have; None where it is about no one model.
        rows: the rows of tables that the estimate is read from.
        parts: the sets of episodes behind it.
    """

    who: str
    estimate: float | None
    interval: Interval
    p: float | None = None
    flaws: tuple[Flaw, ...] = ()
    needs: str | None = None
    planned: int | None = None
    model: str | None = None
    rows: tuple[Rows, ...] = ()
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Statement:
    """A claim before any data, as templates over {who}, {span}, {p}, {needs}.

    Attributes:
        name: what is claimed.
        quantity: what is estimated, as a noun.
        unit: of the estimate.
        form: format of the numbers.
        supported: the estimate is above zero.
        undecided: its interval holds zero.
        contradicted: it is below zero.
        missing: there is nothing to estimate it from.
        tested: an adjusted p below ALPHA is needed besides the interval.
    """

    name: str
    quantity: str
    unit: str
    form: str
    supported: str
    undecided: str
    contradicted: str
    missing: str
    tested: bool


def judge(statement: Statement, evidence: Evidence) -> Claim:
    """The statement as the evidence lets it read today, with what the evidence says it rests on."""
    status, sentence, because = _judged(statement, evidence)
    return Claim(
        name=statement.name.format(**_given(evidence)),
        status=status,
        sentence=sentence,
        needs=(evidence.needs,) if evidence.needs else (),
        because=because,
        model=evidence.model,
        rows=evidence.rows,
        parts=evidence.parts,
        statement=statement,
    )


def _judged(statement: Statement, evidence: Evidence) -> tuple[Status, str, tuple[str, ...]]:
    """Status, sentence, and what blocked or rewrote it."""
    given = _given(evidence)
    if evidence.estimate is None:
        return "not yet", statement.missing.format(**given), ("nothing to compare with",)
    span, notes = _span(statement, evidence), tuple(flaw.words for flaw in evidence.flaws)
    blocked = _blocked(evidence)
    if blocked:
        text = f"Nothing is claimed of {statement.quantity.format(**given)}, {span}: {'; '.join(blocked)}."
        return "not yet", text, tuple(dict.fromkeys((*blocked, *notes)))
    low, high = evidence.interval.low or 0.0, evidence.interval.high or 0.0
    if low > 0 and (not statement.tested or (evidence.p is not None and evidence.p < ALPHA)):
        return "supported", statement.supported.format(**given, span=span), notes
    if high < 0:
        return "contradicted", statement.contradicted.format(**given, span=span), notes
    return "not yet", statement.undecided.format(**given, span=span), notes


def _given(evidence: Evidence) -> dict[str, str]:
    p = "unknown" if evidence.p is None else f"{evidence.p:.3f}"
    return {"who": evidence.who, "needs": evidence.needs or "its control", "p": p}


def _blocked(evidence: Evidence) -> tuple[str, ...]:
    """What keeps anything from being claimed, worst first; empty when nothing does."""
    found = [flaw.words for flaw in evidence.flaws if flaw.blocks]
    if evidence.interval.low is None:
        found.append(f"there is no interval ({evidence.interval.method})")
    if evidence.interval.n < LEAST_EPISODES:
        found.append(f"fewer than {LEAST_EPISODES} independent episodes")
    return tuple(found)


def _span(statement: Statement, evidence: Evidence) -> str:
    """The estimate with its interval, the interval's method and n, and what has to be said of the episodes."""
    interval, form = evidence.interval, statement.form
    told = [f"n = {interval.n}"]
    if evidence.planned is not None and interval.n < evidence.planned:
        told = [f"n = {interval.n} of {evidence.planned} planned"]
    told += [flaw.words for flaw in evidence.flaws if not flaw.blocks]
    if interval.low is not None and interval.high is not None:
        told = [f"95% CI [{interval.low:{form}}, {interval.high:{form}}]", interval.method, *told]
    return f"{evidence.estimate:{form}} {statement.unit} ({', '.join(told[:2])}{''.join(f'; {t}' for t in told[2:])})"


def some_of(found: int, among: int, noun: str) -> str:
    """How many of so many: `all 3 models`, `2 of 3 models`, `the one model`."""
    if among == 1:
        return f"the one {noun.removesuffix('s')}"
    return f"all {found} {noun}" if found == among else f"{found} of {among} {noun}"


def from_to(values: Sequence[float], form: str) -> str:
    """The least and the most of these, once where they read alike."""
    return " to ".join(dict.fromkeys(f"{value:{form}}" for value in (min(values), max(values))))
