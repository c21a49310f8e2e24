"""Question 4: does the network matter?

Ring and complete graph compared: points, cascades, gini, each with its own null.
"""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import polars as pl

from di_assets.measures.intervals import clustered_t
from di_assets.report.questions.asked.network.claims import (
    CHANGES,
    FORMS,
    GRAPHS,
    MEASURES,
    WORDS,
    above,
    article,
    between,
    part_of_figure,
)
from di_assets.report.questions.asked.network.types import NetworkMark, NetworkRow
from di_assets.report.questions.page import ATTACK, RING, among, counted, drawn_marks, marks_of, sentences, talking
from di_assets.report.questions.question import Answer
from di_assets.report.questions.quotes import asking
from di_assets.report.questions.scope import LINK, Frames, Scope
from di_assets.report.questions.statement import Claim
from di_assets.report.questions.statistics import NO_TALK


def answer(scope: Scope, frames: Frames) -> Answer:
    """Question 4 as it stands today."""
    rows = network_rows(scope, frames)
    gaps, beyond = between(scope, frames, rows), above(scope, rows)
    marks, n_marks = _marks(scope)
    ranked = talking(scope).with_columns(ring=pl.col("topology") == "ring")
    played = {row["graph"].split(",")[0] for row in rows}
    return Answer(
        headline=_headline(rows, gaps, scripted=scope.scripted),
        claims=[*gaps, *beyond],
        measured=bool(rows),
        rows=rows,
        marks=marks,
        n_marks=n_marks,
        caption=_caption(rows, scope),
        alt=_alt(rows, scope),
        quote=asking(ranked.sort(["ring", "gini", "episode_id"], descending=[True, True, False])),
        reading=_reading(rows, gaps, beyond),
        statistics={
            "most_points": scope.most_points,
            "waiting": {graph: arm for graph, arm in GRAPHS.items() if graph not in played},
        },
    )


def network_rows(scope: Scope, frames: Frames) -> list[NetworkRow]:
    """The table behind the figure: a row per measure and condition with messages on, with the values of its null."""
    shown = talking(scope)
    rows: list[NetworkRow] = []
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
                 "value": cast("float", blocks[column].mean()), "ci_low": interval.low, "ci_high": interval.high, "ci_method": interval.method,
                 "null_mean": known.get("null_mean"), "null_low": known.get("null_low"), "null_high": known.get("null_high"),
                 "p_value": known.get("p_value")}
            )  # fmt: skip
    return rows


def _graph(shown: pl.DataFrame, condition: str) -> str:
    """The name of a condition's graph; with the payoff if there are several."""
    topology, payoff, _ = condition.split("/")
    return topology if shown["payoff"].n_unique() == 1 else f"{topology}, {payoff}"


def _headline(rows: Sequence[NetworkRow], between: Sequence[Claim], *, scripted: bool) -> Claim:
    if not rows:
        return Claim("headline", "not yet", "No episode with messages on has been played on any graph yet.", (ATTACK, RING))  # fmt: skip
    values = "; ".join(f"{WORDS[measure]} {_values(rows, measure)}" for measure in MEASURES if _values(rows, measure))
    first = among(f"with messages on: {values}", scripted=scripted)
    needs = tuple(sorted({need for one in between for need in one.needs}))
    if needs:
        return Claim("headline", "not yet", f"{first}. Whether the network matters stays open until {', '.join(needs)} has played the same seeds.", needs)  # fmt: skip
    settled = [one for one in between if one.status in {"supported", "contradicted"}]
    if not settled:
        return Claim("headline", "not yet", f"{first}. On the same seeds no difference between ring and complete graph can be claimed.")  # fmt: skip
    changes = [CHANGES[claim.name][claim.status == "contradicted"] for claim in settled]
    text = (
        f"{first}. On the same seeds the ring {', '.join(changes[:-1]) + ' and ' if changes[1:] else ''}{changes[-1]}."
    )
    return Claim("headline", settled[0].status, text)


def _values(rows: Sequence[NetworkRow], measure: str) -> str:
    form = FORMS[measure].removeprefix("+")
    return ", ".join(f"{row['value']:{form}} on {article(row['graph'])}" for row in rows if row["measure"] == measure)


def _marks(scope: Scope) -> tuple[list[NetworkMark], int]:
    """The marks that are drawn, and how many there are: one per measure and episode.

    For points it links to the focal seat's first event; for cascades, to a pull of the round in which most pulls go to
    one seat; for gini, to the first pull for the seat with most points.
    """
    shown = talking(scope)
    graphs = {condition: _graph(shown, condition) for condition in shown["condition"].unique().sort()}
    events = {"points": LINK, "cascades": pl.coalesce("crowd_pull", 0), "gini": pl.coalesce("leader_pull", 0)}
    parts = []
    for measure, column in MEASURES.items():
        names = {condition: part_of_figure(measure, graph) for condition, graph in graphs.items()}
        marks = marks_of(
            shown.drop_nulls(column).cast({column: pl.Float64}),
            column,
            model=pl.col("focal_model").fill_null("mixed cast"),
            part=pl.col("condition").replace_strict(names, return_dtype=pl.String),
            event=events[measure],
            measure=pl.lit(measure),
            condition=pl.col("condition"),
        )
        parts.append(marks.sort("condition", maintain_order=True))
    found, n_marks = drawn_marks(parts)
    return cast("list[NetworkMark]", found), n_marks


def _caption(rows: Sequence[NetworkRow], scope: Scope) -> str:
    return (
        "Each dot is one episode with messages on. The tall tick is the mean over independent episodes, and the line is its 95% interval "
        "(Student’s t, clustered by seed). Each graph has its own null: reciprocators who never talk, on the same graph. The ochre tick is the "
        "null’s mean, and the pale band holds 95% of its means over the same number of episodes. A dashed slot means that the arm was not played "
        f"yet. {counted([row['n'] for row in rows])}; one point = one pull, {scope.most_points} = all pulls of the rivals; gini "
        "0 = all seats equal."
    )


def _alt(rows: Sequence[NetworkRow], scope: Scope) -> str:
    phrases = [
        f"{WORDS[row['measure']]} on {article(row['graph'])}: {row['value']:.3g}"
        + (f", null {row['null_mean']:.3g}" if row["null_mean"] is not None else "")
        for row in rows
    ]
    lead = "Strips of dots, scripted agents" if scope.scripted else "Strips of dots"
    return f"{lead}. {'; '.join(phrases)}." if phrases else "No episode with messages on yet."


def _reading(rows: Sequence[NetworkRow], between: Sequence[Claim], above: Sequence[Claim]) -> list[str]:
    if not rows:
        return ["No episode that could answer this question has been played yet: it needs the same seeds on the complete graph and on a ring."]  # fmt: skip
    return [
        ("On a ring every seat has only two neighbours, so even players who never talk converge and repay differently. The effect of the network "
        "is therefore measured in two ways: each graph is compared with its own null, and the ring with the complete graph, for the seeds that "
        "the same casts played on both."),
        sentences(between),
        sentences(above),
    ]  # fmt: skip
