"""Question 2: is it persuasion or pay-back? Kinds of pulls, compared with reciprocators who never talk."""

from collections.abc import Mapping, Sequence
from typing import cast

import polars as pl

from di_assets.report.named import named
from di_assets.report.questions.asked.payback.claims import MEASURE, beyond, heeds, solicited, talk
from di_assets.report.questions.asked.payback.types import PaybackRow
from di_assets.report.questions.page import (
    ATTACK,
    among,
    counted,
    drawn_marks,
    marks_of,
    mean_over_seeds,
    of_half,
    sentences,
    some_claims,
    talking,
)
from di_assets.report.questions.part import Mark, Rate
from di_assets.report.questions.question import Answer
from di_assets.report.questions.quotes import asking
from di_assets.report.questions.scope import LINK, Frames, OnOff, Scope
from di_assets.report.questions.statement import Claim
from di_assets.report.questions.statistics import rate

SPLIT = {"payback": "payback_rate", "solicited": "solicited_not_payback_rate", "unprompted": "unprompted_rate"}


def answer(scope: Scope, frames: Frames) -> Answer:
    """Question 2 as it stands today."""
    rows = traffic(scope, frames)
    more, gaps, asked = beyond(scope, rows), talk(scope), heeds(scope, frames)
    marks, n_marks = _marks(scope)
    total = {name: rate(scope, column) for name, column in SPLIT.items()}
    refused = [solicited(total["solicited"]["value"])] if rows else []
    ranked = talking(scope).sort(
        ["solicited_not_payback_rate", "episode_id"], descending=[True, False], nulls_last=True
    )
    return Answer(
        headline=_headline(total, rows, more, gaps, scripted=scope.scripted),
        claims=[*more, *gaps, *asked, *refused],
        measured=bool(rows),
        rows=rows,
        marks=marks,
        n_marks=n_marks,
        caption=_caption(rows),
        alt=_alt(rows, scope),
        quote=asking(ranked),
        reading=_reading(rows, more, gaps, asked, refused),
        statistics={"total": total},
    )


def traffic(scope: Scope, frames: Frames) -> list[PaybackRow]:
    """The table behind the figure: a row per model and part (on, off, no talk), then mixed casts by condition."""
    rows: list[PaybackRow] = []
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


def _split(model: str, part: OnOff, episodes: pl.DataFrame) -> PaybackRow | None:
    payback, interval = mean_over_seeds(episodes, SPLIT["payback"])
    if payback is None:
        return None
    return {
        "model": model,
        "part": part,
        "n": interval.n,
        "payback": payback,
        "solicited": mean_over_seeds(episodes, SPLIT["solicited"])[0] or 0.0,
        "unprompted": mean_over_seeds(episodes, SPLIT["unprompted"])[0] or 0.0,
        "ci_low": interval.low,
        "ci_high": interval.high,
        "ci_method": interval.method,
        "p_value": None,
    }


def _null(model: str, found: pl.DataFrame) -> list[PaybackRow]:
    """The kinds of pulls if nobody talks: nothing is asked for, so a pull that is not pay-back is unprompted."""
    return [
        {"model": model, "part": "no talk", "n": row["n"], "payback": row["null_mean"], "solicited": 0.0, "unprompted": 1 - row["null_mean"],
         "ci_low": row["null_low"], "ci_high": row["null_high"], "ci_method": f"95% of the means of {row['n']} simulated episodes",
         "p_value": row["p_value"]}
        for row in found.iter_rows(named=True)
        if row["null_mean"] is not None
    ]  # fmt: skip


def _headline(
    total: Mapping[str, Rate],
    rows: Sequence[PaybackRow],
    more: Sequence[Claim],
    gaps: Sequence[Claim],
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
        f"reciprocators who never talk would repay {sum(nulls) / len(nulls):.1%}"
        if nulls
        else "the null has not been computed yet"
    )
    if not more:
        return Claim("headline", "not yet", f"{first}; {chance}. No focal model has played with messages on yet.", (ATTACK,))  # fmt: skip
    needs = tuple(sorted({need for one in gaps for need in one.needs}))
    stays = f"; how much of this is due to talk stays open until {', '.join(needs)} has run" if needs else ""
    states = {one.status for one in more}
    if "supported" in states:
        text = (
            f"{first}; {chance}, so pay-back alone does not explain {some_claims(more, 'supported', 'casts')}{stays}."
        )
        return Claim("headline", "supported", text, needs)
    if states == {"contradicted"}:
        return Claim("headline", "contradicted", f"{first}; {chance}: pay-back explains everything.", needs)
    return Claim("headline", "not yet", f"{first}; {chance}, and no cast can be said to show more{stays}.", needs)


def _marks(scope: Scope) -> tuple[list[Mark], int]:
    """The marks that are drawn, and how many there are: one per episode.

    A mark links to the first pull that was asked for and repays nothing; else to the first pay-back.
    """
    halves = [(row.model, half, of_half(scope, row, half)) for row in scope.rows for half, _ in row.halves()]
    mixed = talking(scope).filter(pl.col("focal_model").is_null()).sort("condition")
    halves += [(f"mixed cast, {part['topology'][0]}", "on", part) for part in mixed.partition_by("condition", maintain_order=True)]  # fmt: skip
    event = pl.coalesce("solicited_pull", "payback_pull", LINK)
    marks, n_marks = drawn_marks(
        [
            marks_of(part.drop_nulls("payback_rate"), "payback_rate", model=model, part=half, event=event)
            for model, half, part in halves
        ]
    )
    return cast("list[Mark]", marks), n_marks


def _caption(rows: Sequence[PaybackRow]) -> str:
    return (
        "Each bar splits all valid pulls, by any player, in the episodes of a focal model. A pull is pay-back if it repays a pull of the three "
        "rounds before; or a message asked for it and it repays nothing; or neither. Each dot is one episode, placed at its share of pay-back; "
        "the line is the 95% interval of that share (Student’s t over independent episodes). The second bar is the same with messages off, a "
        "dashed slot until the control exists. The third bar is the null: reciprocators who never talk (10,000 simulated episodes on the same "
        f"graph; its line holds 95% of its means over the same number of episodes). {counted([r['n'] for r in rows if r['part'] == 'on'])} with "
        "messages on."
    )


def _alt(rows: Sequence[PaybackRow], scope: Scope) -> str:
    phrases = [
        f"{named(row['model'], scripted=scope.scripted)}, {_part(row['part'])}: {row['payback']:.0%} pay-back, {row['solicited']:.0%} asked for, {row['unprompted']:.0%} neither"
        for row in rows
    ]
    lead = "Split bars, scripted agents" if scope.scripted else "Split bars"
    return f"{lead}: kinds of pull. {'; '.join(phrases)}." if phrases else "No pull with messages on yet."


def _part(part: str) -> str:
    return part if part == "no talk" else f"messages {part}"


def _reading(
    rows: Sequence[PaybackRow],
    more: Sequence[Claim],
    gaps: Sequence[Claim],
    asked: Sequence[Claim],
    refused: Sequence[Claim],
) -> list[str]:
    if not rows:
        return [
            "No episode that could answer this question has been played yet: it needs an arm with messages on, and its control."
        ]
    return [
        ("A high share of pay-back alone means nothing: players who never write, and only pull for those who pulled for them, also repay most of "
        "the time. What counts is how far the pulls depart from theirs, and whether they depart less with messages off."),
        sentences(more),
        sentences(gaps),
        ("The effect of a request is the chance that a neighbour is pulled if it asks, minus the chance if it does not, for equal debts. "
         + sentences(asked)) if asked else "",
        sentences(refused),
    ]  # fmt: skip
