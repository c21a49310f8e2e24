"""The situations in which pullers chose: how often each pattern occurred, and how often it was pulled.

A row of the underlying data is one neighbour j of a seat i in a round t in which i made a valid pull. The counts are
all that reaction functions and repayment propensities need. An episode has some hundred rows, however many messages
were written.
"""

from functools import reduce

import numpy as np
import polars as pl

from di_assets.measures.dense import NEEDED, NOBODY, Dense, Ints, dense_groups
from di_assets.measures.kinds import ASKING, asking
from di_assets.measures.layout import bits, episodes_last, pulled_by, recent, senders
from di_assets.measures.measure import Measure
from di_assets.measures.row_spans import by_seat
from di_assets.tables.by_batch import CHOICES
from di_assets.tables.words import LEXICAL

# Facts about a neighbour j. A pattern is a number; the first fact is its highest bit.
FACTS = ("owed", "owed_before", "asked", "focal")
PATTERNS = 2 ** len(FACTS)
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
    asks = asking(messages, message_labels, labeller=labeller)
    focal = dict(episodes.select("episode_id", "focal_seat").iter_rows())
    names = seats["model"].unique().sort()
    coded = seats.select("episode_id", "seat", model=pl.col("model").cast(pl.Enum(names)).to_physical())
    parts = [
        _counted(
            group, focal=np.array([NOBODY if focal[key] is None else focal[key] for key in group.ids]), seats=coded
        )
        for group in dense_groups(episodes, edges, pulls, asks)
    ]
    if not parts:
        return CHOICES.empty()
    counted = pl.concat(parts)
    return CHOICES.conform(counted.with_columns(names.gather(counted["model"]).alias("model")))


def _counted(group: Dense, *, focal: Ints, seats: pl.DataFrame) -> pl.DataFrame:
    """One row per episode, model, number of neighbours and pattern that occurred, in the order of the table's keys.

    Args:
        group: episodes of one size, with asks.
        focal: (e,) focal seats, NOBODY for none.
        seats: seats, their models as numbers.
    """
    degrees = group.adjacent.sum(axis=2)
    models = by_seat(seats, pl.Series(group.ids, dtype=pl.String), "model", n_seats=group.n_seats).astype(np.int64)
    part = _ranks(models * group.n_seats + degrees)  # (e, i): seats of one part are counted together
    counts = _counts(group, part, focal)
    pulled, stood = counts[..., 1], counts[..., 0] + counts[..., 1]
    found = np.nonzero(stood)
    e, p, n_owed, pattern = found
    return pl.DataFrame(
        {
            "episode_id": pl.Series(group.ids, dtype=pl.String).gather(e),
            "model": _of_parts(part, models)[e, p],
            "n_neighbours": _of_parts(part, degrees)[e, p],
            "n_owed": n_owed,
            **{fact: (pattern >> len(FACTS) - bit & 1).astype(bool) for bit, fact in enumerate(FACTS, start=1)},
            "n": stood[found],
            "pulled": pulled[found],
        }
    )


def _counts(group: Dense, part: Ints, focal: Ints) -> Ints:
    """(e, part, number owed, pattern, 2): how often a neighbour stood so and did not get the pull, and got it."""
    assert group.asked is not None
    side, near, n_seats = episodes_last(group.targets), group.adjacent.transpose(1, 2, 0), group.n_seats
    pullers = pulled_by(side)
    owed, before = recent(pullers, first=1, stop=2), recent(pullers, first=BEFORE[0], stop=BEFORE[-1] + 1)
    asked = senders(group.asked)
    shape = (len(part), n_seats, n_seats, PATTERNS, 2)
    nowhere = int(np.prod(shape))
    # 32 bits hold every cell, because a group is limited to MOST_CELLS.
    first = ((np.arange(len(part)) * n_seats + part.T) * n_seats).astype(np.int32) + np.bitwise_count(owed)
    cells = np.empty((n_seats, *side.shape), dtype=np.int32)
    for j, bit in enumerate(bits(n_seats)):
        facts = [(owed & bit) != 0, (before & bit) != 0, (asked & bit) != 0, focal == j, side == j]
        cell = reduce(lambda number, fact: 2 * number + fact, facts, first)
        cells[j] = np.where((side != NOBODY) & near[:, j], cell, nowhere)
    return np.bincount(cells.ravel(), minlength=nowhere + 1)[:nowhere].reshape(shape)


def _ranks(values: Ints) -> Ints:
    """(e, i): how many distinct smaller values the episode has."""
    order = np.argsort(values, axis=1, kind="stable")
    rises = np.diff(np.take_along_axis(values, order, axis=1), axis=1, prepend=values.min(axis=1, keepdims=True)) > 0
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.cumsum(rises, axis=1), axis=1)
    return ranks


def _of_parts(part: Ints, values: Ints) -> Ints:
    """(e, p): the value that the seats of a part have in common."""
    common = np.zeros_like(part)
    np.put_along_axis(common, part, values, axis=1)
    return common


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
