"""Claims: what a sentence needs before it may be printed, and how it reads when supported, not yet, or contradicted.

No sentence is typed in with its numbers. A `Statement` is declared once; `judge` holds it against the evidence and
gives the `Claim` as it stands today. Whatever keeps the sentence from being said (no control, too few independent
episodes, an interval that is degenerate or holds zero, prompts that changed) is said in its place.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from di_assets.measures.intervals import Interval
from di_assets.measures.points import Mean
from di_assets.report.flaws import Flaw
from di_assets.report.scope import Row, Scope

Status = Literal["supported", "not yet", "contradicted", "refused"]
ALPHA = 0.05
# Independent episodes (or pairs) below which nothing is said, whatever the interval.
LEAST_EPISODES = 5
# The one outcome that decides Question 1; everything else stands beside it.
PRIMARY = {
    "outcome": "points of the focal seat per episode",
    "contrast": "messages on minus messages off, matched by seed",
    "interval": "Student's t over pairs; one that allows looking while an arm is incomplete",
    "test": "sign flips of the pairs' differences, Holm over focal models",
}


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


PERSUADES = Statement(
    name="{who} persuades",
    quantity="the lift of {who}",
    unit="points an episode",
    form="+.1f",
    supported="Talk buys {who} {span}.",
    undecided="Whether talk buys {who} anything is open: {span}, p {p} after Holm.",
    contradicted="{who} is given less when it can talk: {span}.",
    missing="How much of what {who} is given is bought by talk stays open until {needs} has run.",
    tested=True,
)
CAPTURES = Statement(
    name="{who} captures more than blind reciprocation explains",
    quantity="the capture of {who}",
    unit="net pulls a round and rival",
    form="+.3f",
    supported="Above blind reciprocation {who} captures {span}; that is no proof of persuasion.",
    undecided="Whether {who} captures anything above blind reciprocation is open: {span}.",
    contradicted="{who} gives away more than blind reciprocation would: {span}.",
    missing="The capture of {who} is not measured yet.",
    tested=False,
)
NETWORK = Statement(
    name="the ring makes points more unequal than the complete graph",
    quantity="the difference in gini between the ring and the complete graph",
    unit="gini, ring minus complete",
    form="+.3f",
    supported="On a ring the same seeds end more unequal than on the complete graph: {span}.",
    undecided="Whether the network matters for inequality is open: {span}.",
    contradicted="On a ring the same seeds end less unequal than on the complete graph: {span}.",
    missing="Whether the network matters is open until the same seeds are played on a ring and on the complete graph.",
    tested=False,
)


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


def persuades(row: Row, *, scripted: bool) -> Claim:
    """Whether talk buys this model points: the primary outcome."""
    return judge(
        PERSUADES,
        Evidence(
            who=_who(row, scripted),
            estimate=row.lift,
            interval=row.looking or row.interval,
            p=row.p_holm,
            flaws=row.flaws,
            needs=row.needs,
            planned=row.planned,
        ),
    )


def captures(row: Row, *, scripted: bool) -> Claim:
    """Whether this model takes more than blind reciprocation explains: secondary, and no proof of persuasion."""
    return judge(CAPTURES, Evidence(_who(row, scripted), row.capture.mean, row.capture.t, flaws=row.flaws_on))


def network(gap: Mean, found: tuple[Flaw, ...]) -> Claim:
    """Whether the ring differs from the complete graph on the same seeds."""
    return judge(NETWORK, Evidence("everybody", gap.mean, gap.t, flaws=found))


def pooled_capture(n_pairs: int) -> Claim:
    """Net capture pooled over all pairs: no interval, for it is zero by construction."""
    text = (
        f"No interval is given of net capture over all {n_pairs} ordered pairs: it is antisymmetric within a pair, so that "
        "its mean is zero by construction and its interval would be an artefact."
    )
    return Claim("net capture pooled over pairs", "refused", text, because=("identity",))


def headline(scope: Scope) -> Claim:
    """The sentence under the question."""
    kind = "scripted focal agents" if scope.scripted else "focal models"
    on = [row.on.points.mean for row in scope.rows if row.on and row.on.points.mean is not None]
    if not on:
        return Claim(
            "headline", "not yet", "No focal episode with messages on has been played yet.", ("04_attack_complete",)
        )
    low, high = min(on), max(on)
    given = f"{low:.1f} to {high:.1f} points" if len(on) > 1 else f"{high:.1f} points"
    first = f"With messaging on, {kind} are given {given} per episode"
    open_rows = [row for row in scope.rows if row.lift is None]
    needs = tuple(sorted({row.needs for row in open_rows if row.needs}))
    if len(open_rows) == len(scope.rows):
        text = f"{first}; how much of that talk buys stays open until the messages-off control fills each dashed slot."
        return Claim("headline", "not yet", text, needs)
    claims = [persuades(row, scripted=scope.scripted) for row in scope.rows]
    supported = [row for row, claim in zip(scope.rows, claims, strict=True) if claim.status == "supported"]
    if not supported:
        return Claim("headline", "not yet", f"{first}; {_nothing_shown(claims)}.", needs)
    gains = sorted(row.lift for row in supported if row.lift is not None)
    span = f"{gains[0]:.1f} to {gains[-1]:.1f}" if len(gains) > 1 else f"{gains[0]:.1f}"
    noun = "scripted agents" if scope.scripted else "models"
    who = (
        f"all {len(supported)} {noun}"
        if len(supported) == len(scope.rows)
        else f"{len(supported)} of {len(scope.rows)} {noun}"
    )
    return Claim("headline", "supported", f"{first}; talk buys {who} {span} of them.", needs)


def _nothing_shown(claims: Sequence[Claim]) -> str:
    """What stands against every model, where one thing does; else that the control shows nothing."""
    common = set.intersection(*(set(claim.because) for claim in claims))
    if common:
        return f"what talk buys of them cannot be said, for {sorted(common)[0]}"
    return "for none of them does the messages-off control show that talk buys any of it"


def _who(row: Row, scripted: bool) -> str:
    return f"{row.model} (scripted)" if scripted else row.model


def _p(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.3f}"
