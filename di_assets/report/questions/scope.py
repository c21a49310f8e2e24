"""What all questions share: the episodes that the pages include, and each focal model among them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import polars as pl

from di_assets.measures.comparable import one_rules_version
from di_assets.measures.intervals import Interval
from di_assets.measures.lift import PairedLift, compared, holm, paired_lift
from di_assets.measures.looks import pair_gaps, saw
from di_assets.measures.points import Mean, mean_of
from di_assets.report.questions.threats import (
    LOOKED_AT,
    Flaw,
    flaws,
    other_engine,
    several_controls,
    unrecorded,
)
from di_assets.tables import TABLES
from di_assets.tables.words import COMPLETE, OPEN

Frames = Mapping[str, pl.DataFrame]
OnOff = Literal["on", "off"]
# The tables that the scope is made from, and the columns that it and the answers need of them.
READS: Mapping[str, tuple[str, ...]] = {
    "episodes": (
        "episode_id", "arm", "batch", "condition", "topology", "payoff", "channel", "focal_model", "replicate", "seed",
        "n_seats", "n_rounds", "scripted", "status", "rules_version", "reader_version", "engine", "prompt_hash",
    ),
    "episode_measures": (
        "episode_id", "focal_points", "focal_floor_points", "focal_capture", "cascades", "gini",
        "payback_rate", "solicited_not_payback_rate", "unprompted_rate",
    ),
    "seats": ("episode_id", "model"),
    "linked_events": tuple(TABLES["linked_events"].schema),
    "lift": tuple(TABLES["lift"].schema),
    "looks": tuple(TABLES["looks"].schema),
}  # fmt: skip
# The event that a mark links to if it has none of its own: the focal seat's first message, else its first pull received.
LINK = pl.coalesce("focal_message", "focal_pull", 0)


@dataclass(frozen=True, slots=True)
class Half:
    """A model with messages on, or off: the mean over independent episodes, the floor, and every episode.

    Attributes:
        points: mean points over independent episodes.
        floor_points: mean floor over independent episodes.
        episodes: the episodes, rows of `Scope.episodes` sorted by id.
    """

    points: Mean
    floor_points: float | None
    episodes: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a lift: its number, the pairs planned by then, and the interval and p that hold over all looks."""

    number: int
    planned: int
    interval: Interval
    p: float | None


@dataclass(frozen=True, slots=True)
class FocalModel:
    """One focal model: the points it got, and the points that talk brought it.

    Attributes:
        model: name of the model.
        on: messages on; None if it has no such episode.
        off: messages off; None until the control exists.
        capture: capture with messages on, over independent episodes.
        pairs: the lift over matched pairs; None without pairs.
        lift: points on minus off; None without a control.
        interval: interval of the lift.
        p_holm: p of the sign-flip test, adjusted over the models.
        needs: the control arm that is missing; None if it exists.
        look: the latest look at the lift, from the table `looks`; None if none is recorded.
        p: the p value that decides about the lift: the larger of the sign-flip p and the look's p, adjusted over the
            models.
        flaws: flaws of the episodes on both sides of the lift.
        flaws_on: flaws of the episodes with messages on.
    """

    model: str
    on: Half | None
    off: Half | None
    capture: Mean
    pairs: PairedLift | None
    lift: float | None
    interval: Interval
    p_holm: float | None
    needs: str | None
    look: Look | None = None
    p: float | None = None
    flaws: tuple[Flaw, ...] = ()
    flaws_on: tuple[Flaw, ...] = ()

    def halves(self) -> list[tuple[OnOff, Half]]:
        """The halves that have been played, messages on first."""
        both: tuple[tuple[OnOff, Half | None], ...] = (("on", self.on), ("off", self.off))
        return [(name, half) for name, half in both if half is not None]


@dataclass(frozen=True, slots=True)
class Scope:
    """The complete episodes that a page includes.

    Attributes:
        episodes: complete episodes of one kind, with their measures and linked events (`READS`), sorted by id.
        scripted: scripted agents played them.
        left_out: number of complete scripted episodes that are left out because there are episodes of models.
        older: number of complete episodes of this kind that are left out because they were played by older rules.
        rows: focal models, most points first.
        most_points: all pulls of the rivals together: the most that a focal seat can get.
        cast_flaws: (condition, model) -> flaws of the episodes with messages on in which the model had a seat.
    """

    episodes: pl.DataFrame
    scripted: bool
    left_out: int
    older: int
    rows: tuple[FocalModel, ...]
    most_points: int
    cast_flaws: Mapping[tuple[str, str], tuple[Flaw, ...]] = field(default_factory=dict)


def scope_of(frames: Frames, *, mirrors: Mapping[str, str]) -> Scope:
    """Episodes of models if there are any, otherwise the scripted ones. The two are never shown together."""
    complete = frames["episodes"].filter(pl.col("status") == COMPLETE)
    complete = complete.filter(pl.col("episode_id").is_in(frames["episode_measures"]["episode_id"].implode()))
    played = complete.filter(~pl.col("scripted"))
    scripted = played.is_empty() and not complete.is_empty()
    kind = complete if scripted else played
    shown = one_rules_version(kind)
    columns = [c for c in frames["episode_measures"].columns if c not in shown.columns]
    measured = shown.join(frames["episode_measures"].select("episode_id", *columns), on="episode_id").sort("episode_id")
    measured = measured.join(frames["linked_events"], on="episode_id", how="left", maintain_order="left")
    older = kind.join(shown, on="episode_id", how="anti")
    rows = _rows(measured, frames, mirrors, older)
    budgets = measured.filter(pl.col("focal_model").is_not_null()).select((pl.col("n_seats") - 1) * pl.col("n_rounds"))
    return Scope(
        episodes=measured,
        scripted=scripted,
        left_out=0 if scripted else complete.height - played.height,
        older=older.height,
        rows=rows,
        most_points=int(budgets.to_series().max() or 100),  # type: ignore[arg-type]
        cast_flaws=_cast_flaws(measured.filter(pl.col("channel") == OPEN), frames["seats"]),
    )


def _cast_flaws(episodes: pl.DataFrame, seats: pl.DataFrame) -> dict[tuple[str, str], tuple[Flaw, ...]]:
    sat = seats.select("episode_id", "model").unique()
    parts = episodes.select("episode_id", *LOOKED_AT).join(sat, on="episode_id").partition_by(
        "condition", "model", as_dict=True
    )  # fmt: skip
    return {(str(condition), str(model)): flaws(part) for (condition, model), part in parts.items()}


def _rows(
    measured: pl.DataFrame, frames: Frames, mirrors: Mapping[str, str], older: pl.DataFrame
) -> tuple[FocalModel, ...]:
    focal = measured.filter(pl.col("focal_model").is_not_null())
    lifts = {row["model"]: row for row in frames["lift"].iter_rows(named=True)}
    rows = []
    for (model,), part in focal.group_by("focal_model", maintain_order=True):
        on, off, pairs = compared(part, mirrors)
        lift = lifts.get(str(model), {})
        n = pairs.height or min(_n_blocks(on), _n_blocks(off))
        passed = older.filter(pl.col("focal_model") == model).height
        look = _latest_look(frames["looks"], str(model), off, pairs)
        several = several_controls(off["arm"].n_unique())
        apart = other_engine(on, off)
        shared = [one for one in flaws(pl.concat([on, off]), older=passed) if not (apart and one.kind == "engines")]
        rows.append(
            FocalModel(
                model=str(model),
                on=_half(on),
                off=_half(off),
                capture=mean_of(blocks(on, "focal_capture")),
                pairs=paired_lift(pairs["focal_points_on"].to_list(), pairs["focal_points"].to_list())
                if pairs.height
                else None,
                lift=lift.get("lift"),
                interval=Interval(lift.get("ci_low"), lift.get("ci_high"), lift.get("ci_method") or "no control", n),
                p_holm=lift.get("p_holm"),
                needs=lift.get("needs"),
                look=look,
                p=lift.get("p_value"),
                flaws=(
                    *shared,
                    *apart,
                    *(several or unrecorded(pairs.height, recorded=look is not None)),
                ),
                flaws_on=flaws(on, older=passed),
            )
        )
    return tuple(sorted(_judged(rows), key=lambda row: (-(row.on.points.mean or 0.0) if row.on else 1.0, row.model)))


def _latest_look(looks: pl.DataFrame, model: str, off: pl.DataFrame, pairs: pl.DataFrame) -> Look | None:
    """The look at exactly these pairs; None if the last look saw other points."""
    seen = looks.filter(pl.col("arm").is_in(off["arm"].unique().implode()), model=model, n_pairs=pairs.height)
    if seen.is_empty() or not saw(last := seen.sort("look").row(-1, named=True), pair_gaps(pairs)):
        return None
    interval = Interval(last["ci_low"], last["ci_high"], last["ci_method"], pairs.height)
    return Look(last["look"], last["planned"], interval, last["p_value"])


def _judged(rows: Sequence[FocalModel]) -> list[FocalModel]:
    """Each row with its deciding p: the larger of sign-flip p and the look's p, adjusted over the models (Holm)."""
    raw = {row.model: max(row.p, (row.look and row.look.p) or 0.0) for row in rows if row.p is not None}
    adjusted = dict(zip(raw, holm(list(raw.values())), strict=True))
    return [replace(row, p=adjusted.get(row.model)) for row in rows]


def _half(part: pl.DataFrame) -> Half | None:
    if part.is_empty():
        return None
    floors = blocks(part, "focal_floor_points")
    return Half(
        points=mean_of(blocks(part, "focal_points")),
        floor_points=mean_of(floors).mean,
        episodes=part.sort("episode_id"),
    )


def blocks(part: pl.DataFrame, column: str) -> Sequence[float]:
    """Values of independent episodes: one mean per block. Episodes of one seed are replicates of one block."""
    return part.group_by("condition", "seed").agg(pl.mean(column)).sort("condition", "seed")[column].to_list()


def _n_blocks(part: pl.DataFrame) -> int:
    return part.select("condition", "seed").n_unique()
