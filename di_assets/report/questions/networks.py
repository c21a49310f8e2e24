"""Question 4: does the network matter? Complete against ring: points, cascades, gini, each against its own null."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from di_assets.measures.comparable import ring_and_complete
from di_assets.measures.intervals import Interval, clustered_t
from di_assets.measures.lift import holm
from di_assets.measures.points import mean_of
from di_assets.report.questions.claims import NETWORK, network
from di_assets.report.questions.page import ATTACK, RING, Grounded, among, counted, question_of, sentences, talking
from di_assets.report.questions.quotes import asking
from di_assets.report.questions.scope import Frames, Scope, linked_events
from di_assets.report.questions.statement import Claim, Evidence, Statement, judge
from di_assets.report.questions.statistics import NO_TALK
from di_assets.report.questions.threats import Flaw, flaws

QUESTION = "Does the network matter?"
MEASURES = {"points": "focal_points", "cascades": "cascades", "gini": "gini"}
UNITS = {"points": "points an episode", "cascades": "cascades an episode", "gini": "gini"}
FORMS = {"points": "+.1f", "cascades": "+.2f", "gini": "+.3f"}
# The graphs that are compared, and the arm that brings each.
GRAPHS = {"complete": ATTACK, "ring": RING}

ABOVE_NULL = {
    measure: Statement(
        name="{who} exceed what blind reciprocation gives",
        quantity="{who} above blind reciprocation",
        unit=UNITS[measure],
        form=FORMS[measure],
        supported="More than reciprocators who never talk would give: {who}, by {span}.",
        undecided="Open is whether reciprocators who never talk would give as much: {who}, {span}, p {p} after Holm.",
        contradicted="Less than reciprocators who never talk would give: {who}, by {span}.",
        missing="Not held against a null yet: {who}.",
        tested=True,
    )
    for measure in MEASURES
}
WORDS = {"points": "points of focal seats", "cascades": "cascades", "gini": "unequal points (gini)"}
BETWEEN = {
    "points": Statement(
        name="the ring brings focal seats more than the complete graph",
        quantity="the difference in points between the ring and the complete graph",
        unit="points an episode, ring minus complete",
        form=FORMS["points"],
        supported="On a ring focal seats are given more than on the complete graph with the same seeds: {span}.",
        undecided="Whether the network matters for focal seats’ points is open: {span}.",
        contradicted="On a ring focal seats are given less than on the complete graph with the same seeds: {span}.",
        missing="Whether the network matters for focal seats’ points is open until {needs} has played the same seeds.",
        tested=False,
    ),
    "cascades": Statement(
        name="the ring has more cascades than the complete graph",
        quantity="the difference in cascades between the ring and the complete graph",
        unit="cascades an episode, ring minus complete",
        form=FORMS["cascades"],
        supported="On a ring cascades are more frequent than on the complete graph with the same seeds: {span}.",
        undecided="Whether the network matters for cascades is open: {span}.",
        contradicted="On a ring cascades are rarer than on the complete graph with the same seeds: {span}.",
        missing="Whether the network matters for cascades is open until {needs} has played the same seeds.",
        tested=False,
    ),
    "gini": replace(NETWORK, missing="Whether the network matters for inequality is open until {needs} has played the same seeds."),
}  # fmt: skip


def question_4(scope: Scope, frames: Frames) -> dict[str, Any]:
    """Question 4 as it stands today."""
    rows = network_rows(scope, frames)
    between, above = _between(scope, frames, rows), _above(scope, rows)
    ranked = talking(scope).with_columns(ring=pl.col("topology") == "ring")
    return question_of(
        scope,
        question=QUESTION,
        headline=_headline(rows, between, scripted=scope.scripted),
        claims=[*between, *above],
        measured=bool(rows),
        rows=rows,
        marks=_marks(scope, frames),
        most_points=scope.most_points,
        waiting={
            graph: arm for graph, arm in GRAPHS.items() if graph not in {row["graph"].split(",")[0] for row in rows}
        },
        caption=_caption(rows, scope),
        alt=_alt(rows, scope),
        quote=asking(frames, ranked.sort(["ring", "gini", "episode_id"], descending=[True, True, False])),
        reading=_reading(rows, between, above),
    )


def network_rows(scope: Scope, frames: Frames) -> list[dict[str, Any]]:
    """The table behind the figure: a row a measure and condition with messages on, with what its null gives."""
    shown = talking(scope)
    rows = []
    for measure, column in MEASURES.items():
        for (condition,), part in shown.sort("condition").group_by("condition", maintain_order=True):
            blocks = (
                part.drop_nulls(column)
                .group_by("focal_model", "seed")
                .agg(pl.mean(column))
                .sort("seed", "focal_model", nulls_last=True)
            )
            if blocks.is_empty():
                continue
            interval = clustered_t(blocks[column].to_list(), blocks["seed"].to_list())
            null = frames["reciprocity_baseline"].filter(condition=condition, measure=f"{column}/{NO_TALK}")
            known: Mapping[str, Any] = null.row(0, named=True) if null.height else {}
            rows.append(
                {"measure": measure, "graph": _graph(shown, str(condition)), "condition": condition, "n": blocks.height, "n_seeds": interval.n,
                 "value": blocks[column].mean(), "ci_low": interval.low, "ci_high": interval.high, "ci_method": interval.method,
                 **{name: known.get(name) for name in ("null_mean", "null_low", "null_high", "p_value")}}
            )  # fmt: skip
    return rows


def _graph(shown: pl.DataFrame, condition: str) -> str:
    """Name of a condition's graph, with its payoff where there is more than one."""
    topology, payoff, _ = condition.split("/")
    return topology if shown["payoff"].n_unique() == 1 else f"{topology}, {payoff}"


def _between(scope: Scope, frames: Frames, rows: Sequence[Mapping[str, Any]]) -> list[Grounded]:
    """Ring minus complete on the same seeds, measure by measure."""
    if not rows:
        return []
    claims = []
    for measure, column in MEASURES.items():
        if measure == "points" and scope.episodes["focal_points"].count() == 0:
            continue
        blocks = ring_and_complete(scope.episodes, frames["seats"], scope.episodes, measure=column)
        gap = mean_of((blocks[f"{column}_ring"] - blocks[f"{column}_complete"]).to_list())
        ring = scope.episodes.filter(pl.col("topology") == "ring", pl.col("seed").is_in(blocks["seed"].implode()))
        found: tuple[Flaw, ...] = flaws(ring)
        if gap.mean is None:
            needs = _needs({row["graph"] for row in rows})
            evidence = Evidence("everybody", None, gap.t, needs=needs)
            claims.append(Grounded(judge(BETWEEN[measure], evidence)))
        elif measure == "gini":
            claims.append(Grounded(network(gap, found)))
        else:
            claims.append(Grounded(judge(BETWEEN[measure], Evidence("everybody", gap.mean, gap.t, flaws=found))))
    return claims


def _needs(graphs: set[str]) -> str:
    played = {graph.split(",")[0] for graph in graphs}
    return RING if "ring" not in played else ATTACK if "complete" not in played else RING


def _above(scope: Scope, rows: Sequence[Mapping[str, Any]]) -> list[Grounded]:
    """Each measure on each graph against its own null; Holm over all of them."""
    tested = [row for row in rows if row["p_value"] is not None]
    keys = [(row["measure"], row["condition"]) for row in tested]
    adjusted = dict(zip(keys, holm([row["p_value"] for row in tested]), strict=True))
    claims = []
    for row in rows:
        null, measure = row["null_mean"], row["measure"]
        interval = Interval(row["ci_low"], row["ci_high"], row["ci_method"], row["n_seeds"])
        if null is not None and row["ci_low"] is not None:
            interval = replace(interval, low=row["ci_low"] - null, high=row["ci_high"] - null)
        evidence = Evidence(
            f"{WORDS[measure]} on {_article(row['graph'])}" + (" (scripted)" if scope.scripted else ""),
            None if null is None else row["value"] - null,
            interval,
            p=adjusted.get((measure, row["condition"])),
            flaws=flaws(talking(scope).filter(condition=row["condition"])),
        )
        where = {"condition": row["condition"], "measure": f"{MEASURES[measure]}/{NO_TALK}"}
        claims.append(Grounded(judge(ABOVE_NULL[measure], evidence), None, (("reciprocity_baseline", where),)))
    return claims


def _article(graph: str) -> str:
    return "the complete graph" if graph == "complete" else f"the {graph}"


def _headline(rows: Sequence[Mapping[str, Any]], between: Sequence[Grounded], *, scripted: bool) -> Claim:
    if not rows:
        return Claim("headline", "not yet", "No episode with messages on has been played on any graph yet.", (ATTACK, RING))  # fmt: skip
    told = "; ".join(f"{WORDS[measure]} {_values(rows, measure)}" for measure in MEASURES if _values(rows, measure))
    first = among(f"with messages on: {told}", scripted=scripted)
    needs = tuple(sorted({need for one in between for need in one.claim.needs}))
    if needs:
        return Claim("headline", "not yet", f"{first}. Whether the network matters stays open until {', '.join(needs)} has played the same seeds.", needs)  # fmt: skip
    settled = [one.claim for one in between if one.claim.status in {"supported", "contradicted"}]
    if not settled:
        return Claim("headline", "not yet", f"{first}. On the same seeds no difference between ring and complete graph can be claimed.")  # fmt: skip
    changes = [_CHANGES[claim.name][claim.status == "contradicted"] for claim in settled]
    text = (
        f"{first}. On the same seeds the ring {', '.join(changes[:-1]) + ' and ' if changes[1:] else ''}{changes[-1]}."
    )
    return Claim("headline", settled[0].status, text)


# How a settled difference reads in the headline: ring above the complete graph, and below it.
_CHANGES = {
    BETWEEN["points"].name: ("gives focal seats more points", "gives focal seats fewer points"),
    BETWEEN["cascades"].name: ("has more cascades", "has fewer cascades"),
    BETWEEN["gini"].name: ("ends less equal", "ends more equal"),
}


def _values(rows: Sequence[Mapping[str, Any]], measure: str) -> str:
    form = FORMS[measure].removeprefix("+")
    return ", ".join(f"{row['value']:{form}} on {_article(row['graph'])}" for row in rows if row["measure"] == measure)


def _marks(scope: Scope, frames: Frames) -> list[dict[str, Any]]:
    """A mark a measure and episode.

    It opens, for points, the focal seat's first event; for cascades, a pull of the round in which most pulls meet; for
    gini, the first pull for the seat with most points.
    """
    shown = talking(scope)
    pulls = (
        frames["pulls"]
        .filter(status="valid")
        .join(shown.select("episode_id"), on="episode_id", how="semi")
        .sort("episode_id", "event_id")
    )
    met = pulls.group_by("episode_id", "round", "target", maintain_order=True).agg(pl.len(), pl.min("event_id"))
    most = pulls.group_by("episode_id", "target", maintain_order=True).agg(pl.len(), pl.min("event_id"))
    events = {
        "points": linked_events(shown.filter(pl.col("focal_model").is_not_null()), frames),
        "cascades": _first(met),
        "gini": _first(most),
    }
    return [
        {"model": model or "mixed cast", "part": f"{measure}, {_graph(shown, condition)}", "measure": measure, "condition": condition,
         "episode_id": key, "event_id": events[measure].get(key, 0), "value": float(value)}
        for measure, column in MEASURES.items()
        for key, condition, model, value in shown.drop_nulls(column).sort("condition", column, "episode_id").select(
            "episode_id", "condition", "focal_model", column).iter_rows()
    ]  # fmt: skip


def _first(counted_pulls: pl.DataFrame) -> dict[str, int]:
    """Of each episode the event of the row that counts most; the earliest of several."""
    ranked = counted_pulls.sort(["episode_id", "len", "event_id"], descending=[False, True, False])
    return dict(ranked.group_by("episode_id", maintain_order=True).agg(pl.first("event_id")).iter_rows())


def _caption(rows: Sequence[Mapping[str, Any]], scope: Scope) -> str:
    return (
        "Each dot is one episode with messages on; the tall tick their mean over independent episodes, the line its 95% interval (Student’s t, "
        "clustered by seed). The pale band holds 95% of the means of as many episodes of reciprocators who never talk on the same graph, "
        "the ochre tick is theirs: each graph against its own null, for a ring leaves fewer to choose from. A dashed slot waits for its arm. "
        f"{counted([row['n'] for row in rows])}; one point = one pull, {scope.most_points} = the rivals’ whole budget; gini "
        "0 = all seats equal."
    )


def _alt(rows: Sequence[Mapping[str, Any]], scope: Scope) -> str:
    told = [
        f"{WORDS[row['measure']]} on {_article(row['graph'])}: {row['value']:.3g}"
        + (f", null {row['null_mean']:.3g}" if row["null_mean"] is not None else "")
        for row in rows
    ]
    lead = "Strips of dots, scripted agents" if scope.scripted else "Strips of dots"
    return f"{lead}. {'; '.join(told)}." if told else "No episode with messages on yet."


def _reading(rows: Sequence[Mapping[str, Any]], between: Sequence[Grounded], above: Sequence[Grounded]) -> list[str]:
    if not rows:
        return ["Nothing has been played that this question could be answered from: it takes the same seeds on the complete graph and on a ring."]  # fmt: skip
    return [
        ("A ring cuts every seat’s choice to two neighbours: even players who never talk converge and repay differently there. What the network "
        "does is therefore read in two ways: each graph against its own null, and the ring against the complete graph where the same casts "
        "played the same seeds on both."),
        sentences(between),
        sentences(above),
    ]  # fmt: skip
