"""Statistics of a page that are not about one model: kinds of pulls, pairs, and observed values with their nulls."""

from typing import Any, cast

import polars as pl

from di_assets.measures.intervals import Interval, clustered_t
from di_assets.report.questions.part import Rate
from di_assets.report.questions.scope import Frames, Scope
from di_assets.tables.words import OPEN

NO_TALK = "simulated"
"""The null of reciprocators who never talk, as in the table `reciprocity_baseline`."""


def bounds(interval: Interval) -> list[float] | None:
    """Both bounds; None if there are none."""
    return None if interval.low is None or interval.high is None else [interval.low, interval.high]


def rate(scope: Scope, column: str) -> Rate:
    """Mean over episodes with messages on. The interval is clustered by seed: arms that share seeds are one block."""
    known = scope.episodes.filter(pl.col("channel") == OPEN).drop_nulls(column).sort("episode_id")
    interval = clustered_t(known[column].to_list(), known["seed"].to_list())
    return {
        "value": cast("float | None", known[column].mean()),
        "ci": bounds(interval),
        "ci_method": interval.method,
        "n": known.height,
        "n_seeds": interval.n,
    }


def net_capture(scope: Scope, frames: Frames) -> dict[str, Any]:
    """Net capture over all pairs. It is zero by construction, so it is a check, and an interval would mean nothing."""
    pairs = frames["pair_capture"].filter(pl.col("episode_id").is_in(scope.episodes["episode_id"].implode()))
    values = pairs["net_capture"].rechunk()
    spread = values.std() if len(values) > 1 else None
    mean = values.mean() if len(values) else None
    return {"value": mean, "ci": None, "ci_reason": "identity", "n": len(values), "pair_sd": spread}


def against_chance(scope: Scope, frames: Frames) -> list[dict[str, Any]]:
    """For each condition, each observed value with its nulls: range, place in the null, and p."""
    conditions = scope.episodes["condition"].unique().implode()
    rows = frames["reciprocity_baseline"].filter(pl.col("condition").is_in(conditions))
    records = []
    for row in rows.iter_rows(named=True):
        measure, _, null = row.pop("measure").partition("/")
        records.append({"condition": row.pop("condition"), "measure": measure, "null": null, **row})
    return records
