"""Reciprocity and chance: every per-episode measure is compared with two null models without persuasion.

`measure/simulated`: reciprocators who never talk (tit-for-tat over neighbours), 10,000 simulated episodes of the same
game (`talkless`). A pull there that is not a payback is unprompted, and none is solicited. `measure/shuffled`: each
episode's own pulls, shuffled over rounds for each puller (`shuffles`). This keeps who pulls whom how often, and
destroys the timing. Both nulls give the mean of n independent episodes, with n as observed. Episodes of one focal model
and seed under one condition are one block, that is, replicates of one independent episode. A block counts as one
simulated episode, and the rounds of its episodes are shuffled in the same way.
"""

from collections import Counter
from dataclasses import astuple

import numpy as np
import polars as pl

from di_assets.measures.comparable import models_first
from di_assets.measures.measure import Measure
from di_assets.measures.null_means import held_against
from di_assets.measures.shuffled_null import arranged, shuffled_null
from di_assets.measures.talkless import games_of, mixture, null_of
from di_assets.tables.by_batch import SHUFFLES
from di_assets.tables.contract import Table
from di_assets.tables.over_all import MODEL_BASELINE, RECIPROCITY_BASELINE
from di_assets.tables.words import COMPLETE

# Measures that every episode has, and measures of episodes with a focal seat.
OF_ALL = ("cascades", "gini", "payback_rate", "unprompted_rate")
OF_FOCAL = ("focal_capture", "focal_floor_points", "focal_points")
# Measures that shuffling over rounds can change. It does not change points and gini, and to tell unprompted pulls it
# would need the messages, which are not shuffled. Those three are compared only with the simulated null.
TIMED = ("cascades", "focal_capture", "focal_floor_points", "payback_rate")


def reciprocity_baseline(
    episodes: pl.DataFrame, edges: pl.DataFrame, episode_measures: pl.DataFrame, shuffles: pl.DataFrame
) -> pl.DataFrame:
    """One row per condition and measure/null; a condition without a focal seat has no rows for measures of one.

    If models played a condition, episodes of scripted agents in it are left out.
    """
    shown = models_first(episodes.join(episode_measures, on="episode_id", how="semi"))
    return _baseline(RECIPROCITY_BASELINE, ("condition",), shown, edges, episode_measures, shuffles)


def model_baseline(
    episodes: pl.DataFrame, edges: pl.DataFrame, episode_measures: pl.DataFrame, shuffles: pl.DataFrame
) -> pl.DataFrame:
    """One row per condition, focal model and measure/null. It shows which models behind a condition's mean differ.

    A model's rows depend only on its own episodes. The p values are not adjusted for their number.
    """
    focal = episode_measures.filter(pl.col("focal_model").is_not_null())
    return _baseline(MODEL_BASELINE, ("condition", "focal_model"), episodes, edges, focal, shuffles)


def _baseline(
    table: Table,
    keys: tuple[str, ...],
    episodes: pl.DataFrame,
    edges: pl.DataFrame,
    episode_measures: pl.DataFrame,
    shuffles: pl.DataFrame,
) -> pl.DataFrame:
    facts = episodes.select("episode_id", "seed", "focal_seat", "status", "n_seats", "n_rounds")
    complete = facts.filter(pl.col("status") == COMPLETE)
    measured = episode_measures.join(complete, on="episode_id").sort(*keys, "episode_id")
    games = games_of(measured, edges)
    own = arranged(shuffles, measured.select("episode_id", "focal_points", "n_seats", "n_rounds"))
    rows: list[tuple[object, ...]] = []
    for key, found in measured.group_by(*keys, maintain_order=True):
        part = found.with_columns(block=pl.struct("focal_model", "seed").rank("dense").cast(pl.Int64) - 1)
        part = part.sort("block", "episode_id")
        names = (*OF_ALL, *OF_FOCAL) if part["focal_seat"].count() else OF_ALL
        observed = part.group_by("block", maintain_order=True).agg(pl.mean(*names))
        played = mixture(
            Counter(games[one] for one in part.unique("block", keep="first", maintain_order=True)["episode_id"])
        )
        for name in sorted(names):
            values = observed[name].fill_null(np.nan).to_numpy()
            null = null_of(played, name, observed[name].count())
            rows.append((*key, f"{name}/simulated", *astuple(held_against(values, null))))
            if name in TIMED:
                rows.append((*key, f"{name}/shuffled", *astuple(held_against(values, shuffled_null(own, name, part)))))
    return table.frame(rows)


_OF_EPISODES = ("episode_id", "status", "n_seats", "n_rounds", "seed", "focal_seat")
_READS = {
    "episodes": _OF_EPISODES,
    "edges": ("episode_id", "seat_a", "seat_b"),
    "episode_measures": ("episode_id", "condition", "focal_model", *OF_ALL, *OF_FOCAL),
    "shuffles": tuple(SHUFFLES.schema),
}
BY_CONDITION = Measure(
    reciprocity_baseline,
    RECIPROCITY_BASELINE,
    reads={**_READS, "episodes": (*_OF_EPISODES, "condition", "scripted")},
    version="2",
)
BY_MODEL = Measure(model_baseline, MODEL_BASELINE, reads=_READS, version="2")
