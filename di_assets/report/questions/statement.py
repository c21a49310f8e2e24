"""A statement written before any data, the evidence that decides it, and the claim that results.

A `Statement` is declared once. `judge` compares it with the `Evidence` and returns the `Claim` for today's data. If the
sentence cannot be said, the claim says why: there is nothing to compare with, there are too few independent episodes,
the interval is degenerate or includes zero, or the episodes have a flaw.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import polars as pl
import polars.selectors as cs

from di_assets.measures.intervals import Interval
from di_assets.report.questions.threats import Flaw
from di_assets.tables import TABLES

Status = Literal["supported", "not yet", "contradicted", "refused"]
ALPHA = 0.05
# What a trace calls the subject of claims that are not about a single model.
EVERYBODY = "everybody"
# With fewer independent episodes (or pairs) than this, nothing is claimed, whatever the interval.
LEAST_EPISODES = 5


@dataclass(frozen=True, slots=True)
class Rows:
    """The rows of a table that a claim is read from.

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

    def of(self, table: pl.DataFrame) -> pl.DataFrame:
        """These rows of the table."""
        return table.filter(**self.where)

    def digest(self, table: pl.DataFrame) -> str:
        """sha256 of these rows, first 16 hex digits: it changes when a value in them changes.

        Times are left out, and numbers have 9 significant digits, as further ones differ between processors.
        """
        rows = self.of(table).drop(cs.temporal()).sort(TABLES[self.table].keys)
        values = rows.with_columns(cs.float().round_sig_figs(9)).to_dicts()
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim, judged by today's data.

    Attributes:
        name: short name of the claim.
        status: whether the data support it; `refused` if no data of this kind could.
        sentence: the sentence for today's data.
        needs: arms that would decide it; empty if nothing is missing.
        because: what blocked or changed the sentence; empty if nothing did.
        model: the model it is about; None if it is not about a single model.
        rows: the table rows that it is read from.
        parts: the sets of episodes behind it, by the names in the figure's marks or in `Question.unmarked`.
        statement: the statement by which it was judged; None if it is not judged, for example a refusal.
        measured: there was an estimate to judge.
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
    measured: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """The evidence for one claim.

    Attributes:
        who: the subject of the sentence; a scripted agent is labelled as one.
        estimate: estimate of the quantity; None if it cannot be computed.
        interval: interval of the estimate; its `n` counts independent episodes or pairs.
        p: Holm-adjusted p; None if the statement is not tested.
        flaws: flaws of the episodes behind it.
        needs: the arm that is missing.
        planned: number of planned units; None if unknown.
        model: the model's name in the tables; None if the claim is not about a single model.
        rows: the table rows that the estimate is read from.
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
    """A claim before any data: templates that may use {who}, {span}, {p}, {needs}.

    Attributes:
        name: short name of the claim.
        quantity: what is estimated, as a noun.
        unit: unit of the estimate.
        form: format of the numbers.
        supported: the sentence if the estimate is above zero.
        undecided: the sentence if the interval includes zero.
        contradicted: the sentence if the estimate is below zero.
        missing: the sentence if there is nothing to estimate from.
        tested: besides the interval, an adjusted p below ALPHA is required.
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
    """The claim that results from a statement and its evidence, with the rows and episodes of the evidence."""
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
        measured=evidence.estimate is not None,
    )


def _judged(statement: Statement, evidence: Evidence) -> tuple[Status, str, tuple[str, ...]]:
    """Status, sentence, and what blocked or changed the sentence."""
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
    """What prevents any claim, worst first; empty if nothing does."""
    found = [flaw.words for flaw in evidence.flaws if flaw.blocks]
    if evidence.interval.low is None:
        found.append(f"there is no interval ({evidence.interval.method})")
    if evidence.interval.n < LEAST_EPISODES:
        found.append(f"fewer than {LEAST_EPISODES} independent episodes")
    return tuple(found)


def _span(statement: Statement, evidence: Evidence) -> str:
    """The estimate with its interval, the interval's method and n, and remarks on the episodes."""
    interval, form = evidence.interval, statement.form
    details = [f"n = {interval.n}"]
    if evidence.planned is not None and interval.n < evidence.planned:
        details = [f"n = {interval.n} of {evidence.planned} planned"]
    details += [flaw.words for flaw in evidence.flaws if not flaw.blocks]
    if interval.low is not None and interval.high is not None:
        details = [f"95% CI [{interval.low:{form}}, {interval.high:{form}}]", interval.method, *details]
    return f"{evidence.estimate:{form}} {statement.unit} ({', '.join(details[:2])}{''.join(f'; {t}' for t in details[2:])})"


def some_of(found: int, among: int, noun: str) -> str:
    """How many of them: `all 3 models`, `2 of 3 models`, `the one model`."""
    if among == 1:
        return f"the one {noun.removesuffix('s')}"
    return f"all {found} {noun}" if found == among else f"{found} of {among} {noun}"


def from_to(values: Sequence[float], form: str) -> str:
    """The smallest and the largest value; only one if both are printed the same."""
    return " to ".join(dict.fromkeys(f"{value:{form}}" for value in (min(values), max(values))))
