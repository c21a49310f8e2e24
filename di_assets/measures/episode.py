"""Everything measured of an episode as a whole, one row each."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from di_assets.measures.dense import NOBODY, Dense, cascades, dense_groups, gini
from di_assets.measures.kinds import KINDS, asking, kinds_of
from di_assets.measures.lanes import count
from di_assets.measures.seats import scores_of
from di_assets.tables import TABLES

RATES = dict(zip(KINDS, ("payback_rate", "solicited_not_payback_rate", "unprompted_rate"), strict=True))
FOCAL = ("focal_points", "focal_floor_points", "focal_capture")


def episode_measures(
    episodes: pl.DataFrame,
    edges: pl.DataFrame,
    messages: pl.DataFrame,
    pulls: pl.DataFrame,
    message_labels: pl.DataFrame,
) -> pl.DataFrame:
    """One row a complete episode. Rates are shares of its valid pulls and sum to 1; null where it has none."""
    groups = dense_groups(episodes, edges, pulls, asking(messages, message_labels))
    focal = dict(episodes.select("episode_id", "focal_seat").iter_rows())
    heads = episodes.select("episode_id", "arm", "condition", "focal_model")
    columns = [c for c in TABLES["episode_measures"].schema if c not in ("arm", "condition", "focal_model")]
    none = TABLES["episode_measures"].empty().select(columns)
    measured = pl.concat([none, *(_rows(group, focal).select(columns) for group in groups)])
    return TABLES["episode_measures"].conform(measured.join(heads, on="episode_id"))


def _rows(group: Dense, focal: Mapping[str, int | None]) -> pl.DataFrame:
    scores, every = scores_of(group), np.arange(len(group.ids))
    seat = np.array([NOBODY if (seat := focal[key]) is None else seat for key in group.ids], dtype=np.int64)
    n_pulls = scores.points.sum(axis=1)
    rows = pl.DataFrame(
        {
            "episode_id": group.ids,
            "seat": seat,
            "n_pulls": n_pulls,
            "n_forfeits": group.forfeits,
            "focal_points": scores.points[every, seat],
            "focal_floor_points": scores.floor_points[every, seat],
            "focal_capture": scores.capture[every, seat],
            "cascades": cascades(group.targets, group.adjacent),
            "gini": gini(scores.points),
            **{RATES[kind]: count(flags) for kind, flags in zip(KINDS, kinds_of(group), strict=True)},
        }
    )
    return rows.with_columns(
        *(pl.when(pl.col("seat") != NOBODY).then(name).alias(name) for name in FOCAL),
        *(pl.when(pl.col("n_pulls") > 0).then(pl.col(name) / pl.col("n_pulls")).alias(name) for name in RATES.values()),
    )
