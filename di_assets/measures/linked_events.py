"""The events of an episode that the report links to and quotes, found once so that a report need not search events."""

from collections.abc import Mapping
from functools import reduce

import numpy as np
import polars as pl

from di_assets.measures.dense import NEEDED, NOBODY, Bools, Dense, Ints, dense_groups, points, received
from di_assets.measures.episode import focal_seats
from di_assets.measures.kinds import ASKING, asking, kinds_of
from di_assets.measures.layout import episodes_last
from di_assets.measures.measure import Measure
from di_assets.measures.row_spans import spans
from di_assets.tables.by_batch import LINKED_EVENTS

# Later than every event.
NEVER = np.iinfo(np.int64).max


def linked_events(
    episodes: pl.DataFrame,
    edges: pl.DataFrame,
    messages: pl.DataFrame,
    pulls: pl.DataFrame,
    message_labels: pl.DataFrame,
) -> pl.DataFrame:
    """One row per complete episode: the first event of each kind that the report links to; null if it has none."""
    asks, focal = asking(messages, message_labels), focal_seats(episodes)
    parts = [_of_pulls(group, focal) for group in dense_groups(episodes, edges, pulls, asks)]
    found = pl.concat([LINKED_EVENTS.empty().select("episode_id", *_PULLS), *parts]).sort("episode_id")
    seats = np.array([focal[key] for key in found["episode_id"]], dtype=np.int64)
    return LINKED_EVENTS.conform(
        found.with_columns(
            focal_message=_of_messages(messages, found["episode_id"], seats),
            asking_message=_of_messages(asks, found["episode_id"], seats, else_anybody=True),
        )
    )


def _of_pulls(group: Dense, focal: Mapping[str, int]) -> pl.DataFrame:
    """One row per episode of the group: the columns `_PULLS`."""
    side, counts = episodes_last(group.targets), np.moveaxis(received(group.targets), 0, -1)
    leads, crowded = points(group.targets).T, counts == counts.max(axis=(0, 1))
    payback, solicited, _ = kinds_of(group)
    flags = {
        "focal_pull": (side != NOBODY) & (side == np.array([focal[key] for key in group.ids], dtype=side.dtype)),
        "crowd_pull": _given_to(side, crowded),
        "leader_pull": _given_to(side, np.broadcast_to(leads == leads.max(axis=0), counts.shape)),
        "payback_pull": np.moveaxis(payback, 0, -1),
        "solicited_pull": np.moveaxis(solicited, 0, -1),
    }
    return pl.DataFrame({"episode_id": group.ids, **{name: _first(group, one) for name, one in flags.items()}})


def _given_to(side: Ints, targets: Bools) -> Bools:
    """(t, i, e): valid pulls for a target that is flagged in (t, j, e)."""
    return np.asarray(reduce(np.logical_or, ((side == seat) & targets[:, None, seat] for seat in range(side.shape[1]))))


def _first(group: Dense, flags: Bools) -> pl.Series:
    """(e,): the first event among the pulls that are flagged in (t, i, e); null if none is."""
    assert group.events is not None
    every, first = np.arange(len(group.ids)), flags.any(axis=1).argmax(axis=0)
    event = np.where(flags[first, :, every], group.events[every, first], NEVER).min(axis=1)
    return pl.Series(event).set(pl.Series(event == NEVER), None)


def _of_messages(messages: pl.DataFrame, ids: pl.Series, seats: Ints, *, else_anybody: bool = False) -> pl.Series:
    """(e,): the first of these messages that the focal seat sent; null if there is none.

    Args:
        messages: episode_id, event_id, sender.
        ids: (e,) the episodes.
        seats: (e,) their focal seats, NOBODY if there is none.
        else_anybody: if there is no focal seat, anybody's first message counts.
    """
    theirs = spans(messages, ids).cut(0, len(ids))
    seat = np.repeat(seats, theirs.lengths)
    sent = (theirs.column("sender") == seat) | (else_anybody & (seat == NOBODY))
    first = np.full(len(ids), NEVER)
    np.minimum.at(first, theirs.episode[sent], theirs.column("event_id")[sent])
    return pl.Series(first).set(pl.Series(first == NEVER), None)


_PULLS = ("focal_pull", "crowd_pull", "leader_pull", "payback_pull", "solicited_pull")
MEASURE = Measure(
    linked_events,
    LINKED_EVENTS,
    reads={
        "episodes": (*NEEDED["episodes"], "focal_seat"),
        "edges": NEEDED["edges"],
        "messages": ASKING["messages"],
        "pulls": (*NEEDED["pulls"], "event_id"),
        "message_labels": ASKING["message_labels"],
    },
)
