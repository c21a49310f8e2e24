"""The claims of the report: each declared with how it reads when supported, not yet, or contradicted.

No sentence is typed in with its numbers: `statement.judge` fills them in, or says what keeps them from being said.
"""

from collections.abc import Sequence

import polars as pl

from di_assets.measures.intervals import Interval
from di_assets.measures.lift import holm
from di_assets.measures.points import Mean
from di_assets.report.questions.scope import Row, Scope
from di_assets.report.questions.statement import Claim, Evidence, Statement, Status, from_to, judge, some_of
from di_assets.report.questions.threats import Flaw, incomplete

# The one outcome that decides Question 1; everything else stands beside it.
PRIMARY = {
    "outcome": "points of the focal seat per episode",
    "contrast": "messages on minus messages off, matched by seed",
    "interval": "Student's t over pairs; alpha spending over looks once an arm was looked at before it was complete",
    "test": "sign flips of the pairs' differences, and the interval's own p; Holm over focal models",
}


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
    undecided="Whether {who} captures anything above blind reciprocation is open: {span}, p {p} after Holm.",
    contradicted="{who} gives away more than blind reciprocation would: {span}.",
    missing="The capture of {who} is not measured yet.",
    tested=True,
)
OWN_TALK = Statement(
    name="{who} persuades by its own talk",
    quantity="what its own talk buys {who} where its rivals talk too",
    unit="points an episode",
    form="+.1f",
    supported="Its own talk buys {who} {span}, against the same seeds with it alone muted.",
    undecided="Whether its own talk buys {who} anything is open: {span}, p {p} after Holm.",
    contradicted="Its own talk costs {who} points: {span}, against the same seeds with it alone muted.",
    missing="How much of that is its own talk's, and not its rivals', stays open for {who} until {needs} has run.",
    tested=True,
)
CONTENT = Statement(
    name="{who} persuades by what it says",
    quantity="what the content of its messages buys {who}",
    unit="points an episode",
    form="+.1f",
    supported="What it says, beyond that it writes at all, buys {who} {span}.",
    undecided="Whether what it says, beyond that it writes at all, buys {who} anything is open: {span}, p {p} after Holm.",
    contradicted="What it says costs {who} points: {span}, against filler of the same length.",
    missing="Whether it is what {who} says, or that it writes at all, stays open until {needs} has run.",
    tested=True,
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


def persuades(row: Row, *, scripted: bool) -> Claim:
    """Whether talk buys this model points: the primary outcome."""
    look = row.look
    return judge(
        PERSUADES,
        Evidence(
            who=_who(row, scripted),
            estimate=row.lift,
            interval=look.interval if look else row.interval,
            p=row.p,
            flaws=row.flaws,
            needs=row.needs,
            planned=look.planned if look else None,
        ),
    )


def captures(rows: Sequence[Row], *, scripted: bool) -> list[Claim]:
    """Whether each model takes more than blind reciprocation explains: secondary, and no proof of persuasion."""
    shown = [row for row in rows if row.on is not None]
    tested = [row for row in shown if row.capture.p is not None]
    adjusted = dict(zip((row.model for row in tested), holm([row.capture.p or 0.0 for row in tested]), strict=True))
    return [
        judge(
            CAPTURES,
            Evidence(
                who=_who(row, scripted),
                estimate=row.capture.mean,
                interval=row.capture.t,
                p=adjusted.get(row.model),
                flaws=row.flaws_on,
            ),
        )
        for row in shown
    ]


def decomposed(row: Row, contrasts: pl.DataFrame, *, scripted: bool) -> list[Claim]:
    """Whose talk it is that buys this model points, and whether what it says does: secondary, judged at the end.

    Args:
        row: the model.
        contrasts: its rows of `channel_lift`.
        scripted: it is a scripted agent.
    """
    planned = row.look.planned if row.look else None
    statements = {"focal_talk": OWN_TALK, "content": CONTENT}
    return [
        judge(
            statements[part["contrast"]],
            Evidence(
                who=_who(row, scripted),
                estimate=part["difference"],
                interval=Interval(part["ci_low"], part["ci_high"], part["ci_method"], part["n_pairs"]),
                p=part["p_holm"],
                flaws=(*row.flaws, *incomplete(part["n_pairs"], planned)),
                needs=part["needs"],
                planned=planned,
            ),
        )
        for part in contrasts.sort("arm", "contrast", descending=[False, True]).iter_rows(named=True)
        if part["contrast"] in statements
    ]


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
    first = f"With messaging on, {kind} are given {from_to(on, '.1f')} points per episode"
    open_rows = [row for row in scope.rows if row.lift is None]
    needs = tuple(sorted({row.needs for row in open_rows if row.needs}))
    if len(open_rows) == len(scope.rows):
        text = f"{first}; how much of that talk buys stays open until the messages-off control fills each dashed slot."
        return Claim("headline", "not yet", text, needs)
    claims = [persuades(row, scripted=scope.scripted) for row in scope.rows]
    bought, cost = (_gains(scope, claims, status) for status in ("supported", "contradicted"))
    if not bought and not cost:
        return Claim("headline", "not yet", f"{first}; {_nothing_shown(claims)}.", needs)
    noun = "scripted agents" if scope.scripted else "models"
    told = [f"buys {some_of(len(bought), len(claims), noun)} {from_to(bought, '.1f')} of them"] if bought else []
    told += (
        [f"costs {some_of(len(cost), len(claims), noun)} {from_to([-gain for gain in cost], '.1f')} points"]
        if cost
        else []
    )
    return Claim("headline", "supported" if bought else "contradicted", f"{first}; talk {' and '.join(told)}.", needs)


def _gains(scope: Scope, claims: Sequence[Claim], status: Status) -> list[float]:
    """The lifts of the models of whom talk is claimed to be of use, or to be in the way."""
    judged = zip(scope.rows, claims, strict=True)
    return [row.lift for row, claim in judged if claim.status == status and row.lift is not None]


def _nothing_shown(claims: Sequence[Claim]) -> str:
    """What stands against every model, where one thing does; else that the control shows nothing."""
    common = set.intersection(*(set(claim.because) for claim in claims))
    if common:
        return f"what talk buys of them cannot be said, for {sorted(common)[0]}"
    return "for none of them does the messages-off control show that talk buys any of it"


def _who(row: Row, scripted: bool) -> str:
    return f"{row.model} (scripted)" if scripted else row.model
