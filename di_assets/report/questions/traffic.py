"""Question 2: is it persuasion or pay-back? Pulls split into kinds, beside what reciprocators who never talk give."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from di_assets.measures.intervals import Interval
from di_assets.measures.lift import holm
from di_assets.measures.points import mean_of
from di_assets.report.questions.page import (
    ATTACK,
    Grounded,
    among,
    counted,
    mean_over_seeds,
    of_half,
    question_of,
    sentences,
    some_claims,
    talking,
    who,
)
from di_assets.report.questions.quotes import asking
from di_assets.report.questions.scope import Frames, Row, Scope, linked_events
from di_assets.report.questions.statement import Claim, Evidence, Statement, judge
from di_assets.report.questions.statistics import NO_TALK, rate
from di_assets.report.questions.threats import flaws, incomplete

QUESTION = "Is it persuasion or pay-back?"
SPLIT = {"payback": "payback_rate", "solicited": "solicited_not_payback_rate", "unprompted": "unprompted_rate"}
MEASURE = f"payback_rate/{NO_TALK}"

BEYOND = Statement(
    name="{who}: there is more than pay-back",
    quantity="the pay-back that is missing where {who} plays",
    unit="of pulls",
    form="+.1%",
    supported="Where {who} plays, fewer pulls are pay-back than among reciprocators who never talk, by {span}: that much is something else.",
    undecided="Where {who} plays, pay-back may explain it all: it falls short of reciprocators who never talk by {span}, p {p} after Holm.",
    contradicted="Where {who} plays, even more is pay-back than among reciprocators who never talk: {span}.",
    missing="What pay-back would explain where {who} plays is not measured yet.",
    tested=True,
)
TALK = Statement(
    name="{who}: talk takes the place of pay-back",
    quantity="what talk takes from pay-back where {who} plays",
    unit="of pulls, messages off minus on",
    form="+.1%",
    supported="With messages on less is pay-back than with messages off on the same seeds where {who} plays: {span}.",
    undecided="Whether talk takes the place of pay-back where {who} plays is open: {span}, p {p} after Holm.",
    contradicted="With messages on more is pay-back than with messages off on the same seeds where {who} plays: {span}.",
    missing="How much of that is due to talk stays open for {who} until {needs} has run.",
    tested=True,
)
HEEDS = Statement(
    name="{who} pulls for those who ask",
    quantity="how {who} answers those who ask",
    unit="chance of a pull",
    form="+.3f",
    supported="{who} pulls for a neighbour that asks more often than for one that does not, whatever it owes: {span}.",
    undecided="Whether {who} pulls for those who ask is open: {span}, p {p} after Holm.",
    contradicted="{who} pulls for a neighbour that asks less often than for one that does not: {span}.",
    missing="How {who} answers those who ask is not measured yet.",
    tested=True,
)


def question_2(scope: Scope, frames: Frames) -> dict[str, Any]:
    """Question 2 as it stands today."""
    rows = traffic(scope, frames)
    beyond, talk, heeds = _beyond(scope, rows), _talk(scope), _heeds(scope, frames)
    total = {name: rate(scope, column) for name, column in SPLIT.items()}
    top = _headline(total, rows, beyond, talk, scripted=scope.scripted)
    refused = [Grounded(_solicited(total["solicited"]["value"]))] if rows else []
    return question_of(
        scope,
        question=QUESTION,
        headline=top,
        claims=[*beyond, *talk, *heeds, *refused],
        measured=bool(rows),
        total=total,
        rows=rows,
        marks=_marks(scope, frames),
        caption=_caption(rows),
        alt=_alt(rows, scope),
        quote=asking(frames, talking(scope).sort(["solicited_not_payback_rate", "episode_id"], descending=[True, False], nulls_last=True)),
        reading=_reading(rows, beyond, talk, heeds, refused),
    )  # fmt: skip


def traffic(scope: Scope, frames: Frames) -> list[dict[str, Any]]:
    """The table behind the figure: a row a model and part (on, off, no talk), then mixed casts by condition."""
    rows = []
    for row in scope.rows:
        on, off = of_half(scope, row, "on"), of_half(scope, row, "off")
        rows += [split for split in (_split(row.model, "on", on), _split(row.model, "off", off)) if split]
        if on["condition"].n_unique() == 1:
            where = {"condition": on["condition"][0], "model": row.model, "measure": MEASURE}
            rows += _null(row.model, frames["model_baseline"].filter(**where))
    mixed = talking(scope).filter(pl.col("focal_model").is_null()).sort("condition")
    for (condition,), part in mixed.group_by("condition", maintain_order=True):
        name = f"mixed cast, {part['topology'][0]}"
        split = _split(name, "on", part)
        rows += [split] if split else []
        rows += _null(name, frames["reciprocity_baseline"].filter(condition=condition, measure=MEASURE))
    return rows


def _split(model: str, part: str, episodes: pl.DataFrame) -> dict[str, Any] | None:
    payback, interval = mean_over_seeds(episodes, SPLIT["payback"])
    if payback is None:
        return None
    shares = {name: mean_over_seeds(episodes, column)[0] for name, column in SPLIT.items()}
    return {"model": model, "part": part, "n": interval.n, **shares, "ci_low": interval.low, "ci_high": interval.high,
            "ci_method": interval.method, "p_value": None}  # fmt: skip


def _null(model: str, found: pl.DataFrame) -> list[dict[str, Any]]:
    """The same split where nobody talks: nothing is asked for, so that what is no pay-back is unprompted."""
    return [
        {"model": model, "part": "no talk", "n": row["n"], "payback": row["null_mean"], "solicited": 0.0, "unprompted": 1 - row["null_mean"],
         "ci_low": row["null_low"], "ci_high": row["null_high"], "ci_method": f"95% of the means of {row['n']} simulated episodes",
         "p_value": row["p_value"]}
        for row in found.iter_rows(named=True)
        if row["null_mean"] is not None
    ]  # fmt: skip


def _beyond(scope: Scope, rows: Sequence[Mapping[str, Any]]) -> list[Grounded]:
    """Observed pay-back against the null's, model by model; Holm over the models."""
    nulls = {row["model"]: row for row in rows if row["part"] == "no talk"}
    seen = {row["model"]: row for row in rows if row["part"] == "on"}
    models = [row for row in scope.rows if row.model in seen]
    raw = {row.model: nulls[row.model]["p_value"] for row in models if row.model in nulls}
    adjusted = dict(zip(raw, holm([p or 0.0 for p in raw.values()]), strict=True))
    claims = []
    for row in models:
        null, on = nulls.get(row.model), seen[row.model]
        interval = Interval(None, None, on["ci_method"], on["n"])
        estimate = None
        if null is not None:
            estimate = null["payback"] - on["payback"]
            if on["ci_low"] is not None:
                interval = replace(interval, low=null["payback"] - on["ci_high"], high=null["payback"] - on["ci_low"])
        condition = of_half(scope, row, "on")["condition"][0]
        evidence = Evidence(who(row.model, scope), estimate, interval, p=adjusted.get(row.model), flaws=row.flaws_on)
        where = {"condition": condition, "model": row.model, "measure": MEASURE}
        claims.append(Grounded(judge(BEYOND, evidence), row.model, (("model_baseline", where),), ("on",)))
    return claims


def _talk(scope: Scope) -> list[Grounded]:
    """Pay-back with messages off minus on, seed by seed; judged once all planned pairs are there."""
    gaps = {row.model: _gaps(scope, row) for row in scope.rows}
    found = {model: mean_of(values) for model, values in gaps.items()}
    tested = {model: mean.p for model, mean in found.items() if mean.p is not None}
    adjusted = dict(zip(tested, holm([p or 0.0 for p in tested.values()]), strict=True))
    claims = []
    for row in scope.rows:
        if row.on is None:
            continue
        both, mean = pl.concat([of_half(scope, row, half) for half in ("on", "off")]), found[row.model]
        planned = row.look.planned if row.look else None
        evidence = Evidence(
            who(row.model, scope),
            mean.mean,
            replace(mean.t, method="paired t") if mean.t.low is not None else mean.t,
            p=adjusted.get(row.model),
            flaws=(*flaws(both), *incomplete(mean.n, planned)),
            needs=row.needs,
        )
        claims.append(Grounded(judge(TALK, evidence), row.model, (("lift", {"model": row.model}),), ("on", "off")))
    return claims


def _gaps(scope: Scope, row: Row) -> list[float]:
    on, off = (
        of_half(scope, row, half).group_by("seed").agg(pl.mean("payback_rate").alias(half)).drop_nulls()
        for half in ("on", "off")
    )
    pairs = on.join(off, on="seed").sort("seed")
    return (pairs["off"] - pairs["on"]).to_list()


def _heeds(scope: Scope, frames: Frames) -> list[Grounded]:
    """What being asked changes, from the reaction functions of those who were ever asked in these conditions."""
    shown = talking(scope)
    cast = frames["seats"].join(shown.select("episode_id"), on="episode_id", how="semi")["model"].unique()
    rows = frames["reactions"].filter(
        (pl.col("term") == "asked")
        & pl.col("effect").is_not_null()
        & pl.col("condition").is_in(shown["condition"].unique().implode())
        & pl.col("model").is_in(cast.implode())
    )
    tested = rows.drop_nulls("p_value").sort("condition", "model")
    keys = [tuple(key) for key in tested.select("condition", "model").iter_rows()]
    adjusted = dict(zip(keys, holm(tested["p_value"].to_list()), strict=True))
    several = rows["condition"].n_unique() > 1
    claims = []
    for row in rows.sort("condition", "model").iter_rows(named=True):
        method = row["reason"] or "t clustered by seed"
        interval = Interval(row["effect_ci_low"], row["effect_ci_high"], method, row["n"])
        sat = frames["seats"].filter(model=row["model"])
        part = shown.filter(condition=row["condition"]).join(sat, on="episode_id", how="semi")
        graph = row["condition"].split("/")[0]
        name = who(row["model"] + (f" on the {graph} graph" if several else ""), scope)
        p = adjusted.get((row["condition"], row["model"]))
        evidence = Evidence(name, row["effect"], interval, p=p, flaws=flaws(part))
        where = {"condition": row["condition"], "model": row["model"], "term": "asked"}
        claims.append(Grounded(judge(HEEDS, evidence), row["model"], (("reactions", where),)))
    return claims


def _solicited(share: float | None) -> Claim:
    told = "" if share is None else f" ({share:.1%} of pulls)"
    text = (
        f"That a pull was asked for and repays nothing{told} does not show that asking brought it about: it might have been made "
        "anyway. Only the same seeds with messages off can show that."
    )
    return Claim("solicited pulls are persuasion", "refused", text, because=("no counterfactual",))


def _headline(
    total: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    beyond: Sequence[Grounded],
    talk: Sequence[Grounded],
    *,
    scripted: bool,
) -> Claim:
    share = {name: value["value"] for name, value in total.items()}
    if not rows or share["payback"] is None:
        return Claim("headline", "not yet", "No pull with messages on has been made yet.", (ATTACK,))
    first = among(
        f"with messages on {share['payback']:.1%} of pulls are pay-back, {share['solicited']:.1%} were asked for and repay nothing, "
        f"{share['unprompted']:.1%} are neither",
        scripted=scripted,
    )
    nulls = [row["payback"] for row in rows if row["part"] == "no talk"]
    chance = (
        f"reciprocators who never talk would repay {sum(nulls) / len(nulls):.1%}" if nulls else "no null is there yet"
    )
    if not beyond:
        return Claim("headline", "not yet", f"{first}; {chance}. No focal model has played with messages on yet.", (ATTACK,))  # fmt: skip
    needs = tuple(sorted({need for one in talk for need in one.claim.needs}))
    stays = f"; what of it talk brings about stays open until {', '.join(needs)} has run" if needs else ""
    states = {one.claim.status for one in beyond}
    if "supported" in states:
        text = (
            f"{first}; {chance}, so pay-back alone does not explain {some_claims(beyond, 'supported', 'casts')}{stays}."
        )
        return Claim("headline", "supported", text, needs)
    if states == {"contradicted"}:
        return Claim("headline", "contradicted", f"{first}; {chance}: pay-back explains all there is.", needs)
    return Claim(
        "headline", "not yet", f"{first}; {chance}, and for no cast can it be said that there is more{stays}.", needs
    )


def _marks(scope: Scope, frames: Frames) -> list[dict[str, Any]]:
    """One mark an episode, at the first pull in it that was asked for and repays nothing; else at its first pay-back."""
    halves = [(row.model, half, of_half(scope, row, half)) for row in scope.rows for half in ("on", "off")]
    mixed = talking(scope).filter(pl.col("focal_model").is_null()).sort("condition")
    halves += [(f"mixed cast, {part['topology'][0]}", "on", part) for part in mixed.partition_by("condition", maintain_order=True)]  # fmt: skip
    events = linked_events(scope.episodes.filter(pl.col("focal_model").is_not_null()), frames)
    kinds = frames["pull_kinds"].filter(pl.col("episode_id").is_in(scope.episodes["episode_id"].implode()))
    for kind in ("payback", "solicited"):  # the latter last: it wins
        events |= dict(kinds.filter(kind=kind).group_by("episode_id").agg(pl.min("event_id")).iter_rows())
    return [
        {"model": model, "part": half, "episode_id": key, "event_id": events.get(key, 0), "value": value}
        for model, half, part in halves
        for key, value in part.drop_nulls("payback_rate").sort("payback_rate", "episode_id").select("episode_id", "payback_rate").iter_rows()
    ]  # fmt: skip


def _caption(rows: Sequence[Mapping[str, Any]]) -> str:
    return (
        "Each bar splits the pulls of the episodes in which a focal model plays, everybody’s pulls: pay-back for a pull of the three rounds "
        "before, asked for by a message and repaying nothing, neither. Each dot is one episode at its share of pay-back; the line is the "
        "95% interval of that share (Student’s t over independent episodes). The bar beside it is the same with messages off, a "
        "dashed slot until the control exists; the last one reciprocators who never talk (10,000 simulated episodes on the same graph; its line "
        f"holds 95% of the means of as many episodes). {counted([r['n'] for r in rows if r['part'] == 'on'])} with "
        "messages on; the whole bar = all valid pulls."
    )


def _alt(rows: Sequence[Mapping[str, Any]], scope: Scope) -> str:
    told = [
        f"{row['model']}, {_part(row['part'])}: {row['payback']:.0%} pay-back, {row['solicited']:.0%} asked for, {row['unprompted']:.0%} neither"
        for row in rows
    ]
    lead = "Split bars, scripted agents" if scope.scripted else "Split bars"
    return f"{lead}: kinds of pull. {'; '.join(told)}." if told else "No pull with messages on yet."


def _part(part: str) -> str:
    return part if part == "no talk" else f"messages {part}"


def _reading(
    rows: Sequence[Mapping[str, Any]],
    beyond: Sequence[Grounded],
    talk: Sequence[Grounded],
    heeds: Sequence[Grounded],
    refused: Sequence[Grounded],
) -> list[str]:
    if not rows:
        return [
            "Nothing has been played that this question could be answered from: it takes an arm with messages on, and its control."
        ]
    return [
        ("A high share of pay-back means nothing alone: players who never write a word and only pull for whoever pulled for them repay most of "
        "the time, too. What counts is how far the traffic departs from theirs, and whether it does so less with messages off."),
        sentences(beyond),
        sentences(talk),
        ("Who is asked decides: the chance that a neighbour is pulled when it asks, beside when it does not, with what is owed held fixed. "
         + sentences(heeds)) if heeds else "",
        sentences(refused),
    ]  # fmt: skip
