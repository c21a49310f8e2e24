"""Points, reciprocity floor and capture of every seat."""

import numpy as np
import polars as pl

from di_assets.measures.dense import dense_groups, floor_points, received
from di_assets.tables import TABLES


def seat_measures(
    episodes: pl.DataFrame, seats: pl.DataFrame, edges: pl.DataFrame, pulls: pl.DataFrame, pair_capture: pl.DataFrame
) -> pl.DataFrame:
    """One row a seat of a complete episode; a seat that got nothing has 0 points.

    capture = mean of the seat's net capture over the N - 1 others, in [-1, 1].
    """
    capture = (
        pair_capture.sort("episode_id", "seat", "other")
        .group_by("episode_id", "seat")
        .agg(capture=pl.mean("net_capture"))
    )
    parts = [
        pl.DataFrame(
            {
                "episode_id": np.repeat(np.array(group.ids, dtype=object), group.n_seats).tolist(),
                "seat": np.tile(np.arange(group.n_seats), len(group.ids)),
                "points": received(group.targets).sum(axis=1).ravel(),
                "floor_points": floor_points(group.targets, group.adjacent).ravel(),
            }
        )
        for group in dense_groups(episodes, edges, pulls)
    ]
    none = pl.DataFrame(
        schema={"episode_id": pl.String, "seat": pl.Int64, "points": pl.Int64, "floor_points": pl.Float64}
    )
    measured = pl.concat([none, *parts]).join(capture, on=["episode_id", "seat"])
    roster = seats.select("episode_id", "seat", "model", "role")
    return TABLES["seat_measures"].conform(measured.join(roster, on=["episode_id", "seat"]))
