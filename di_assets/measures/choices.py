"""The situations in which pullers chose: how often each pattern occurred, and how often it was pulled.

A row of the underlying data is one neighbour j of a seat i in a round t in which i made a valid pull. The counts are
all that reaction functions and repayment propensities need. An episode has some hundred rows, however many messages
were written.
"""

import numpy as np
import polars as pl

from di_assets.measures.dense import NEEDED, NOBODY, Bools, Dense, Ints, dense_groups
from di_assets.measures.kinds import ASKING
from di_assets.measures.labels import LEXICAL
from di_assets.measures.measure import Measure
from di_assets.tables.by_batch import CHOICES

# Facts about a neighbour j, in the order of their bits in a pattern.
FACTS = ("owed", "owed_before", "asked", "focal")
# How many rounds back a pull counts as `owed_before`. Together with round t - 1 these are the window of a payback.
BEFORE = (2, 3)


def choices(
    episodes: pl.DataFrame,
    seats: pl.DataFrame,
    edges: pl.DataFrame,
    messages: pl.DataFrame,
    pulls: pl.DataFrame,
    message_labels: pl.DataFrame,
    *,
    labeller: str = LEXICAL,
) -> pl.DataFrame:
    """One row per episode, puller's model and pattern: of `n` neighbours in this situation, `pulled` got the pull.

    For neighbour j of i in round t: `owed`, j pulled i in round t-1; `owed_before`, j pulled i in round t-2 or t-3;
    `asked`, j sent i a message in round t that asks for a pull; `focal`, j is the focal seat. Before round 1 nobody
    pulled. Further columns are the puller's number of neighbours and how many of them are `owed`. Seats of one model in
    one episode are added up. No rows if no pull was valid.

    Args:
        episodes: episodes.
        seats: seats.
        edges: edges.
        messages: messages; only sender, recipient and round are read.
        pulls: pulls.
        message_labels: labels of the messages.
        labeller: the labeller that decides which messages ask for a pull.
    """
    asks = message_labels.filter(pl.col("asks_for_pull") & (pl.col("labeller") == labeller)).join(
        messages.select("episode_id", "event_id", "round", "sender", "recipient"), on=["episode_id", "event_id"]
    )
    focal = dict(episodes.select("episode_id", "focal_seat").iter_rows())
    parts = [
        _counted(group, asks, np.array([NOBODY if focal[key] is None else focal[key] for key in group.ids]))
        for group in dense_groups(episodes, edges, pulls)
    ]
    if not parts:
        return CHOICES.empty()
    keys = [key for key in CHOICES.keys if key != "model"]
    models = seats.select("episode_id", "seat", "model")
    counted = pl.concat(parts).join(models, on=["episode_id", "seat"])
    return CHOICES.conform(counted.group_by("model", *keys).agg(pl.sum("n"), pl.sum("pulled")))


def patterns(group: Dense, asked: Bools, focal: Ints) -> Ints:
    """(e, t, i, j): the facts about j for i in round t, as bits in the order of FACTS.

    Args:
        group: episodes of one size.
        asked: (e, t, i, j) j asked i for a pull in round t.
        focal: (e,) focal seats, NOBODY for none.
    """
    pulled_by = (group.targets[..., None] == np.arange(group.n_seats)).swapaxes(2, 3)
    owed, before = np.zeros_like(pulled_by), np.zeros_like(pulled_by)
    owed[:, 1:] = pulled_by[:, :-1]
    for lag in BEFORE:
        before[:, lag:] |= pulled_by[:, : max(0, group.n_rounds - lag)]
    is_focal = np.arange(group.n_seats) == focal[:, None, None, None]
    facts = (owed, before, asked, is_focal)
    return np.asarray(sum(fact.astype(np.int64) << bit for bit, fact in enumerate(facts)))


def _counted(group: Dense, asks: pl.DataFrame, focal: Ints) -> pl.DataFrame:
    """One row per episode, seat, number owed and pattern that occurred."""
    n_episodes, _, n_seats = group.targets.shape
    pattern = patterns(group, _asked(group, asks), focal)
    n_owed = (pattern & 1).sum(axis=3)
    pulled = group.targets[..., None] == np.arange(n_seats)
    stood = (group.targets != NOBODY)[..., None] & group.adjacent[:, None]
    puller = np.arange(n_episodes * n_seats).reshape(n_episodes, 1, n_seats)
    shape = (n_episodes, n_seats, n_seats, 2 ** len(FACTS), 2)
    cell = (((puller * n_seats + n_owed)[..., None]) * shape[3] + pattern) * 2 + pulled
    counts = np.bincount(cell[stood], minlength=int(np.prod(shape))).reshape(shape)
    e, i, owed, bits = np.nonzero(counts.sum(axis=4))
    found = counts[e, i, owed, bits]
    facts = {name: (bits >> bit & 1).astype(bool) for bit, name in enumerate(FACTS)}
    return pl.DataFrame(
        {
            "episode_id": pl.Series(group.ids, dtype=pl.String).gather(e),
            "seat": i.astype(np.int64),
            "n_neighbours": group.adjacent.sum(axis=2)[e, i].astype(np.int64),
            "n_owed": owed.astype(np.int64),
            **facts,
            "n": found.sum(axis=1),
            "pulled": found[:, 1],
        }
    )


def _asked(group: Dense, asks: pl.DataFrame) -> Bools:
    """(e, t, i, j): j asked i for a pull in round t, in any exchange."""
    index = pl.DataFrame({"episode_id": group.ids, "e": np.arange(len(group.ids))})
    found = asks.join(index, on="episode_id")
    e, t, j, i = (found[name].to_numpy() for name in ("e", "round", "sender", "recipient"))
    asked = np.zeros((*group.targets.shape, group.n_seats), dtype=bool)
    asked[e, t - 1, i, j] = True
    return asked


MEASURE = Measure(
    choices,
    CHOICES,
    reads={
        **NEEDED,
        **ASKING,
        "episodes": (*NEEDED["episodes"], "focal_seat"),
        "seats": ("episode_id", "seat", "model"),
    },
)
