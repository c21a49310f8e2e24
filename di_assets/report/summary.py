"""summary.json: everything the question pages print, a pure function of the tables. Its schema is published beside this file."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from di_assets.game.types import RULES_VERSION
from di_assets.measures.comparable import ring_and_complete
from di_assets.measures.intervals import Interval
from di_assets.measures.points import Mean, mean_of
from di_assets.report.figures.marks import note, thinned
from di_assets.report.questions.argument import reading
from di_assets.report.questions.captured import question_3
from di_assets.report.questions.claims import (
    PRIMARY,
    captures,
    decomposed,
    headline,
    network,
    persuades,
    pooled_capture,
)
from di_assets.report.questions.networks import question_4
from di_assets.report.questions.page import counted
from di_assets.report.questions.promised import question_5
from di_assets.report.questions.quotes import asking
from di_assets.report.questions.scope import Frames, Half, Row, Scope, scope_of
from di_assets.report.questions.statement import Claim
from di_assets.report.questions.statistics import against_chance, bounds, net_capture, rate
from di_assets.report.questions.threats import flaws
from di_assets.report.questions.traffic import question_2
from di_assets.tables import episode_set

SCHEMA = Path(__file__).with_name("summary.schema.json")
QUESTION = "Can models persuade other agents to give them points?"
# Tables the summary is made from.
READS = ("episodes", "seats", "messages", "pulls", "message_labels", "pair_capture", "episode_measures", "lift", "looks",
         "channel_lift", "reciprocity_baseline", "model_baseline", "pull_kinds", "reactions", "relations", "promises", "promise_ledger")  # fmt: skip


def build_summary(
    frames: Frames, *, mirrors: Mapping[str, str], settings: Mapping[str, str], commit: str, generated: str
) -> dict[str, Any]:
    """The whole report as data; the same tables give the same bytes but for `commit` and `generated`.

    Args:
        frames: the tables named in READS.
        mirrors: control arm -> the arm it mirrors.
        settings: title, subtitle, status.
        commit: of the code.
        generated: date and time, ISO 8601.
    """
    scope = scope_of(frames, mirrors=mirrors)
    return {
        "title": settings["title"],
        "subtitle": settings["subtitle"],
        "provenance": {
            "commit": commit,
            "generated": generated,
            "n_episodes": scope.episodes.height,
            "episode_set": episode_set(scope.episodes["episode_id"]),
            "status": settings["status"],
            "rules_version": RULES_VERSION,
            "scripted": scope.scripted,
            "scripted_left_out": scope.left_out,
            "older_rules_left_out": scope.older,
        },
        "questions": {name: made(scope, frames) for name, made in QUESTIONS.items()},
    }


def question_1(scope: Scope, frames: Frames) -> dict[str, Any]:
    """Question 1 as it stands today."""
    top = headline(scope)
    primary = [persuades(row, scripted=scope.scripted) for row in scope.rows]
    claims = [*primary, *_secondary(scope, frames)]
    needs = sorted({need for claim in (top, *primary) for need in claim.needs})
    off = [_half(row.model, row.off) for row in scope.rows if row.off is not None]
    marks = _marks(scope)
    shown = thinned(marks)
    return {
        "question": QUESTION,
        "headline": top.sentence,
        "measured": any(row.on is not None for row in scope.rows),
        "needs": ", ".join(needs) or None,
        "scripted": scope.scripted,
        "primary": PRIMARY,
        "net_capture": net_capture(scope, frames),
        "payback_rate": rate(scope, "payback_rate"),
        "solicited_not_payback_rate": rate(scope, "solicited_not_payback_rate"),
        "lift": {
            "messages_on": [_half(row.model, row.on) for row in scope.rows if row.on is not None],
            "messages_off": off or None,
            "needs": ", ".join(needs) or None,
            "models": [_lift(row) for row in scope.rows if row.lift is not None],
        },
        "channels": _channels(scope, frames),
        "capture": [{"model": row.model, **_mean(row.capture)} for row in scope.rows],
        "against_chance": against_chance(scope, frames),
        "claims": [
            {
                "name": c.name,
                "status": c.status,
                "sentence": c.sentence,
                "needs": list(c.needs),
                "because": list(c.because),
            }
            for c in claims
        ],
        "most_points": scope.most_points,
        "caption": _caption(scope, note(marks, shown)),
        "marks": shown,
        "alt": _alt(scope),
        "quote": asking(frames, _most_given_first(scope)),
        "reading": reading(scope, frames, primary, needs),
    }


def _secondary(scope: Scope, frames: Frames) -> list[Claim]:
    """What is claimed besides the primary outcome: whose talk, capture, the pooled pairs, the network."""
    lifts = frames["channel_lift"]
    found = [
        claim for row in scope.rows for claim in decomposed(row, lifts.filter(model=row.model), scripted=scope.scripted)
    ]
    found += captures(scope.rows, scripted=scope.scripted)
    pairs = net_capture(scope, frames)["n"]
    if pairs:
        found.append(pooled_capture(pairs))
    shown = scope.episodes
    blocks = ring_and_complete(shown, frames["seats"], shown.select("episode_id", "gini"))
    gaps = (blocks["gini_ring"] - blocks["gini_complete"]).to_list()
    played = shown.filter((pl.col("topology") == "ring") & pl.col("seed").is_in(blocks["seed"].implode()))
    return [*found, network(mean_of(gaps), flaws(played))] if gaps else found


QUESTIONS: Mapping[str, Callable[[Scope, Frames], dict[str, Any]]] = {
    "q1": question_1, "q2": question_2, "q3": question_3, "q4": question_4, "q5": question_5
}  # fmt: skip


def summary_text(summary: Mapping[str, Any]) -> str:
    """As it is written: JSON with sorted keys."""
    return json.dumps(summary, sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _half(model: str, half: Half) -> dict[str, Any]:
    percentile = half.points.percentile
    return {
        "model": model,
        "n": half.points.n,
        "points_mean": half.points.mean,
        "ci": bounds(half.points.t),
        "ci_method": half.points.t.method,
        "ci_percentile": bounds(percentile),
        "floor_points_mean": half.floor_points,
    }


def _lift(row: Row) -> dict[str, Any]:
    pairs, look = row.pairs, row.look
    return {
        "model": row.model,
        "lift": row.lift,
        "ci": bounds(row.interval),
        "ci_method": row.interval.method,
        "ci_studentized": bounds(pairs.studentized) if pairs else None,
        "p_sign_flip": pairs.p_sign_flip if pairs else None,
        "p_holm": row.p_holm,
        "looks": look.number if look else 0,
        "planned": look.planned if look else None,
        "ci_looking": bounds(look.interval) if look else None,
        "ci_looking_method": look.interval.method if look else None,
        "p_judged": row.p,
        "pair_correlation": pairs.correlation if pairs else None,
    }


def _mean(mean: Mean) -> dict[str, Any]:
    return {
        "value": mean.mean,
        "ci": bounds(mean.t),
        "ci_method": mean.t.method,
        "ci_percentile": bounds(mean.percentile),
        "n": mean.n,
    }


def _channels(scope: Scope, frames: Frames) -> list[dict[str, Any]]:
    """The lift taken apart: whose talk, and whether what is said; each over the seeds played in its own channels."""
    rows = frames["channel_lift"].filter(pl.col("model").is_in([row.model for row in scope.rows]))
    return [
        {"arm": r["arm"], "model": r["model"], "contrast": r["contrast"], "formula": r["formula"], "n_pairs": r["n_pairs"],
         "difference": r["difference"], "ci": bounds(Interval(r["ci_low"], r["ci_high"], r["ci_method"])),
         "ci_method": r["ci_method"], "p_holm": r["p_holm"], "needs": r["needs"]}
        for r in rows.iter_rows(named=True)
    ]  # fmt: skip


def _caption(scope: Scope, left_out: str) -> str:
    played = " Everything here was played by scripted agents, not by language models." if scope.scripted else ""
    n = counted([row.on.points.n for row in scope.rows if row.on])
    return (
        f"Each oxblood bar is the mean points a focal {'agent' if scope.scripted else 'model'} was given per episode with "
        "messages on; the line is its 95% interval (Student's t over episodes), each dot one episode, the tick the points "
        "that blind reciprocation alone would have brought. The bar beside it is the same with messages off, a dashed slot "
        f"until the control exists; the gap between the two is the lift. {n} with messages on; one point = one pull; "
        f"{scope.most_points} = the rivals' whole budget.{left_out}{played}"
    )


def _marks(scope: Scope) -> list[dict[str, Any]]:
    return [
        {"model": row.model, "half": name, "episode_id": dot.episode_id, "event_id": dot.event_id, "points": dot.points}
        for row in scope.rows
        for name, half in (("on", row.on), ("off", row.off))
        if half is not None
        for dot in half.dots
    ]


def _alt(scope: Scope) -> str:
    parts = []
    for row in scope.rows:
        on = (
            f"{row.on.points.mean:.1f} points with messages on"
            if row.on and row.on.points.mean is not None
            else "nothing yet with messages on"
        )
        off = f"{row.off.points.mean:.1f} off" if row.off and row.off.points.mean is not None else "off not yet played"
        parts.append(f"{row.model}: {on}, {off}")
    lead = "Paired bars, scripted agents" if scope.scripted else "Paired bars"
    return f"{lead}: points received per episode. " + "; ".join(parts) + "." if parts else "No focal episode yet."


def _most_given_first(scope: Scope) -> pl.DataFrame:
    """Episodes with messages on, those first in which the focal seat was given most."""
    ranked = scope.episodes.filter(pl.col("channel") == "open").with_columns(pl.col("focal_points").fill_null(-1))
    return ranked.sort(["focal_points", "episode_id"], descending=[True, False])
