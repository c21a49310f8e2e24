"""A statement before any data, the evidence it is held against, and the claim that comes out.

A `Statement` is declared once; `judge` holds it against the `Evidence` and gives the `Claim` as it stands today.
Whatever keeps the sentence from being said (nothing to compare with, too few independent episodes, an interval that is
degenerate or holds zero, a flaw of the episodes) is said in its place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from di_assets.measures.intervals import Interval
from di_assets.report.questions.threats import Flaw

Status = Literal["supported", "not yet", "contradicted", "refused"]
ALPHA = 0.05
# Independent episodes (or pairs) below which nothing is said, whatever the interval.
LEAST_EPISODES = 5


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim as it stands today.

    Attributes:
        name: what is claimed, in short.
        status: whether the data carry it; `refused` where no data of this kind could.
        sentence: how it reads now.
        needs: arms that would settle it; empty when nothing is missing.
        because: what blocked or rewrote the sentence; empty when nothing did.
    """

    name: str
    status: Status
    sentence: str
    needs: tuple[str, ...] = ()
    because: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one claim rests on.

    Attributes:
        who: whom it is about, labelled scripted where it is.
        estimate: of the quantity; None where it cannot be formed.
        interval: of the estimate; its `n` counts independent episodes or pairs.
        p: Holm-adjusted; None where the statement is not tested.
        flaws: of the episodes behind it.
        needs: the arm that is missing.
        planned: units that are planned; None where that is not known.
    """

    who: str
    estimate: float | None
    interval: Interval
    p: float | None = None
    flaws: tuple[Flaw, ...] = ()
    needs: str | None = None
    planned: int | None = None


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
    """The statement as the evidence lets it read today."""
    given = {"who": evidence.who, "needs": evidence.needs or "its control", "p": _p(evidence.p)}
    name, needs = statement.name.format(**given), (evidence.needs,) if evidence.needs else ()
    if evidence.estimate is None:
        return Claim(name, "not yet", statement.missing.format(**given), needs, ("nothing to compare with",))
    span, notes = _span(statement, evidence), tuple(flaw.words for flaw in evidence.flaws)
    blocked = _blocked(evidence)
    if blocked:
        text = f"Nothing is claimed of {statement.quantity.format(**given)}, {span}: {'; '.join(blocked)}."
        return Claim(name, "not yet", text, needs, tuple(dict.fromkeys((*blocked, *notes))))
    low, high = evidence.interval.low or 0.0, evidence.interval.high or 0.0
    status: Status = "not yet"
    template = statement.undecided
    if low > 0 and (not statement.tested or (evidence.p is not None and evidence.p < ALPHA)):
        status, template = "supported", statement.supported
    elif high < 0:
        status, template = "contradicted", statement.contradicted
    return Claim(name, status, template.format(**given, span=span), needs, notes)


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


def _p(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"


def some_of(found: int, among: int, noun: str) -> str:
    """How many of so many: `all 3 models`, `2 of 3 models`, `the one model`."""
    if among == 1:
        return f"the one {noun.removesuffix('s')}"
    return f"all {found} {noun}" if found == among else f"{found} of {among} {noun}"


def from_to(values: Sequence[float], form: str) -> str:
    """The least and the most of these, once where they read alike."""
    return " to ".join(dict.fromkeys(f"{value:{form}}" for value in (min(values), max(values))))
