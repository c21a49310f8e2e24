"""Mean points and capture of each focal model under each condition, over independent episodes."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from di_assets.measures.intervals import Interval, percentile_bootstrap, t_interval, t_p
from di_assets.measures.measure import Measure
from di_assets.tables.over_all import MODEL_POINTS


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over independent episodes with its t interval and the p of a mean of zero.

    Attributes:
        values: one for each episode.
        mean: their mean; None if there are none.
        t: its t interval.
        p: two-sided p of a mean of zero; None if there is no interval.
    """

    values: tuple[float, ...]
    mean: float | None
    t: Interval
    p: float | None

    @property
    def n(self) -> int:
        """Number of independent episodes."""
        return len(self.values)

    @property
    def percentile(self) -> Interval:
        """Percentile bootstrap of the mean; computed at each call."""
        return percentile_bootstrap(self.values)


def mean_of(values: Sequence[float]) -> Mean:
    """The mean of these values and its intervals; None if there are no values."""
    return Mean(
        values=tuple(values),
        mean=sum(values) / len(values) if values else None,
        t=t_interval(values),
        p=t_p(values),
    )


def independent(episodes: pl.DataFrame, episode_measures: pl.DataFrame) -> pl.DataFrame:
    """Focal episodes, one row per block: condition, model, seed, and the block's mean points, floor and capture.

    Episodes of one model under one condition that share a seed (relaunches, arms with the same seeds) are replicates of
    one block, never independent.
    """
    seeds = episodes.select("episode_id", "seed")
    focal = episode_measures.filter(pl.col("focal_model").is_not_null()).join(seeds, on="episode_id").sort("episode_id")
    return (
        focal.group_by("condition", "focal_model", "seed")
        .agg(
            points=pl.mean("focal_points"),
            floor_points=pl.mean("focal_floor_points"),
            capture=pl.mean("focal_capture"),
        )
        .sort("condition", "focal_model", "seed")
    )


def model_points(episodes: pl.DataFrame, episode_measures: pl.DataFrame) -> pl.DataFrame:
    """One row per focal model and condition. `n` counts independent episodes; the interval is Student's t over them."""
    rows: list[tuple[object, ...]] = []
    blocks = independent(episodes, episode_measures)
    for (condition, model), group in blocks.group_by("condition", "focal_model", maintain_order=True):
        points, floors, captures = (group[name].to_list() for name in ("points", "floor_points", "capture"))
        of_points, of_capture = t_interval(points), t_interval(captures)
        rows.append(
            (
                condition,
                model,
                len(points),
                sum(points) / len(points),
                of_points.low,
                of_points.high,
                of_points.method,
                sum(floors) / len(floors),
                sum(captures) / len(captures),
                of_capture.low,
                of_capture.high,
            )
        )
    return MODEL_POINTS.frame(rows)


MEASURE = Measure(
    model_points,
    MODEL_POINTS,
    reads={
        "episodes": ("episode_id", "seed"),
        "episode_measures": (
            "episode_id",
            "condition",
            "focal_model",
            "focal_points",
            "focal_floor_points",
            "focal_capture",
        ),
    },
)
