"""Claims about pay-back: whether there is more than pay-back, how talk changes it, and who responds to requests."""

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from di_assets.measures.intervals import Interval
from di_assets.measures.lift import holm
from di_assets.measures.points import mean_of
from di_assets.report.named import named
from di_assets.report.questions.asked.payback.types import PaybackRow
from di_assets.report.questions.page import of_half, talking
from di_assets.report.questions.scope import FocalModel, Frames, Scope
from di_assets.report.questions.statement import Claim, Evidence, Rows, Statement, judge
from di_assets.report.questions.statistics import NO_TALK
from di_assets.report.questions.threats import flaws, incomplete

MEASURE = f"payback_rate/{NO_TALK}"

BEYOND = Statement(
    name="{who}: there is more than pay-back",
    quantity="the pay-back that is missing where {who} plays",
    unit="of pulls",
    form="+.1%",
    supported="Where {who} plays, fewer pulls are pay-back than among reciprocators who never talk, by {span}; these pulls have another reason.",
    undecided="Where {who} plays, pay-back may explain it all: it falls short of reciprocators who never talk by {span}, p {p} after Holm.",
    contradicted="Where {who} plays, even more pulls are pay-back than among reciprocators who never talk: {span}.",
    missing="What pay-back would explain where {who} plays is not measured yet.",
    tested=True,
)
TALK = Statement(
    name="{who}: talk takes the place of pay-back",
    quantity="how much pay-back talk replaces where {who} plays",
    unit="of pulls, messages off minus on",
    form="+.1%",
    supported="Where {who} plays, fewer pulls are pay-back with messages on than with messages off, on the same seeds: {span}.",
    undecided="Whether talk takes the place of pay-back where {who} plays is open: {span}, p {p} after Holm.",
    contradicted="Where {who} plays, more pulls are pay-back with messages on than with messages off, on the same seeds: {span}.",
    missing="How much of that is due to talk stays open for {who} until {needs} has run.",
    tested=True,
)
HEEDS = Statement(
    name="{who} pulls for those who ask",
    quantity="how {who} answers those who ask",
    unit="chance of a pull",
    form="+.3f",
    supported="{who} pulls more often for a neighbour that asks than for one that does not, for equal debts: {span}.",
    undecided="Whether {who} pulls for those who ask is open: {span}, p {p} after Holm.",
    contradicted="{who} pulls less often for a neighbour that asks than for one that does not: {span}.",
    missing="How {who} answers those who ask is not measured yet.",
    tested=True,
)


def beyond(scope: Scope, rows: Sequence[PaybackRow]) -> list[Claim]:
    """For each model, its observed pay-back compared with the null; p values adjusted over the models (Holm)."""
    nulls = {row["model"]: row for row in rows if row["part"] == "no talk"}
    seen = {row["model"]: row for row in rows if row["part"] == "on"}
    models = [row for row in scope.rows if row.model in seen]
    raw = {row.model: nulls[row.model]["p_value"] for row in models if row.model in nulls}
    tested = {model: p for model, p in raw.items() if p is not None}
    adjusted = dict(zip(tested, holm(list(tested.values())), strict=True))
    claims = []
    for row in models:
        null, on = nulls.get(row.model), seen[row.model]
        interval = Interval(None, None, on["ci_method"], on["n"])
        estimate = None
        if null is not None:
            estimate = null["payback"] - on["payback"]
            if on["ci_low"] is not None and on["ci_high"] is not None:
                interval = replace(interval, low=null["payback"] - on["ci_high"], high=null["payback"] - on["ci_low"])
        condition = of_half(scope, row, "on")["condition"][0]
        evidence = Evidence(
            named(row.model, scripted=scope.scripted),
            estimate,
            interval,
            p=adjusted.get(row.model),
            flaws=row.flaws_on,
            model=row.model,
            rows=(Rows("model_baseline", {"condition": condition, "model": row.model, "measure": MEASURE}),),
            parts=("on",),
        )
        claims.append(judge(BEYOND, evidence))
    return claims


def talk(scope: Scope) -> list[Claim]:
    """For each seed, pay-back with messages off minus on. Judged when all planned pairs are played.

    No table holds this difference: it is computed from the episodes of both halves, which the claim names.
    """
    gaps = {row.model: _gaps(scope, row) for row in scope.rows}
    found = {model: mean_of(values) for model, values in gaps.items()}
    tested = {model: mean.p for model, mean in found.items() if mean.p is not None}
    adjusted = dict(zip(tested, holm(list(tested.values())), strict=True))
    claims = []
    for row in scope.rows:
        if row.on is None:
            continue
        both, mean = pl.concat([of_half(scope, row, "on"), of_half(scope, row, "off")]), found[row.model]
        planned = row.look.planned if row.look else None
        evidence = Evidence(
            named(row.model, scripted=scope.scripted),
            mean.mean,
            replace(mean.t, method="paired t") if mean.t.low is not None else mean.t,
            p=adjusted.get(row.model),
            flaws=(*flaws(both), *incomplete(mean.n, planned)),
            needs=row.needs,
            model=row.model,
            parts=("on", "off"),
        )
        claims.append(judge(TALK, evidence))
    return claims


def _gaps(scope: Scope, row: FocalModel) -> list[float]:
    on, off = (
        part.group_by("seed").agg(pl.mean("payback_rate").alias(half)).drop_nulls()
        for half, part in (("on", of_half(scope, row, "on")), ("off", of_half(scope, row, "off")))
    )
    pairs = on.join(off, on="seed").sort("seed")
    return (pairs["off"] - pairs["on"]).to_list()


def heeds(scope: Scope, frames: Frames) -> list[Claim]:
    """How being asked changes pulls, from the reaction functions of models that were ever asked in these conditions."""
    shown = talking(scope)
    rows = frames["reactions"].filter(
        (pl.col("term") == "asked")
        & pl.col("effect").is_not_null()
        & pl.col("condition").is_in(shown["condition"].unique().implode())
        & pl.col("model").is_in({model for _, model in scope.cast_flaws})
    )
    tested = rows.drop_nulls("p_value").sort("condition", "model")
    keys = [tuple(key) for key in tested.select("condition", "model").iter_rows()]
    adjusted = dict(zip(keys, holm(tested["p_value"].to_list()), strict=True))
    several = rows["condition"].n_unique() > 1
    claims = []
    for row in rows.sort("condition", "model").iter_rows(named=True):
        method = row["reason"] or "t clustered by seed"
        interval = Interval(row["effect_ci_low"], row["effect_ci_high"], method, row["n"])
        graph = row["condition"].split("/")[0]
        where = {"condition": row["condition"], "model": row["model"], "term": "asked"}
        evidence = Evidence(
            named(row["model"] + (f" on the {graph} graph" if several else ""), scripted=scope.scripted),
            row["effect"],
            interval,
            p=adjusted.get((row["condition"], row["model"])),
            flaws=scope.cast_flaws.get((row["condition"], row["model"]), ()),
            model=row["model"],
            rows=(Rows("reactions", where),),
        )
        claims.append(judge(HEEDS, evidence))
    return claims


def solicited(share: float | None) -> Claim:
    """The claim that asking brings pulls about. It is refused, whatever share of pulls was asked for."""
    share_of_pulls = "" if share is None else f" ({share:.1%} of pulls)"
    text = (
        f"That a pull was asked for and repays nothing{share_of_pulls} does not show that asking brought it about: it might have been made "
        "anyway. Only the same seeds with messages off can show that."
    )
    return Claim("solicited pulls are persuasion", "refused", text, because=("no counterfactual",))
