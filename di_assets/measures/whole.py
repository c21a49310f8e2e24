"""Seats and whole episodes measured at once: what is read of a batch is read once, and no message's text is."""

from dataclasses import dataclass

import polars as pl

from di_assets.measures.dense import dense_groups
from di_assets.measures.episode import episode_rows, episode_table, focal_seats
from di_assets.measures.kinds import asking
from di_assets.measures.seats import scores_of, seat_rows, seat_table
from di_assets.tables import Warehouse

# What the measures of episodes need of each table.
COLUMNS = {
    "episodes": ("episode_id", "arm", "condition", "focal_model", "focal_seat", "n_seats", "n_rounds", "status"),
    "seats": ("episode_id", "seat", "model", "role"),
    "edges": ("episode_id", "seat_a", "seat_b"),
    "messages": ("episode_id", "event_id", "round", "sender", "recipient"),
    "pulls": ("episode_id", "round", "puller", "target"),
    "message_labels": ("episode_id", "event_id", "asks_for_pull", "labeller"),
}


@dataclass(frozen=True, slots=True)
class Measured:
    """Both tables as `seat_measures` and `episode_measures` make them."""

    seat_measures: pl.DataFrame
    episode_measures: pl.DataFrame


def measured(warehouse: Warehouse, batch: str) -> Measured:
    """The seats and the episodes of a batch, from its events and labels."""
    frames = pl.collect_all([warehouse.scan(name, batch).select(columns) for name, columns in COLUMNS.items()])
    episodes, seats, edges, messages, pulls, labels = frames
    focal, by_seat, by_episode = focal_seats(episodes), [], []
    for group in dense_groups(episodes, edges, pulls, asking(messages, labels)):
        scores = scores_of(group)
        by_seat.append(seat_rows(group, scores))
        by_episode.append(episode_rows(group, scores, focal))
    return Measured(seat_table(by_seat, seats), episode_table(by_episode, episodes, pulls))
