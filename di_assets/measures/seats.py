"""Points, reciprocity floor and capture of every seat."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import polars as pl

from di_assets.measures.dense import NEEDED, Dense, Floats, Ints, capture, dense_groups, forecast, points, residuals
from di_assets.measures.layout import in_order
from di_assets.measures.measure import Measure, Shown
from di_assets.tables.by_batch import SEAT_MEASURES

COLUMNS = ("episode_id", "seat", "points", "floor_points", "capture")


@dataclass(frozen=True, slots=True)
class Scores:
    """Results of the seats of a group of episodes, each (e, i).

    Attributes:
        points: valid pulls received.
        floor_points: points that blind reciprocation alone would have brought.
        capture: mean net capture over the N - 1 others, in [-1, 1].
    """

    points: Ints
    floor_points: Floats
    capture: Floats


def seat_measures(
    episodes: pl.DataFrame, seats: pl.DataFrame, edges: pl.DataFrame, pulls: pl.DataFrame
) -> pl.DataFrame:
    """One row per seat of a complete episode; a seat that got nothing has 0 points.

    capture = mean of the seat's net capture over the N - 1 others, in [-1, 1].
    """
    return seat_table((seat_rows(group, scores_of(group)) for group in dense_groups(episodes, edges, pulls)), seats)


def scores_of(group: Dense) -> Scores:
    """Points, floor and capture of each seat."""
    expected = forecast(group.targets, group.adjacent)
    return Scores(
        points=points(group.targets),
        floor_points=in_order(expected),
        capture=capture(residuals(group.targets, expected)),
    )


def seat_rows(group: Dense, scores: Scores) -> pl.DataFrame:
    """The columns COLUMNS for each seat of the group."""
    n = len(group.ids)
    return pl.DataFrame(
        {
            "episode_id": pl.Series(group.ids, dtype=pl.String).gather(np.repeat(np.arange(n), group.n_seats)),
            "seat": np.tile(np.arange(group.n_seats), n),
            "points": scores.points.ravel(),
            "floor_points": scores.floor_points.ravel(),
            "capture": scores.capture.ravel(),
        }
    )


def seat_table(parts: Iterable[pl.DataFrame], seats: pl.DataFrame) -> pl.DataFrame:
    """`seat_measures` from rows of `seat_rows`: adds the model and the role of each seat."""
    measured = pl.concat([SEAT_MEASURES.empty().select(COLUMNS), *parts])
    roster = seats.select("episode_id", "seat", "model", "role")
    return SEAT_MEASURES.conform(measured.join(roster, on=["episode_id", "seat"], maintain_order="left"))


MEASURE = Measure(
    seat_measures,
    SEAT_MEASURES,
    reads={**NEEDED, "seats": ("episode_id", "seat", "model", "role")},
    # The lanes of the page already show points and models.
    shown=Shown("Beyond tit for tat", ("seat", "floor_points", "capture")),
)
