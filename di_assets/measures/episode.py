"""Measures of an episode as a whole, one row per episode."""

from collections.abc import Iterable, Mapping

import numpy as np
import polars as pl

from di_assets.measures.dense import NEEDED, NOBODY, Dense, cascades, dense_groups, gini
from di_assets.measures.kinds import ASKING, KINDS, asking, kinds_of
from di_assets.measures.layout import count
from di_assets.measures.measure import Measure
from di_assets.measures.seats import Scores, scores_of
from di_assets.tables.by_batch import EPISODE_MEASURES

RATES = dict(zip(KINDS, ("payback_rate", "solicited_not_payback_rate", "unprompted_rate"), strict=True))
FOCAL = ("focal_points", "focal_floor_points", "focal_capture")
HEADS = ("episode_id", "arm", "condition", "focal_model")


def episode_measures(
    episodes: pl.DataFrame,
    edges: pl.DataFrame,
    messages: pl.DataFrame,
    pulls: pl.DataFrame,
    message_labels: pl.DataFrame,
) -> pl.DataFrame:
    """One row per complete episode. Rates are shares of its valid pulls and sum to 1; null if it has no valid pull."""
    groups = dense_groups(episodes, edges, pulls, asking(messages, message_labels))
    focal = focal_seats(episodes)
    return episode_table((episode_rows(group, scores_of(group), focal) for group in groups), episodes, pulls)


def focal_seats(episodes: pl.DataFrame) -> Mapping[str, int]:
    """Each episode's focal seat, NOBODY in a mixed arm."""
    return dict(zip(episodes["episode_id"].to_list(), episodes["focal_seat"].fill_null(NOBODY).to_list(), strict=True))


def episode_rows(group: Dense, scores: Scores, focal: Mapping[str, int]) -> pl.DataFrame:
    """One row per episode of the group: the columns of `episode_measures` that are computed from its pulls."""
    every, seat = np.arange(len(group.ids)), np.array([focal[key] for key in group.ids])
    rows = pl.DataFrame(
        {
            "episode_id": group.ids,
            "seat": seat,
            "n_pulls": scores.points.sum(axis=1),
            "focal_points": scores.points[every, seat],
            "focal_floor_points": scores.floor_points[every, seat],
            "focal_capture": scores.capture[every, seat],
            "cascades": cascades(group.targets, group.adjacent),
            "gini": gini(scores.points),
            **{RATES[kind]: count(flags) for kind, flags in zip(KINDS, kinds_of(group), strict=True)},
        }
    )
    return rows.select(
        pl.exclude("seat", *FOCAL, *RATES.values()),
        *(pl.when(pl.col("seat") != NOBODY).then(name).alias(name) for name in FOCAL),
        *(pl.when(pl.col("n_pulls") > 0).then(pl.col(name) / pl.col("n_pulls")).alias(name) for name in RATES.values()),
    )


def episode_table(parts: Iterable[pl.DataFrame], episodes: pl.DataFrame, pulls: pl.DataFrame) -> pl.DataFrame:
    """`episode_measures` from rows of `episode_rows`: adds arm, condition, focal model and n_forfeits."""
    rows = list(parts)
    if not rows:
        return EPISODE_MEASURES.empty()
    forfeits = pulls.filter(pl.col("target").is_null()).group_by("episode_id").agg(n_forfeits=pl.len())
    whole = pl.concat(rows)
    for more in (episodes.select(HEADS), forfeits):
        whole = whole.join(more, on="episode_id", how="left", maintain_order="left")
    return EPISODE_MEASURES.conform(whole.with_columns(pl.col("n_forfeits").fill_null(0)))


MEASURE = Measure(
    episode_measures,
    EPISODE_MEASURES,
    reads={**NEEDED, **ASKING, "episodes": (*NEEDED["episodes"], "arm", "condition", "focal_model", "focal_seat")},
)
