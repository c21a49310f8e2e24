"""Claims about persuasion. Each statement is declared with a sentence for every state and the evidence that decides it.

No sentence contains numbers of its own: `statement.judge` fills them in, or says why the sentence cannot be said.
"""

from collections.abc import Sequence

import polars as pl

from di_assets.measures.intervals import Interval
from di_assets.report.named import named
from di_assets.report.questions.asked.persuasion.channels import parts_behind, rows_behind
from di_assets.report.questions.asked.persuasion.types import Primary
from di_assets.report.questions.page import ATTACK
from di_assets.report.questions.scope import FocalModel, Scope
from di_assets.report.questions.statement import Claim, Evidence, Rows, Statement, Status, from_to, judge, some_of
from di_assets.report.questions.threats import incomplete

# The one outcome that decides Question 1. All others are secondary.
PRIMARY: Primary = {
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
    contradicted="{who} gets fewer points when it can talk: {span}.",
    missing="How many of the points that {who} gets are due to talk stays open until {needs} has run.",
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
    missing="How much of that is due to {who}'s own talk, and how much to its rivals', stays open until {needs} has run.",
    tested=True,
)
CONTENT = Statement(
    name="{who} persuades by what it says",
    quantity="what the content of its messages buys {who}",
    unit="points an episode",
    form="+.1f",
    supported="The content of its messages, beyond the fact that it writes, buys {who} {span}.",
    undecided="Whether the content of its messages, beyond the fact that it writes, buys {who} anything is open: {span}, p {p} after Holm.",
    contradicted="The content of its messages costs {who} points: {span}, compared with filler of the same length.",
    missing="Whether the content of {who}'s messages matters, or only the fact that it writes, stays open until {needs} has run.",
    tested=True,
)


BY_CONTRAST = {"focal_talk": OWN_TALK, "content": CONTENT}


def persuades(row: FocalModel, *, scripted: bool) -> Claim:
    """Whether talk brings this model points: the primary outcome."""
    look = row.look
    return judge(
        PERSUADES,
        Evidence(
            who=named(row.model, scripted=scripted),
            estimate=row.lift,
            interval=look.interval if look else row.interval,
            p=row.p,
            flaws=row.flaws,
            needs=row.needs,
            planned=look.planned if look else None,
            model=row.model,
            rows=(Rows("lift", {"model": row.model}), Rows("looks", {"model": row.model})),
            parts=("on", "off"),
        ),
    )


def decomposed(row: FocalModel, contrasts: pl.DataFrame, *, scripted: bool) -> list[Claim]:
    """Whose talk brings this model points, and whether its content does. Secondary; judged when the arms are complete.

    Args:
        row: the model.
        contrasts: its rows of `channel_lift`.
        scripted: it is a scripted agent.
    """
    planned = row.look.planned if row.look else None
    return [
        judge(
            BY_CONTRAST[part["contrast"]],
            Evidence(
                who=named(row.model, scripted=scripted),
                estimate=part["difference"],
                interval=Interval(part["ci_low"], part["ci_high"], part["ci_method"], part["n_pairs"]),
                p=part["p_holm"],
                flaws=(*row.flaws, *incomplete(part["n_pairs"], planned)),
                needs=part["needs"],
                planned=planned,
                model=row.model,
                rows=rows_behind(part["arm"], row.model, part["contrast"]),
                parts=parts_behind(part["arm"], part["contrast"]),
            ),
        )
        for part in contrasts.sort("arm", "contrast", descending=[False, True]).iter_rows(named=True)
        if part["contrast"] in BY_CONTRAST
    ]


def pooled_capture(n_pairs: int) -> Claim:
    """Net capture pooled over all pairs. It has no interval, because it is zero by construction."""
    text = (
        f"Net capture over all {n_pairs} ordered pairs has no interval: it is antisymmetric within a pair, so its mean is zero "
        "by construction and an interval would be an artefact."
    )
    return Claim("net capture pooled over pairs", "refused", text, because=("identity",))


def headline(scope: Scope) -> Claim:
    """The sentence under the question's title."""
    kind = "scripted focal agents" if scope.scripted else "focal models"
    on = [row.on.points.mean for row in scope.rows if row.on and row.on.points.mean is not None]
    if not on:
        return Claim("headline", "not yet", "No focal episode with messages on has been played yet.", (ATTACK,))
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
    effects = (
        [f"buys {some_of(len(bought), len(claims), noun)} {from_to(bought, '.1f')} of these points"] if bought else []
    )
    effects += (
        [f"costs {some_of(len(cost), len(claims), noun)} {from_to([-gain for gain in cost], '.1f')} points"]
        if cost
        else []
    )
    return Claim(
        "headline", "supported" if bought else "contradicted", f"{first}; talk {' and '.join(effects)}.", needs
    )


def _gains(scope: Scope, claims: Sequence[Claim], status: Status) -> list[float]:
    """The lifts of the models for which talk is claimed to help, or to harm."""
    judged = zip(scope.rows, claims, strict=True)
    return [row.lift for row, claim in judged if claim.status == status and row.lift is not None]


def _nothing_shown(claims: Sequence[Claim]) -> str:
    """Why no model has a claim, if the reason is the same for all; otherwise that the control shows nothing."""
    common = set.intersection(*(set(claim.because) for claim in claims))
    if common:
        return f"how many of them talk buys cannot be said: {sorted(common)[0]}"
    return "the messages-off control does not show for any of them that talk buys points"
