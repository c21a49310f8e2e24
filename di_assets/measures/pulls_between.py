"""Pulls between models: how often the seats of one pull the seats of the other, episode by episode."""

import numpy as np
import polars as pl

from di_assets.measures.dense import NEEDED, Dense, Ints, dense_groups, given
from di_assets.measures.layout import episodes_last
from di_assets.measures.measure import Measure
from di_assets.measures.row_spans import by_seat
from di_assets.tables.by_batch import PULLS_BETWEEN

# Later than every event.
NEVER = np.iinfo(np.int64).max


def pulls_between(
    episodes: pl.DataFrame, seats: pl.DataFrame, edges: pl.DataFrame, pulls: pl.DataFrame
) -> pl.DataFrame:
    """One row per complete episode and two models whose seats an edge joins; zeros if the one never pulls the other."""
    names = seats["model"].unique().sort()
    coded = seats.select("episode_id", "seat", model=pl.col("model").cast(pl.Enum(names)).to_physical())
    parts = [_rows(group, names, coded) for group in dense_groups(episodes, edges, pulls)]
    return PULLS_BETWEEN.conform(pl.concat([PULLS_BETWEEN.empty(), *parts]))


def _rows(group: Dense, names: pl.Series, coded: pl.DataFrame) -> pl.DataFrame:
    ids = pl.Series("episode_id", group.ids, dtype=pl.String)
    models = by_seat(coded, ids, "model", n_seats=group.n_seats).astype(np.int64)
    made, first = _made(group)
    e, i, j = np.nonzero(group.adjacent)
    key = np.ravel_multi_index((e, models[e, i], models[e, j]), (len(ids), len(names), len(names)))
    order = np.argsort(key, kind="stable")
    starts = np.flatnonzero(np.diff(key[order], prepend=-1))
    episode, giver, receiver = np.unravel_index(key[order][starts], (len(ids), len(names), len(names)))
    event = np.minimum.reduceat(first[e, i, j][order], starts) if len(starts) else starts
    return pl.DataFrame(
        {
            "episode_id": ids.gather(episode),
            "giver": names.gather(giver),
            "receiver": names.gather(receiver),
            "n_pairs": np.diff(starts, append=len(key)),
            "pulls": np.add.reduceat(made[e, i, j][order], starts) if len(starts) else starts,
            "first_pull": pl.Series(event).set(pl.Series(event == NEVER), None),
        }
    )


def _made(group: Dense) -> tuple[Ints, Ints]:
    """(e, i, j): number of i's valid pulls for j, and the first of these events (NEVER if there is none)."""
    assert group.events is not None
    made, side, first = given(group.targets).astype(np.int64), episodes_last(group.targets), []
    e, i = np.arange(len(group.ids))[:, None], np.arange(group.n_seats)
    for seat in range(group.n_seats):
        event = group.events[e, (side == seat).argmax(axis=0).T, i]
        first.append(np.where(made[:, :, seat] > 0, event, NEVER))
    return made, np.stack(first, axis=2)


MEASURE = Measure(
    pulls_between,
    PULLS_BETWEEN,
    reads={
        **NEEDED,
        "pulls": (*NEEDED["pulls"], "event_id"),
        "seats": ("episode_id", "seat", "model"),
    },
)
