"""Where each stored episode stands: its partition, and the episodes before and after it."""

from dataclasses import dataclass

import polars as pl

from di_assets.tables import Warehouse


@dataclass(frozen=True, slots=True)
class Place:
    """One episode among the others.

    Attributes:
        batch: the partition that holds it.
        before: the episode before it, by condition and id; None for the first.
        after: the one after it; None for the last.
    """

    batch: str
    before: str | None
    after: str | None


def read_shelf(warehouse: Warehouse) -> pl.DataFrame:
    """condition, episode_id and batch of every stored episode, by condition and id; nothing else is read."""
    columns = ("condition", "episode_id", "batch")
    return warehouse.scan("episodes").select(columns).collect().sort("condition", "episode_id")


def place_of(shelf: pl.DataFrame, episode_id: str) -> Place | None:
    """Where an episode stands; None where there is none of this id."""
    found = (shelf["episode_id"] == episode_id).arg_true()
    if not len(found):
        return None
    at, ids = found[0], shelf["episode_id"]
    before, after = (ids[to] if 0 <= to < len(ids) else None for to in (at - 1, at + 1))
    return Place(batch=shelf["batch"][at], before=before, after=after)
