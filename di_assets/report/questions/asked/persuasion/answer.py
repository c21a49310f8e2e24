"""Question 1: can models persuade other agents to give them points? The lift, and which messages it is due to."""

from typing import cast

import polars as pl

from di_assets.measures.comparable import lineups_of, ring_and_complete
from di_assets.measures.points import Mean, mean_of
from di_assets.report.named import named
from di_assets.report.questions.asked.capturing.claims import captures
from di_assets.report.questions.asked.network.claims import network
from di_assets.report.questions.asked.persuasion.argument import reading
from di_assets.report.questions.asked.persuasion.channels import BOTH_GRAPHS, channels
from di_assets.report.questions.asked.persuasion.claims import PRIMARY, decomposed, headline, persuades, pooled_capture
from di_assets.report.questions.asked.persuasion.types import (
    Capture,
    HalfRecord,
    ModelLift,
    PersuasionMark,
    PersuasionRow,
)
from di_assets.report.questions.page import counted, drawn_marks, marks_of
from di_assets.report.questions.question import Answer
from di_assets.report.questions.quotes import asking
from di_assets.report.questions.scope import FocalModel, Frames, Half, Scope
from di_assets.report.questions.statement import Claim
from di_assets.report.questions.statistics import against_chance, bounds, net_capture, rate
from di_assets.report.questions.threats import flaws
from di_assets.tables.words import OPEN


def answer(scope: Scope, frames: Frames) -> Answer:
    """Question 1 as it stands today."""
    top, primary = headline(scope), [persuades(row, scripted=scope.scripted) for row in scope.rows]
    needs = sorted({need for claim in (top, *primary) for need in claim.needs})
    off = [_half(row.model, row.off) for row in scope.rows if row.off is not None]
    marks, n_marks = _marks(scope)
    net = net_capture(scope, frames)
    return Answer(
        headline=top,
        claims=[*primary, *_secondary(scope, frames, n_pairs=net["n"])],
        needed_by=primary,
        measured=any(row.on is not None for row in scope.rows),
        rows=_rows(scope),
        marks=marks,
        n_marks=n_marks,
        caption=_caption(scope),
        alt=_alt(scope),
        quote=asking(_most_given_first(scope)),
        reading=reading(scope, frames, primary, net=net),
        statistics={
            "primary": PRIMARY,
            "net_capture": net,
            "payback_rate": rate(scope, "payback_rate"),
            "solicited_not_payback_rate": rate(scope, "solicited_not_payback_rate"),
            "lift": {
                "messages_on": [_half(row.model, row.on) for row in scope.rows if row.on is not None],
                "messages_off": off or None,
                "needs": ", ".join(needs) or None,
                "models": [lift for row in scope.rows if (lift := _lift(row)) is not None],
            },
            "channels": channels(scope, frames),
            "capture": [_capture(row.model, row.capture) for row in scope.rows],
            "against_chance": against_chance(scope, frames),
            "most_points": scope.most_points,
        },
    )


def _secondary(scope: Scope, frames: Frames, *, n_pairs: int) -> list[Claim]:
    """The claims besides the primary outcome: whose talk the lift is due to, capture, pooled pairs, network."""
    lifts = frames["channel_lift"]
    found = [
        claim for row in scope.rows for claim in decomposed(row, lifts.filter(model=row.model), scripted=scope.scripted)
    ]
    found += captures(scope.rows, scripted=scope.scripted)
    if n_pairs:
        found.append(pooled_capture(n_pairs))
    shown = scope.episodes
    blocks = ring_and_complete(shown, lineups_of(frames["seats"]), shown.select("episode_id", "gini"))
    gaps = (blocks["gini_ring"] - blocks["gini_complete"]).to_list()
    played = shown.filter((pl.col("topology") == "ring") & pl.col("seed").is_in(blocks["seed"].implode()))
    return [*found, network(mean_of(gaps), flaws(played), BOTH_GRAPHS)] if gaps else found


def _rows(scope: Scope) -> list[PersuasionRow]:
    """The table behind the figure: a row per model and half (messages on, messages off)."""
    return [
        {
            "model": row.model,
            "part": part,
            "n": half.points.n,
            "value": half.points.mean or 0.0,
            "ci_low": half.points.t.low,
            "ci_high": half.points.t.high,
            "ci_method": half.points.t.method,
            "floor_points": half.floor_points,
        }
        for row in scope.rows
        for part, half in row.halves()
    ]


def _marks(scope: Scope) -> tuple[list[PersuasionMark], int]:
    """The marks that are drawn, and how many there are: one per focal episode."""
    halves = [
        marks_of(
            half.episodes, "focal_points", model=row.model, part=part, half=pl.lit(part), points=pl.col("focal_points")
        )
        for row in scope.rows
        for part, half in row.halves()
    ]
    marks, n_marks = drawn_marks(halves)
    return cast("list[PersuasionMark]", marks), n_marks


def _half(model: str, half: Half) -> HalfRecord:
    return {
        "model": model,
        "n": half.points.n,
        "points_mean": half.points.mean or 0.0,
        "ci": bounds(half.points.t),
        "ci_method": half.points.t.method,
        "ci_percentile": bounds(half.points.percentile),
        "floor_points_mean": half.floor_points,
    }


def _lift(row: FocalModel) -> ModelLift | None:
    """A model's lift; None if it has none yet."""
    pairs, look = row.pairs, row.look
    if row.lift is None:
        return None
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


def _capture(model: str, mean: Mean) -> Capture:
    return {
        "model": model,
        "value": mean.mean,
        "ci": bounds(mean.t),
        "ci_method": mean.t.method,
        "ci_percentile": bounds(mean.percentile),
        "n": mean.n,
    }


def _caption(scope: Scope) -> str:
    n = counted([row.on.points.n for row in scope.rows if row.on])
    return (
        f"Each oxblood bar is the mean points that a focal {'agent' if scope.scripted else 'model'} got per episode with "
        "messages on. The line is its 95% interval (Student's t over episodes), and each dot is one episode. The tick is the "
        "points that blind reciprocation alone would have brought. The other bar is the same with messages off, a dashed slot "
        f"until the control exists. The gap between the two is the lift. {n} with messages on; one point = one pull; "
        f"{scope.most_points} = all pulls of the rivals."
    )


def _alt(scope: Scope) -> str:
    parts = []
    for row in scope.rows:
        on = (
            f"{row.on.points.mean:.1f} points with messages on"
            if row.on and row.on.points.mean is not None
            else "nothing yet with messages on"
        )
        off = f"{row.off.points.mean:.1f} off" if row.off and row.off.points.mean is not None else "off not yet played"
        parts.append(f"{named(row.model, scripted=scope.scripted)}: {on}, {off}")
    lead = "Paired bars, scripted agents" if scope.scripted else "Paired bars"
    return f"{lead}: points received per episode. " + "; ".join(parts) + "." if parts else "No focal episode yet."


def _most_given_first(scope: Scope) -> pl.DataFrame:
    """Episodes with messages on, sorted so that those in which the focal seat got most points come first."""
    ranked = scope.episodes.filter(pl.col("channel") == OPEN).with_columns(pl.col("focal_points").fill_null(-1))
    return ranked.sort(["focal_points", "episode_id"], descending=[True, False])
