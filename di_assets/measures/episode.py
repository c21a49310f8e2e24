"""Everything measured of an episode as a whole, one row each."""

import polars as pl

from di_assets.measures.dense import NOBODY, cascades, dense_groups, gini, received
from di_assets.measures.kinds import KINDS
from di_assets.tables import TABLES

RATES = dict(zip(KINDS, ("payback_rate", "solicited_not_payback_rate", "unprompted_rate"), strict=True))


def episode_measures(
    episodes: pl.DataFrame,
    edges: pl.DataFrame,
    pulls: pl.DataFrame,
    pull_kinds: pl.DataFrame,
    seat_measures: pl.DataFrame,
) -> pl.DataFrame:
    """One row a complete episode. Rates are shares of its valid pulls and sum to 1; null where it has none."""
    parts = [
        pl.DataFrame(
            {
                "episode_id": group.ids,
                "n_pulls": (group.targets != NOBODY).sum(axis=(1, 2)),
                "cascades": cascades(group.targets, group.adjacent),
                "gini": gini(received(group.targets).sum(axis=1)),
            }
        )
        for group in dense_groups(episodes, edges, pulls)
    ]
    none = {"episode_id": pl.String, "n_pulls": pl.Int64, "cascades": pl.Int64, "gini": pl.Float64}
    measured = pl.concat([pl.DataFrame(schema=none), *parts])
    shares = pull_kinds.group_by("episode_id").agg(
        **{rate: (pl.col("kind") == kind).mean() for kind, rate in RATES.items()}
    )
    focal = seat_measures.filter(pl.col("role") == "focal").select(
        "episode_id", focal_points="points", focal_floor_points="floor_points", focal_capture="capture"
    )
    forfeits = pulls.group_by("episode_id").agg(n_forfeits=(pl.col("status") == "forfeit").sum())
    whole = measured.join(episodes.select("episode_id", "arm", "condition", "focal_model"), on="episode_id")
    for more in (forfeits, shares, focal):
        whole = whole.join(more, on="episode_id", how="left")
    return TABLES["episode_measures"].conform(whole)
