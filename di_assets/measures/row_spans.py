"""Where each episode's rows stand in a table, found by binary search instead of a join.

Tables are kept in key order, so the rows of an episode lie together. Whether they do is checked in one pass; a frame in
another order is sorted first.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Cut:
    """Rows of some episodes, one episode after the other.

    Attributes:
        frame: the rows.
        lengths: (e,) how many rows each episode has.
    """

    frame: pl.DataFrame
    lengths: Indices

    @property
    def episode(self) -> Indices:
        """(rows,): the position of each row's episode among those asked for, from 0."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)

    def column(self, name: str) -> NDArray[Any]:
        """A column's values, without a copy where they lie in one piece."""
        return self.frame[name].to_numpy()


@dataclass(frozen=True, slots=True)
class Spans:
    """Where the rows of some episodes stand in a frame that is sorted by episode.

    Attributes:
        frame: all rows.
        first: (e,) the episode's first row.
        stop: (e,) the row after its last.
    """

    frame: pl.DataFrame
    first: Indices
    stop: Indices

    def cut(self, start: int, stop: int) -> Cut:
        """The rows of the episodes at positions start, ..., stop - 1; not copied where they lie together."""
        first, lengths = self.first[start:stop], (self.stop - self.first)[start:stop]
        total = int(lengths.sum())
        before = np.cumsum(lengths) - lengths
        if total == 0 or (first - before == first[0]).all():
            return Cut(self.frame.slice(int(first[0]) if total else 0, total), lengths)
        return Cut(self.frame[np.repeat(first - before, lengths) + np.arange(total)], lengths)


def spans(frame: pl.DataFrame, ids: pl.Series) -> Spans:
    """Where the rows of each of these episodes stand, in the order of `ids`; empty for an episode without rows."""
    if not frame["episode_id"].is_sorted():
        frame = frame.sort("episode_id", maintain_order=True)
    first, stop = (
        frame["episode_id"].search_sorted(ids, side=side).to_numpy().astype(np.int64) for side in ("left", "right")
    )
    return Spans(frame, first, stop)
