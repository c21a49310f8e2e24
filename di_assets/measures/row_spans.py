"""Finds the rows of each episode in a table by binary search instead of a join.

Tables are kept in key order, so the rows of an episode are adjacent. One pass checks this; a frame in another order is
sorted first.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Cut:
    """The rows of some episodes, one episode after the other.

    Attributes:
        frame: the rows.
        lengths: (e,) number of rows of each episode.
    """

    frame: pl.DataFrame
    lengths: Indices

    @property
    def episode(self) -> Indices:
        """(rows,): for each row, the position of its episode among the requested ones, from 0."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)

    def column(self, name: str) -> NDArray[Any]:
        """The values of a column, without a copy if they are contiguous."""
        return self.frame[name].to_numpy()


@dataclass(frozen=True, slots=True)
class Spans:
    """The positions of some episodes' rows in a frame sorted by episode.

    Attributes:
        frame: all rows.
        first: (e,) the episode's first row.
        stop: (e,) the row after its last.
    """

    frame: pl.DataFrame
    first: Indices
    stop: Indices

    def cut(self, start: int, stop: int) -> Cut:
        """The rows of the episodes at positions start, ..., stop - 1; not copied if they are adjacent."""
        first, lengths = self.first[start:stop], (self.stop - self.first)[start:stop]
        total = int(lengths.sum())
        before = np.cumsum(lengths) - lengths
        if total == 0 or (first - before == first[0]).all():
            return Cut(self.frame.slice(int(first[0]) if total else 0, total), lengths)
        return Cut(self.frame[np.repeat(first - before, lengths) + np.arange(total)], lengths)


def spans(frame: pl.DataFrame, ids: pl.Series) -> Spans:
    """The positions of the rows of these episodes, in the order of `ids`; an empty span for an episode without rows."""
    if not frame["episode_id"].is_sorted():
        frame = frame.sort("episode_id", maintain_order=True)
    first, stop = (
        frame["episode_id"].search_sorted(ids, side=side).to_numpy().astype(np.int64) for side in ("left", "right")
    )
    return Spans(frame, first, stop)


def by_seat(seats: pl.DataFrame, ids: pl.Series, column: str, *, n_seats: int) -> NDArray[Any]:
    """(e, i): a column of `seats` for each seat of these episodes; 0 for a seat that an episode does not have.

    Args:
        seats: episode_id, seat and the column.
        ids: the episodes, in the order of the result.
        column: numbers or bools.
        n_seats: length of the second axis.
    """
    theirs = spans(seats, ids).cut(0, len(ids))
    values = theirs.column(column)
    found = np.zeros((len(ids), n_seats), dtype=values.dtype)
    found[theirs.episode, theirs.column("seat")] = values
    return found
