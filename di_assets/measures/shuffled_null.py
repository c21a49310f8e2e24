"""The null of shuffled rounds: means over blocks of relaunches, from the table `shuffles`."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl

from di_assets.measures.dense import Floats, Ints
from di_assets.measures.null_means import Null, means_of_shuffles
from di_assets.measures.shuffles import MANY, TIMED
from di_assets.measures.talkless import capture_of
from di_assets.tables.by_batch import SHUFFLES


@dataclass(frozen=True, slots=True)
class Shuffled:
    """The table `shuffles`, arranged for looking up the rows of an episode.

    Attributes:
        starts: a row per episode: `episode_id`, `first` (the position of its row 0) and `shuffles` (its random orders,
            whose rows follow).
        values: the columns of TIMED, and `focal_capture`; NaN if undefined.
    """

    starts: pl.DataFrame
    values: Mapping[str, Floats]


def arranged(shuffles: pl.DataFrame, episodes: pl.DataFrame) -> Shuffled:
    """The table, with its rows in any order, for these episodes.

    Args:
        shuffles: the table.
        episodes: episode_id, focal_points (null without a focal seat), n_seats, n_rounds.
    """
    ordered = SHUFFLES.conform(shuffles)
    first = np.flatnonzero(ordered["shuffle"].to_numpy() == 0)
    rows = np.diff(np.append(first, len(ordered)))
    starts = pl.DataFrame({"episode_id": ordered["episode_id"].gather(first), "first": first, "shuffles": rows - 1})
    values = {name: ordered[name].fill_null(np.nan).to_numpy() for name in TIMED}
    # A shuffle changes a seat's floor points, and leaves its points as they are.
    facts = starts.join(episodes, on="episode_id", how="left", maintain_order="left")
    points, n_seats, n_rounds = (
        np.repeat(facts[name].fill_null(np.nan).cast(pl.Float64).to_numpy(), rows)
        for name in ("focal_points", "n_seats", "n_rounds")
    )
    values["focal_capture"] = capture_of(points, values["focal_floor_points"], n_seats, n_rounds)
    return Shuffled(starts, values)


def shuffled_null(shuffled: Shuffled, measure: str, episodes: pl.DataFrame) -> Null:
    """The null of a measure for these episodes.

    Args:
        shuffled: the table.
        measure: a column of its values.
        episodes: episode_id and block, sorted by block; one in which the measure is undefined does not count.
    """
    values = shuffled.values[measure]
    found = episodes.select("episode_id", "block").join(shuffled.starts, on="episode_id", maintain_order="left")
    first, many, block = (found[name].to_numpy() for name in ("first", "shuffles", "block"))
    known = ~np.isnan(values[first])
    return _of_blocks(values, first[known], many[known], block[known])


def _of_blocks(values: Floats, first: Ints, many: Ints, block: Ints) -> Null:
    """The null of a column.

    Args:
        values: the column.
        first: (e,) position of each episode's exact mean.
        many: (e,) number of its shuffles, which follow.
        block: (e,) its block, ascending.
    """
    begins = np.flatnonzero(np.diff(block, prepend=-1))
    size = np.diff(np.append(begins, len(block)))
    # The episodes of a block have the same orders; as many count as all of them have.
    common = np.minimum.reduceat(many, begins) if len(begins) else many
    expected: list[Floats] = [np.array([])]
    shuffles: list[Floats] = []
    for number in np.unique(common):
        here = common == number
        rows = values[first[np.repeat(here, size)][:, None] + np.arange(number + 1)]
        means = np.add.reduceat(rows, np.cumsum(size[here]) - size[here], axis=0) / size[here][:, None]
        expected.append(means[:, 0])
        shuffles.append(means[:, 1:])
    return means_of_shuffles(np.concatenate(expected), shuffles, enough=MANY)
