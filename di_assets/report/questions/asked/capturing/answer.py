"""Question 3: who captures whom?

Capture against the floor, who gives to whom, and what the variance of pulls is due to.
"""

from collections.abc import Collection, Sequence
from typing import cast

import polars as pl

from di_assets.measures.intervals import t_interval
from di_assets.report.named import named
from di_assets.report.questions.asked.capturing.claims import captures, givers, split_claims
from di_assets.report.questions.asked.capturing.types import CaptureRow, Square, Variance
from di_assets.report.questions.page import (
    ATTACK,
    counted,
    drawn_marks,
    marks_of,
    of_half,
    sentences,
    some_claims,
    talking,
)
from di_assets.report.questions.part import Mark
from di_assets.report.questions.question import Answer
from di_assets.report.questions.quotes import asking
from di_assets.report.questions.scope import LINK, FocalModel, Frames, Scope
from di_assets.report.questions.statement import Claim
from di_assets.tables.words import SCRIPTED

SPLIT = tuple(
    f"{part}_{what}" for part in ("receiver", "dyad", "giver") for what in ("variance", "ci_low", "ci_high", "share")
)


def answer(scope: Scope, frames: Frames) -> Answer:
    """Question 3 as it stands today."""
    shown = _shown(scope)
    marks, n_marks = _marks(scope)
    heat, variance = heat_map(shown, frames), _variance(scope, frames)
    own, agents = captures(scope.rows, scripted=scope.scripted), _scripted(frames)
    split = split_claims(scope, variance)
    refused = [givers()] if variance else []
    ranked = shown.sort(["focal_capture", "episode_id"], descending=[True, False], nulls_last=True)
    return Answer(
        headline=_headline(scope, own, variance),
        claims=[*own, *split, *refused],
        measured=bool(own or heat),
        rows=[*(_row(row) for row in _captors(scope)), *heat],
        marks=marks,
        n_marks=n_marks,
        caption=_caption(scope),
        alt=_alt(scope, heat, variance, agents),
        quote=asking(ranked),
        reading=_reading(own, split, refused, heat, agents),
        statistics={"variance": variance},
    )


def _scripted(frames: Frames) -> frozenset[str]:
    """Names of the scripted agents that sat anywhere; in a game of models some of the givers may be scripted."""
    return frozenset(frames["seats"].filter(kind=SCRIPTED)["model"].unique())


def _captors(scope: Scope) -> list[FocalModel]:
    return [row for row in scope.rows if row.on is not None]


def _shown(scope: Scope) -> pl.DataFrame:
    """Episodes of the heat map: those of focal models with messages on; if there are none, those of mixed casts."""
    focal = [of_half(scope, row, "on") for row in scope.rows]
    whole = pl.concat(focal).sort("episode_id") if focal else talking(scope)
    return whole if whole.height else talking(scope)


def _row(row: FocalModel) -> CaptureRow:
    mean = row.capture
    return {"what": "capture", "giver": None, "receiver": row.model, "value": mean.mean, "ci_low": mean.t.low, "ci_high": mean.t.high,
            "ci_method": mean.t.method, "n": mean.n, "episode_id": None, "event_id": None}  # fmt: skip


def heat_map(episodes: pl.DataFrame, frames: Frames) -> list[Square]:
    """Pulls per round from each giver's seat to each receiver's, models by models. Null: no pair; 0: no pull.

    A cell is in [0, 1]. It is the mean over independent episodes (all episodes of one seed count as one) of the pulls
    that one seat of the giver makes per round for one seat of the receiver, over pairs that an edge joins. It links to
    the episode with the most pulls.
    """
    if episodes.is_empty():
        return []
    facts = episodes.select("episode_id", "seed", "n_rounds", link=LINK)
    seen = frames["pulls_between"].join(facts, on="episode_id", maintain_order="left").select(
        "episode_id", "seed", "giver", "receiver",
        rate=pl.col("pulls") / (pl.col("n_rounds") * pl.col("n_pairs")), event_id=pl.coalesce("first_pull", "link"),
    )  # fmt: skip
    cells: list[Square] = []
    for (giver, receiver), part in seen.group_by("giver", "receiver", maintain_order=True):
        most = part.sort(["rate", "episode_id"], descending=[True, False]).row(0, named=True)
        blocks = part.group_by("seed").agg(pl.mean("rate")).sort("seed")["rate"].to_list()
        interval = t_interval(blocks)
        cells.append(
            {"what": "pulls a round", "giver": giver, "receiver": receiver, "value": sum(blocks) / len(blocks), "ci_low": interval.low,
             "ci_high": interval.high, "ci_method": interval.method, "n": interval.n, "episode_id": most["episode_id"], "event_id": most["event_id"]}
        )  # fmt: skip
    return sorted(cells, key=lambda cell: (cell["giver"], cell["receiver"]))


def _variance(scope: Scope, frames: Frames) -> list[Variance]:
    """Rows of `relations` for arms in which everybody could talk, with the pair variance of random pulling."""
    shown = talking(scope)
    found: list[Variance] = []
    for arm, condition in shown.select("arm", "condition").unique().sort("arm", "condition").iter_rows():
        games = shown.filter(arm=arm, condition=condition)
        chance = 1 / (games["n_rounds"][0] * (games["n_seats"][0] - 1))
        rows = frames["relations"].filter(arm=arm, condition=condition)
        split = rows.select("arm", "condition", "n", *SPLIT, pl.lit(chance).alias("dyad_by_chance"), "ci_method")
        found += cast("list[Variance]", split.to_dicts())
    return found


def _headline(scope: Scope, own: Sequence[Claim], variance: Sequence[Variance]) -> Claim:
    if not own:
        text = "No focal model’s capture has been measured yet."
        return Claim("headline", "not yet", text, (ATTACK,))
    kind = "scripted agents" if scope.scripted else "models"
    best = max(_captors(scope), key=lambda row: (row.capture.mean or 0.0, row.model))
    split = next((row for row in variance if row["receiver_share"] is not None), None)
    share = "" if split is None else (
        f"; in {split['arm']}, receivers explain {split['receiver_share']:.0%} of the variance of pulls, pairs {split['dyad_share']:.0%}"
    )  # fmt: skip
    top = f"{named(best.model, scripted=scope.scripted)} ({best.capture.mean:+.3f} net pulls a round and rival)"
    states = {one.status for one in own}
    if "supported" in states:
        text = f"More pulls than blind reciprocation explains are captured by {some_claims(own, 'supported', kind)}, most of all by {top}{share}."
        return Claim("headline", "supported", text)
    if states == {"contradicted"}:
        text = f"More than blind reciprocation would is given away by {some_claims(own, 'contradicted', kind)}, least of all by {top}{share}."
        return Claim("headline", "contradicted", text)
    text = f"None of the {kind} can be said to capture more than blind reciprocation explains; the largest capture is that of {top}{share}."
    return Claim("headline", "not yet", text)


def _marks(scope: Scope) -> tuple[list[Mark], int]:
    """The marks that are drawn, and how many there are: one per focal episode with messages on."""
    captors = [(row.model, of_half(scope, row, "on")) for row in _captors(scope)]
    marks, n_marks = drawn_marks([marks_of(part, "focal_capture", model=model, part="on") for model, part in captors])
    return cast("list[Mark]", marks), n_marks


def _caption(scope: Scope) -> str:
    sizes = counted([row.capture.n for row in _captors(scope)])
    return (
        "Above: capture of focal models with messages on. Each dot is one episode, the tick is the mean, and the line is its 95% interval "
        "(Student’s t over independent episodes). The vertical line is the floor: the capture under blind reciprocation alone. In the middle: "
        "how many pulls per round a seat of the row gives a seat of the column (mean over independent episodes). A square opens the episode "
        "with most of these pulls. Below: for each arm, the variance of pulls between seats, split into receivers, pairs and givers (social "
        f"relations model). Each model has {sizes}. Capture 0.1 = one pull more in ten rounds from every rival than it gives back."
    )


def _alt(scope: Scope, heat: Sequence[Square], variance: Sequence[Variance], agents: Collection[str]) -> str:
    captures_of = [
        f"{named(row.model, scripted=scope.scripted)} {row.capture.mean:+.3f}"
        for row in _captors(scope)
        if row.capture.mean is not None
    ]
    most = max(heat, key=lambda cell: cell["value"]) if heat else None
    parts = [f"Capture above the floor: {'; '.join(captures_of)}." if captures_of else "No capture yet."]
    if most:
        parts.append(f"Pulls a round, most: {_pair(most, agents)}, {most['value']:.2f}.")
    parts += [f"Variance of pulls in {row['arm']}: receivers {row['receiver_share']:.0%}, pairs {row['dyad_share']:.0%}, givers {row['giver_share']:.0%}."
              for row in variance if row["receiver_share"] is not None]  # fmt: skip
    return ("Scripted agents. " if scope.scripted else "") + " ".join(parts)


def _pair(cell: Square, agents: Collection[str]) -> str:
    giver, receiver = (named(name, scripted=name in agents) for name in (cell["giver"], cell["receiver"]))
    return f"{giver} for {receiver}"


def _reading(
    own: Sequence[Claim],
    split: Sequence[Claim],
    refused: Sequence[Claim],
    heat: Sequence[Square],
    agents: Collection[str],
) -> list[str]:
    if not own and not heat:
        return [
            "No episode that could answer this question has been played yet: it needs focal models among others, with messages on."
        ]
    cells = sorted(heat, key=lambda cell: (-cell["value"], cell["giver"], cell["receiver"]))[:3]
    pairs = ", ".join(f"{_pair(c, agents)} ({c['value']:.2f})" for c in cells)
    return [
        ("Capture counts the pulls that a seat gets beyond blind reciprocation, minus the pulls that it gives beyond blind reciprocation. Over "
        "all pairs it is zero by construction. The question is who captures, and from whom."),
        sentences(own),
        f"Most pulls per round: {pairs}." if cells else "",
        ("A model that gets many pulls from players who give to anybody has captured nobody. If receivers differ, everybody gives to the same "
         "seats; if pairs differ, each seat has its own partners. " + sentences([*split, *refused])) if split else "",
    ]  # fmt: skip
