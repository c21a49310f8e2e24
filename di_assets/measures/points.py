"""Mean points and capture of each focal model under each condition, over independent episodes."""

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from di_assets.measures.intervals import Interval, percentile_bootstrap, studentized_bootstrap, t_interval
from di_assets.tables import TABLES


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over independent episodes with its t interval, and both bootstraps beside it."""

    n: int
    mean: float | None
    t: Interval
    studentized: Interval
    percentile: Interval


def mean_of(values: Sequence[float]) -> Mean:
    """The mean of these episodes' values and its intervals; None without any."""
    return Mean(
        n=len(values),
        mean=sum(values) / len(values) if values else None,
        t=t_interval(values),
        studentized=studentized_bootstrap(values),
        percentile=percentile_bootstrap(values),
    )


def independent(episodes: pl.DataFrame, episode_measures: pl.DataFrame) -> pl.DataFrame:
    """Focal episodes, one row a block: condition, model, seed, and the block's mean points, floor and capture.

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
    """One row a focal model and condition; `n` counts independent episodes, the interval is Student's t over them."""
    rows: list[tuple[object, ...]] = []
    blocks = independent(episodes, episode_measures)
    for (condition, model), group in blocks.group_by("condition", "focal_model", maintain_order=True):
        points, capture = mean_of(group["points"].to_list()), mean_of(group["capture"].to_list())
        floor = mean_of(group["floor_points"].to_list()).mean
        rows.append(
            (
                condition,
                model,
                points.n,
                points.mean,
                points.t.low,
                points.t.high,
                points.t.method,
                floor,
                capture.mean,
                capture.t.low,
                capture.t.high,
            )
        )
    return TABLES["model_points"].frame(rows)
