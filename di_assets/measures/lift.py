"""The points that talk brings: messages on minus messages off, by matched pairs if there are any."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from di_assets.measures.intervals import Interval, studentized_bootstrap, t_interval, welch_interval
from di_assets.measures.measure import Measure
from di_assets.measures.sign_flips import sign_flip_p
from di_assets.tables.over_all import LIFT
from di_assets.tables.words import NO_MESSAGES, OPEN

# Columns in which two episodes must agree, so that their points can be compared.
SAME_GAME = ("topology", "payoff", "n_seats", "n_rounds")
_FACTS = ("episode_id", "replicate", "seed", "channel", "scripted", *SAME_GAME)
_POINTS = ("episode_id", "arm", "focal_model", "condition", "focal_points")


@dataclass(frozen=True, slots=True)
class PairedLift:
    """Lift over matched pairs.

    Attributes:
        gaps: the pairs' differences, points per episode.
        lift: their mean.
        t: paired t interval.
        p_sign_flip: two-sided, of `sign_flip_p`. With n pairs it is at least 2 / 2**n.
        correlation: correlation of on and off over the pairs; None if either does not vary.
    """

    gaps: tuple[float, ...]
    lift: float
    t: Interval
    p_sign_flip: float
    correlation: float | None

    @property
    def studentized(self) -> Interval:
        """Studentized bootstrap of the differences; computed at each call."""
        return studentized_bootstrap(self.gaps)


def paired_lift(on: Sequence[float], off: Sequence[float]) -> PairedLift:
    """Lift of matched pairs: `on[k]` and `off[k]` are the points of pair k; at least one pair."""
    a, b = np.asarray(on, dtype=float), np.asarray(off, dtype=float)
    gaps = (a - b).tolist()
    varies = len(a) > 1 and float(a.std()) > 0 and float(b.std()) > 0
    interval = t_interval(gaps)
    return PairedLift(
        gaps=tuple(gaps),
        lift=float(np.mean(gaps)),
        t=interval if interval.low is None else replace(interval, method="paired t"),
        p_sign_flip=sign_flip_p(gaps),
        correlation=float(np.corrcoef(a, b)[0, 1]) if varies else None,
    )


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
    """One row per focal model with any measured episode.

    Matched pairs have the same focal model, replicate and seed, in a control and in the arm that it mirrors. Relaunches
    of one seed are one block: `n_pairs` counts blocks, `n_on` and `n_off` count episodes. With pairs, points on and off
    are means over the pairs, `paired t` is the interval, and p is that of the sign-flip test, which is exact and makes
    no assumption about the shape of the differences. Without pairs, interval and p are Welch's over blocks. A further
    column has Holm's p over the models. If one side has no episode, the lift is null and `needs` names the arm to play.

    Args:
        episodes: episodes.
        episode_measures: their measures.
        mirrors: control arm with messages off -> the arm it mirrors. Arms with other channels are not controls of the
            lift.
        focal: arm -> its focal models.
    """
    measured = episode_measures.select(_POINTS).join(episodes.select(_FACTS), on="episode_id")
    measured = measured.filter(pl.col("focal_model").is_not_null()).sort("episode_id")
    models = sorted(measured["focal_model"].unique())
    rows = [_row(measured.filter(pl.col("focal_model") == model), model, mirrors, focal) for model in models]
    frame = pl.DataFrame(rows, schema=LIFT.schema, orient="row").drop("p_holm")
    # Two families of tests: scripted agents are calibration, and their comparisons must not raise models' p values.
    kinds = measured.group_by("focal_model").agg(scripted=pl.col("scripted").all())
    known = frame.drop_nulls("p_value").join(kinds, left_on="model", right_on="focal_model")
    adjusted = [
        family.select("model", p_holm=pl.Series(holm(family["p_value"].to_list()), dtype=pl.Float64))
        for family in known.partition_by("scripted", maintain_order=True)
    ]
    p_holm = pl.concat([pl.DataFrame(schema={"model": pl.String, "p_holm": pl.Float64}), *adjusted])
    return LIFT.conform(frame.join(p_holm, on="model", how="left"))


def compared(measured: pl.DataFrame, mirrors: Mapping[str, str]) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """One model's episodes with messages on, with messages off, and its matched pairs.

    On: episodes of the arms that its played controls mirror. If none of these is played: of other arms of the same game
    (graph, payoff, size). If there is no control: of the arms that controls will mirror, else of the condition with
    most episodes. Pairs: one row per block (`condition`, `seed`), with its mean `focal_points_on` and `focal_points`
    (off).
    """
    off = measured.filter(pl.col("arm").is_in(list(mirrors)) & (pl.col("channel") == NO_MESSAGES))
    talking = measured.filter(pl.col("channel") == OPEN)
    played = {control: mirrors[control] for control in off["arm"].unique().sort()}
    on = talking.filter(pl.col("arm").is_in(list((played or mirrors).values())))
    if on.is_empty() and played:
        on = talking.join(off.select(SAME_GAME).unique(), on=SAME_GAME, how="semi")
    elif on.is_empty() and talking.height:
        sizes = talking.group_by("condition").len().sort(["len", "condition"], descending=[True, False])
        on = talking.filter(pl.col("condition") == sizes["condition"][0])
    mirrored = pl.col("arm").replace_strict(played, default=None, return_dtype=pl.String)
    pairs = (
        blocks(on, "arm", "condition", "replicate", "seed")
        .rename({"focal_points": "focal_points_on"})
        .join(blocks(off.with_columns(arm=mirrored), "arm", "replicate", "seed"), on=["arm", "replicate", "seed"])
    )
    return on, off, blocks(pairs, "condition", "seed")


def _row(
    measured: pl.DataFrame, model: str, mirrors: Mapping[str, str], focal: Mapping[str, Sequence[str]]
) -> tuple[object, ...]:
    on, off, pairs = compared(measured, mirrors)
    talk, mute = (blocks(part, "condition", "seed")["focal_points"].to_list() for part in (on, off))
    gap: float | None = None
    p_value: float | None = None
    if pairs.height:
        talk, mute = pairs["focal_points_on"].to_list(), pairs["focal_points"].to_list()
        result = paired_lift(talk, mute)
        gap, interval, p_value = result.lift, result.t, result.p_sign_flip
    elif talk and mute:
        interval, p_value = welch_interval(talk, mute)
        gap = sum(talk) / len(talk) - sum(mute) / len(mute)
    else:
        interval = Interval(None, None, "no control" if talk else "no messages-on arm")
    means = (sum(values) / len(values) if values else None for values in (talk, mute))
    bounds = (interval.low, interval.high, interval.method)
    needs = _needs(measured, model, mirrors, focal)
    return (model, on.height, off.height, pairs.height, *means, gap, *bounds, p_value, None, needs)


def _needs(
    measured: pl.DataFrame, model: str, mirrors: Mapping[str, str], focal: Mapping[str, Sequence[str]]
) -> str | None:
    """The arm to play next: a control of this model, or the arm its played controls mirror; None if it has a pair."""
    arms = set(measured["arm"])
    played = sorted(control for control in mirrors if control in arms)
    if not played:
        return next((control for control in sorted(mirrors) if model in focal.get(control, ())), "a control arm")
    missing = sorted({mirrors[control] for control in played} - arms)
    return missing[0] if missing else None


def blocks(part: pl.DataFrame, *keys: str) -> pl.DataFrame:
    """Means of `focal_points...` over the episodes (or pairs) that share these keys; one row each, sorted by keys."""
    # Sorted by all columns: a mean must not depend on the order of rows.
    values = part.select(*keys, "^focal_points.*$").sort(pl.all())
    return values.group_by(keys, maintain_order=True).agg(pl.mean("^focal_points.*$"))


MEASURE = Measure(lift, LIFT, reads={"episodes": _FACTS, "episode_measures": _POINTS}, settings=("mirrors", "focal"))
