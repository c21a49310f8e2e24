"""Claims about capture, and about what the variance of pulls is due to."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from di_assets.measures.intervals import Interval
from di_assets.measures.lift import holm
from di_assets.report.named import named
from di_assets.report.questions.page import talking
from di_assets.report.questions.scope import FocalModel, Scope
from di_assets.report.questions.statement import Claim, Evidence, Rows, Statement, judge
from di_assets.report.questions.threats import flaws

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
RECEIVERS = Statement(
    name="{who}: some seats are given more by all",
    quantity="the variance of receivers in {who}",
    unit="receiver variance",
    form="+.4f",
    supported="In {who} some seats draw pulls from everybody: {span}.",
    undecided="Whether in {who} anybody draws pulls from everybody is open: {span}.",
    contradicted="In {who} nobody draws pulls from everybody; seats share alike: {span}.",
    missing="How the variance of pulls splits in {who} is not measured.",
    tested=False,
)
PAIRS = Statement(
    name="{who}: who pulls whom depends on the pair",
    quantity="the variance of pairs in {who}",
    unit="dyad variance above random pulling",
    form="+.4f",
    supported="In {who} who pulls whom depends on the pair, beyond what random pulling gives: {span}.",
    undecided="Whether in {who} pairs differ beyond random pulling is open: {span}.",
    contradicted="In {who} pairs differ less than under random pulling, as if pulls rotated: {span}.",
    missing="How the variance of pulls splits in {who} is not measured.",
    tested=False,
)


def captures(rows: Sequence[FocalModel], *, scripted: bool) -> list[Claim]:
    """For each model, whether it takes more than blind reciprocation explains. Secondary; no proof of persuasion."""
    shown = [row for row in rows if row.on is not None]
    tested = [row for row in shown if row.capture.p is not None]
    adjusted = dict(zip((row.model for row in tested), holm([row.capture.p or 0.0 for row in tested]), strict=True))
    return [
        judge(
            CAPTURES,
            Evidence(
                who=named(row.model, scripted=scripted),
                estimate=row.capture.mean,
                interval=row.capture.t,
                p=adjusted.get(row.model),
                flaws=row.flaws_on,
                model=row.model,
                rows=(Rows("model_points", {"model": row.model}),),
                parts=("on",),
            ),
        )
        for row in shown
    ]


def split_claims(scope: Scope, variance: Sequence[Mapping[str, Any]]) -> list[Claim]:
    """Two claims per arm: some seats draw pulls from everybody, and who pulls whom depends on the pair."""
    claims = []
    for row in variance:
        if not row["n"]:
            continue
        found = flaws(talking(scope).filter(arm=row["arm"], condition=row["condition"]))
        rows = (Rows("relations", {"arm": row["arm"], "condition": row["condition"]}),)
        for statement, part, less in ((RECEIVERS, "receiver", 0.0), (PAIRS, "dyad", row["dyad_by_chance"])):
            value, low, high = (row[f"{part}_{what}"] for what in ("variance", "ci_low", "ci_high"))
            interval = Interval(low, high, row["ci_method"], row["n"])
            if low is not None:
                interval = replace(interval, low=low - less, high=high - less)
            evidence = Evidence(
                named(row["arm"], scripted=scope.scripted),
                None if value is None else value - less,
                interval,
                flaws=found,
                rows=rows,
            )
            claims.append(judge(statement, evidence))
    return claims


def givers() -> Claim:
    """The claim that givers hardly differ. It is refused: it follows from the rules and is not a finding."""
    text = (
        "That givers hardly differ is no finding: every seat has one pull per round to give, so giver variance is nearly zero by "
        "construction."
    )
    return Claim("givers differ", "refused", text, because=("identity",))
