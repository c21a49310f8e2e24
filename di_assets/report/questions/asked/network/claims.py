"""Claims about the network: each measure compared with its null, and the ring with the complete graph."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import polars as pl

from di_assets.measures.comparable import lineups_of, ring_and_complete
from di_assets.measures.intervals import Interval
from di_assets.measures.lift import holm
from di_assets.measures.points import Mean, mean_of
from di_assets.report.named import named
from di_assets.report.questions.asked.network.types import Measure, NetworkRow
from di_assets.report.questions.page import ATTACK, RING, talking
from di_assets.report.questions.scope import Frames, Scope
from di_assets.report.questions.statement import EVERYBODY, Claim, Evidence, Rows, Statement, judge
from di_assets.report.questions.statistics import NO_TALK
from di_assets.report.questions.threats import Flaw, flaws

MEASURES: Mapping[Measure, str] = {"points": "focal_points", "cascades": "cascades", "gini": "gini"}
UNITS = {"points": "points an episode", "cascades": "cascades an episode", "gini": "gini"}
FORMS = {"points": "+.1f", "cascades": "+.2f", "gini": "+.3f"}
# The graphs that are compared, and the arm that plays each.
GRAPHS = {"complete": ATTACK, "ring": RING}

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
ABOVE_NULL = {
    measure: Statement(
        name="{who} exceed what blind reciprocation gives",
        quantity="{who} above blind reciprocation",
        unit=UNITS[measure],
        form=FORMS[measure],
        supported="More than reciprocators who never talk would give: {who}, by {span}.",
        undecided="It is open whether reciprocators who never talk would give as much: {who}, {span}, p {p} after Holm.",
        contradicted="Less than reciprocators who never talk would give: {who}, by {span}.",
        missing="Not compared with a null yet: {who}.",
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
# The headline for a clear difference: ring above the complete graph, and ring below it.
CHANGES = {
    BETWEEN["points"].name: ("gives focal seats more points", "gives focal seats fewer points"),
    BETWEEN["cascades"].name: ("has more cascades", "has fewer cascades"),
    BETWEEN["gini"].name: ("ends less equal", "ends more equal"),
}


def network(gap: Mean, found: tuple[Flaw, ...], parts: tuple[str, ...]) -> Claim:
    """Whether the ring differs from the complete graph on the same seeds.

    Args:
        gap: gini on the ring minus gini on the complete graph, over seeds.
        found: flaws of the episodes on the ring.
        parts: names of the sets of episodes on both graphs.
    """
    return judge(NETWORK, Evidence(EVERYBODY, gap.mean, gap.t, flaws=found, parts=parts))


def between(scope: Scope, frames: Frames, rows: Sequence[NetworkRow]) -> list[Claim]:
    """For each measure, ring minus complete graph on the same seeds."""
    if not rows:
        return []
    claims, lineups = [], lineups_of(frames["seats"])
    for measure, column in MEASURES.items():
        if measure == "points" and scope.episodes["focal_points"].count() == 0:
            continue
        blocks = ring_and_complete(scope.episodes, lineups, scope.episodes, measure=column)
        gap = mean_of((blocks[f"{column}_ring"] - blocks[f"{column}_complete"]).to_list())
        ring = scope.episodes.filter(pl.col("topology") == "ring", pl.col("seed").is_in(blocks["seed"].implode()))
        found: tuple[Flaw, ...] = flaws(ring)
        if gap.mean is None:
            needs = _needs({row["graph"] for row in rows})
            evidence = Evidence(EVERYBODY, None, gap.t, needs=needs)
            claims.append(judge(BETWEEN[measure], evidence))
        else:
            parts = tuple(part_of_figure(measure, row["graph"]) for row in rows if row["measure"] == measure)
            evidence = Evidence(EVERYBODY, gap.mean, gap.t, flaws=found, parts=parts)
            claims.append(judge(BETWEEN[measure], evidence))
    return claims


def _needs(graphs: set[str]) -> str:
    played = {graph.split(",")[0] for graph in graphs}
    return RING if "ring" not in played else ATTACK if "complete" not in played else RING


def above(scope: Scope, rows: Sequence[NetworkRow]) -> list[Claim]:
    """Each measure on each graph compared with its own null; p values are adjusted over all of them (Holm)."""
    raw = {(row["measure"], row["condition"]): p for row in rows if (p := row["p_value"]) is not None}
    adjusted = dict(zip(raw, holm(list(raw.values())), strict=True))
    claims = []
    for row in rows:
        null, measure = row["null_mean"], row["measure"]
        interval = Interval(row["ci_low"], row["ci_high"], row["ci_method"], row["n_seeds"])
        if null is not None and row["ci_low"] is not None and row["ci_high"] is not None:
            interval = replace(interval, low=row["ci_low"] - null, high=row["ci_high"] - null)
        where = {"condition": row["condition"], "measure": f"{MEASURES[measure]}/{NO_TALK}"}
        evidence = Evidence(
            named(f"{WORDS[measure]} on {article(row['graph'])}", scripted=scope.scripted),
            None if null is None else row["value"] - null,
            interval,
            p=adjusted.get((measure, row["condition"])),
            flaws=flaws(talking(scope).filter(condition=row["condition"])),
            rows=(Rows("reciprocity_baseline", where),),
            parts=(part_of_figure(measure, row["graph"]),),
        )
        claims.append(judge(ABOVE_NULL[measure], evidence))
    return claims


def part_of_figure(measure: str, graph: str) -> str:
    """The part of the figure that holds the episodes of a graph for a measure."""
    return f"{measure}, {graph}"


def article(graph: str) -> str:
    """The name of a graph with its article, for a sentence."""
    return "the complete graph" if graph == "complete" else f"the {graph}"
