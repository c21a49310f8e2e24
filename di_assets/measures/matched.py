"""Matches episodes of two sides by seed: the k-th episode of a seed on one side with the k-th on the other."""

import polars as pl

SIDES = ("left", "right")
VALUES = ("episode_id", "focal_model", "focal_points", "focal_capture")


def matched(left: pl.DataFrame, right: pl.DataFrame, *, across_models: bool) -> pl.DataFrame:
    """One row per matched pair, sorted by seed, model and launch.

    Args:
        left: episodes with a focal seat: episode_id, launch, seed, focal_model, focal_points, focal_capture.
        right: the episodes to match them with.
        across_models: an episode of one model may be matched with one of another; otherwise only with one of its own.

    Returns:
        seed, then episode_id, focal_model, focal_points and focal_capture of both sides (`_left`, `_right`), and `gap`,
        points on the left minus on the right.
    """
    keys = ["seed", "turn"] if across_models else ["seed", "focal_model", "turn"]
    counted = [
        side.sort("seed", "focal_model", "launch", "episode_id")
        .with_columns(turn=pl.int_range(pl.len()).over(keys[:-1]))
        .select(*keys, *(pl.col(name).alias(f"{name}_{which}") for name in VALUES))
        for side, which in zip((left, right), SIDES, strict=True)
    ]
    pairs = counted[0].join(counted[1], on=keys).sort(*keys, "episode_id_left")
    names = [f"{name}_{which}" for which in SIDES for name in VALUES]
    return pairs.select("seed", *names, gap=pl.col("focal_points_left") - pl.col("focal_points_right"))


def by_seed(pairs: pl.DataFrame) -> pl.DataFrame:
    """Mean points of both sides per seed, sorted by seed. Pairs of one seed are replicates of one block."""
    points = ("focal_points_left", "focal_points_right")
    return pairs.sort("seed", "episode_id_left").group_by("seed", maintain_order=True).agg(pl.mean(*points))
