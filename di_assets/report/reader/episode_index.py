"""An index of the stored episodes: the partition of each, and the episodes before and after it."""

from dataclasses import dataclass

import polars as pl

from di_assets.tables import Warehouse


@dataclass(frozen=True, slots=True)
class Place:
    """An episode's place in the index.

    Attributes:
        batch: the partition that holds it.
        before: the previous episode, by condition and id; None for the first.
        after: the next episode; None for the last.
    """

    batch: str
    before: str | None
    after: str | None


def read_index(warehouse: Warehouse) -> pl.DataFrame:
    """condition, episode_id and batch of every stored episode, sorted by condition and id. Reads nothing else."""
    columns = ("condition", "episode_id", "batch")
    return warehouse.scan("episodes").select(columns).collect().sort("condition", "episode_id")


def place_of(index: pl.DataFrame, episode_id: str) -> Place | None:
    """An episode's place; None if there is no episode with this id."""
    found = (index["episode_id"] == episode_id).arg_true()
    if not len(found):
        return None
    at, ids = found[0], index["episode_id"]
    before, after = (ids[to] if 0 <= to < len(ids) else None for to in (at - 1, at + 1))
    return Place(batch=index["batch"][at], before=before, after=after)
