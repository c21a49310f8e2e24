"""Chooses the messages for a labeller: all, or a random sample that depends only on its seed."""

import hashlib
from dataclasses import dataclass

import polars as pl

from di_assets.labelling.stored import text_number
from di_assets.tables import Warehouse
from di_assets.tables.words import COMPLETE

STRATUM = ("arm", "focal_model")


@dataclass(frozen=True, slots=True)
class Message:
    """One message to label, without anything that shows who wrote it."""

    episode_id: str
    event_id: int
    text: str

    @property
    def number(self) -> int:
        """The number of its text."""
        return text_number(self.text)


def chosen(warehouse: Warehouse, *, arm: str | None = None, sample: int | None = None, seed: int) -> list[Message]:
    """Messages of complete episodes, in a random order drawn from the seed; at most `sample` of them.

    The sample is stratified: arms and focal models take turns, so that each has the same number of messages in it, or
    all that it has. A larger sample with the same seed begins with the smaller one. If a model wrote more, the sample
    does not change.

    Args:
        warehouse: the warehouse with the tables.
        arm: only messages of this arm.
        sample: most messages; None is all.
        seed: seed of the order.
    """
    complete = pl.col("status") == COMPLETE
    episodes = warehouse.scan("episodes").filter(complete if arm is None else complete & (pl.col("arm") == arm))
    messages = warehouse.scan("messages").select("episode_id", "event_id", "text")
    found = messages.join(episodes.select("episode_id", *STRATUM), on="episode_id").collect()
    lots = [_lot(seed, episode, event) for episode, event in found.select("episode_id", "event_id").iter_rows()]
    drawn = found.with_columns(lot=pl.Series(lots, dtype=pl.String())).sort("lot")
    turns = (
        drawn.with_columns(turn=pl.int_range(pl.len()).over(*STRATUM)).sort("turn", "lot").head(sample or drawn.height)
    )
    return [Message(*row) for row in turns.select("episode_id", "event_id", "text").iter_rows()]


def _lot(seed: int, episode_id: str, event_id: int) -> str:
    return hashlib.sha256(f"{seed}/{episode_id}/{event_id}".encode()).hexdigest()
