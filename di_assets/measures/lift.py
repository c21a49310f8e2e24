"""What talk buys: points with messages on minus off, by matched pairs where there are any."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from di_assets.measures.intervals import Interval, seeded, studentized_bootstrap, t_interval, welch_interval
from di_assets.tables import TABLES

# Sign flips are enumerated up to this many pairs (about a million), drawn beyond.
MOST_ENUMERATED = 20
FLIPS = 100_000


@dataclass(frozen=True, slots=True)
class PairedLift:
    """Lift over matched pairs.

    Attributes:
        lift: mean difference, points an episode.
        t: paired t interval.
        studentized: studentized bootstrap of the differences.
        p_sign_flip: two-sided; exact up to 20 pairs; n pairs can't get below 2 / 2**n.
        correlation: of the pairs, on with off; None where either does not vary.
    """

    lift: float
    t: Interval
    studentized: Interval
    p_sign_flip: float
    correlation: float | None


def paired_lift(on: Sequence[float], off: Sequence[float]) -> PairedLift:
    """Lift of matched pairs, pair by pair in the same order; at least one pair."""
    a, b = np.asarray(on, dtype=float), np.asarray(off, dtype=float)
    gaps = (a - b).tolist()
    varies = len(a) > 1 and float(a.std()) > 0 and float(b.std()) > 0
    interval = t_interval(gaps)
    return PairedLift(
        lift=float(np.mean(gaps)),
        t=Interval(interval.low, interval.high, "paired t") if interval.low is not None else interval,
        studentized=studentized_bootstrap(gaps),
        p_sign_flip=sign_flip_p(gaps),
        correlation=float(np.corrcoef(a, b)[0, 1]) if varies else None,
    )


def sign_flip_p(gaps: Sequence[float]) -> float:
    """Two-sided p of no lift: the share of sign flips of the differences whose sum is at least as far from 0."""
    x = np.asarray(gaps, dtype=float)
    observed = abs(float(x.sum())) - 1e-9 * float(np.abs(x).sum())
    if len(x) > MOST_ENUMERATED:
        flips = seeded(gaps, "sign flips").choice([-1.0, 1.0], size=(FLIPS, len(x)))
        return (1 + int((np.abs(flips @ x) >= observed).sum())) / (1 + FLIPS)
    half = len(x) // 2
    first, second = (_signed_sums(part) for part in (x[:half], x[half:]))
    far = sum(int((np.abs(first + one) >= observed).sum()) for one in second)
    return far / float(2 ** len(x))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm-adjusted p values, in the order given (Holm 1979)."""
    order = np.argsort(p_values, kind="stable")
    adjusted, running = [0.0] * len(p_values), 0.0
    for rank, at in enumerate(order):
        running = max(running, min(1.0, (len(p_values) - rank) * p_values[int(at)]))
        adjusted[int(at)] = running
    return adjusted


def lift(
    episodes: pl.DataFrame,
    episode_measures: pl.DataFrame,
    *,
    mirrors: Mapping[str, str],
    focal: Mapping[str, Sequence[str]],
) -> pl.DataFrame:
    """One row a focal model with any measured episode.

    The p value is the sign-flip test's where there are pairs, Welch's where there are none; Holm's over the models
    beside it. Without messages-off episodes the lift is null and `needs` names the control arm.

    Args:
        episodes: episodes.
        episode_measures: their measures.
        mirrors: control arm -> the arm it mirrors.
        focal: arm -> its focal models.
    """
    measured = episode_measures.select("episode_id", "arm", "focal_model", "condition", "focal_points").join(
        episodes.select("episode_id", "replicate", "seed", "channel", "scripted"), on="episode_id"
    )
    measured = measured.filter(pl.col("focal_model").is_not_null()).sort("episode_id")
    models = sorted(measured["focal_model"].unique())
    rows = [_row(measured.filter(pl.col("focal_model") == model), model, mirrors, focal) for model in models]
    frame = pl.DataFrame(rows, schema=TABLES["lift"].schema, orient="row").drop("p_holm")
    # Two families: scripted agents are calibration, and must not make models pay for their comparisons.
    kinds = measured.group_by("focal_model").agg(scripted=pl.col("scripted").all())
    known = frame.drop_nulls("p_value").join(kinds, left_on="model", right_on="focal_model")
    adjusted = [
        family.select("model", p_holm=pl.Series(holm(family["p_value"].to_list()), dtype=pl.Float64))
        for family in known.partition_by("scripted", maintain_order=True)
    ]
    p_holm = pl.concat([pl.DataFrame(schema={"model": pl.String, "p_holm": pl.Float64}), *adjusted])
    return TABLES["lift"].conform(frame.join(p_holm, on="model", how="left"))


def compared(measured: pl.DataFrame, mirrors: Mapping[str, str]) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """One model's episodes with messages on, with messages off, and its matched pairs (points, points_off).

    On: those of the arms that its controls mirror, where they are played; else those of the condition it has most of.
    """
    controls = {c: on for c, on in mirrors.items() if measured.filter(pl.col("arm") == c).height}
    off = measured.filter(pl.col("arm").is_in(list(controls)) & (pl.col("channel") == "none"))
    talking = measured.filter(pl.col("channel") != "none")
    mirrored = talking.filter(pl.col("arm").is_in(list(mirrors.values())))
    if mirrored.height:
        on = mirrored
    else:
        sizes = talking.group_by("condition").len().sort(["len", "condition"], descending=[True, False])
        on = talking.filter(pl.col("condition") == sizes["condition"][0]) if sizes.height else talking
    pairs = (
        off.with_columns(arm_on=pl.col("arm").replace_strict(controls, default=None, return_dtype=pl.String))
        .join(on, left_on=["arm_on", "replicate", "seed"], right_on=["arm", "replicate", "seed"], suffix="_on")
        .sort("episode_id")
    )
    return on, off, pairs


def _row(
    measured: pl.DataFrame, model: str, mirrors: Mapping[str, str], focal: Mapping[str, Sequence[str]]
) -> tuple[object, ...]:
    on, off, pairs = compared(measured, mirrors)
    needs = None if off.height else next((c for c in sorted(mirrors) if model in focal.get(c, ())), "a control arm")
    counts = (model, on.height, off.height, pairs.height)
    means = (_mean(on), _mean(off))
    p_value: float | None
    if pairs.height:
        result = paired_lift(pairs["focal_points_on"].to_list(), pairs["focal_points"].to_list())
        interval, p_value = result.t, result.p_sign_flip
        gap = result.lift
    elif on.height and off.height:
        interval, p_value = welch_interval(on["focal_points"].to_list(), off["focal_points"].to_list())
        gap = (_mean(on) or 0.0) - (_mean(off) or 0.0)
    else:
        return (
            *counts,
            *means,
            None,
            None,
            None,
            "no control" if on.height else "no messages-on arm",
            None,
            None,
            needs,
        )
    return (*counts, *means, gap, interval.low, interval.high, interval.method, p_value, None, needs)


def _mean(frame: pl.DataFrame) -> float | None:
    values = frame["focal_points"].to_list()
    return sum(values) / len(values) if values else None


def _signed_sums(x: "np.typing.NDArray[np.float64]") -> "np.typing.NDArray[np.float64]":
    signs = np.array(list(itertools.product((-1.0, 1.0), repeat=len(x)))).reshape(2 ** len(x), len(x))
    return np.asarray(signs @ x)
