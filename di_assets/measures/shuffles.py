"""Each episode's own pulls in other orders of rounds. It keeps who pulls whom how often, and destroys the timing.

One of the nulls of `baseline`. The mean over all orders is exact; random orders give the spread around it. Relaunches
of one block (condition, focal model, seed) get the same orders, in whatever batch they are: an order depends on the
block alone.
"""

import hashlib
from functools import reduce

import numpy as np
import polars as pl
from numpy.typing import NDArray

from di_assets.measures.dense import (
    MOST_CELLS,
    NEEDED,
    NOBODY,
    Bools,
    Dense,
    Floats,
    Ints,
    cascades,
    dense_groups,
    given,
    paybacks,
)
from di_assets.measures.layout import bits, count, episodes_first, episodes_last, narrow, pulled_by
from di_assets.measures.measure import Measure
from di_assets.measures.shuffle_means import mean_cascades, mean_floor_points, mean_paybacks
from di_assets.tables.by_batch import SHUFFLES
from di_assets.tables.words import PAYBACK_WINDOW

# Orders for each of an arm's first replicates, which a small study consists of, and for each further one. The spread of
# a mean over many episodes is known well from a few orders of each.
MANY, FEW, FIRST_REPLICATES = 200, 8, 25
TIMED = ("cascades", "payback_rate", "focal_floor_points")
_BLOCK = ("condition", "focal_model", "seed")
# Of the 32 bits of a sorted number, the low ones hold the seat (up to 254) and the others are random.
_SEAT = np.uint32(0xFF)

Keys = NDArray[np.uint64]


def shuffles(episodes: pl.DataFrame, edges: pl.DataFrame, pulls: pl.DataFrame) -> pl.DataFrame:
    """The measures that timing can change, of a complete episode with its rounds in other orders.

    One row per order: row 0 is the exact mean over all orders, the rows from 1 are random orders, 200 for the first 25
    replicates of an arm, and 8 for the others. `payback_rate` is null without a valid pull, `focal_floor_points`
    without a focal seat.
    """
    facts = {
        one: (NOBODY if seat is None else seat, MANY if replicate < FIRST_REPLICATES else FEW, key)
        for one, seat, replicate, key in zip(
            *episodes.select("episode_id", "focal_seat", "replicate"), _keys(episodes), strict=True
        )
    }
    parts = [
        _rows(group, *zip(*(facts[one] for one in group.ids), strict=True))
        for group in dense_groups(episodes, edges, pulls)
    ]
    return SHUFFLES.conform(pl.concat([SHUFFLES.empty(), *parts]))


def _keys(episodes: pl.DataFrame) -> list[int]:
    """A number for each episode's block."""
    names = episodes.select(pl.format("{}/{}/{}", "condition", pl.col("focal_model").fill_null(""), "seed")).to_series()
    return [int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest()) for name in names]


def _rows(group: Dense, seats: tuple[int, ...], numbers: tuple[int, ...], keys: tuple[int, ...]) -> pl.DataFrame:
    """The rows of a group's episodes, in order of episode and shuffle."""
    seat, many = np.array(seats), np.array(numbers)
    valid = (group.targets != NOBODY).sum(axis=(1, 2))
    made = np.zeros((len(TIMED), int(many.sum()) + len(many)))
    starts = np.cumsum(many + 1) - many - 1
    made[:, starts] = _means(group, seat)
    at = np.delete(np.arange(made.shape[1]), starts)
    episode = np.repeat(np.arange(len(many)), many)
    shuffle = at - starts[episode]
    step = max(1, MOST_CELLS // (group.n_rounds * group.n_seats**2))
    block = np.array(keys, dtype=np.uint64)
    for start in range(0, len(at), step):
        e = episode[start : start + step]
        targets = shuffled(group.targets[e], block[e], shuffle[start : start + step])
        made[:, at[start : start + step]] = (
            cascades(targets, group.adjacent[e]),
            count(paybacks(targets, window=PAYBACK_WINDOW)),
            _floor_points(targets, group.adjacent[e], seat[e]),
        )
    each = np.repeat(np.arange(len(many)), many + 1)
    made[1] /= np.where(valid > 0, valid, np.nan)[each]
    made[2] += np.where(seat == NOBODY, np.nan, 0.0)[each]
    values = {name: pl.Series(column).fill_nan(None) for name, column in zip(TIMED, made, strict=True)}
    ids = pl.Series(group.ids, dtype=pl.String).gather(each)
    return pl.DataFrame({"episode_id": ids, "shuffle": np.arange(made.shape[1]) - starts[each], **values})


def _means(group: Dense, seat: Ints) -> Floats:
    pulls = given(group.targets)
    return np.stack(
        [
            mean_cascades(pulls, group.adjacent, group.n_rounds),
            mean_paybacks(pulls, group.n_rounds, window=PAYBACK_WINDOW),
            mean_floor_points(pulls, group.adjacent, group.n_rounds, seat),
        ]
    )


def shuffled(targets: Ints, keys: Keys, shuffle: Ints) -> Ints:
    """(e, t, i): pulls (e, t, i), including forfeits, with each puller's rounds in a random order.

    Args:
        targets: the pulls.
        keys: (e,) the block's number.
        shuffle: (e,) which of the block's orders, from 1. The same two numbers give the same order.
    """
    n, n_rounds, n_seats = targets.shape
    places = np.empty((n, n_seats, n_rounds), dtype=np.uint32)
    places[:] = _random(keys + shuffle.astype(np.uint64) * np.uint64(n_seats * n_rounds), n_seats * n_rounds).reshape(
        places.shape
    )
    places &= ~_SEAT
    places |= (targets.swapaxes(1, 2) + 1).astype(np.uint32)
    places.sort(axis=2)
    seats = (places & _SEAT).astype(narrow(n_seats)) - narrow(n_seats)(1)
    return episodes_first(np.ascontiguousarray(seats.transpose(2, 1, 0)))


def _random(first: Keys, n: int) -> NDArray[np.uint32]:
    """(e, n): random numbers, n consecutive ones of the sequence SplitMix64 (Steele, Lea & Flood 2014) from `first`.

    Each of its numbers of 64 bits gives two.
    """
    places = np.asarray(first[:, None] + np.arange(-(-n // 2), dtype=np.uint64), dtype=np.uint64)
    x = places * np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    x ^= x >> np.uint64(31)
    return np.asarray(x.astype("<u8", copy=False).view("<u4")[:, :n], dtype=np.uint32)


def _floor_points(targets: Ints, adjacent: Bools, seats: Ints) -> Floats:
    """(e,): floor points of one seat per episode, as `dense.floor_points` gives them for all seats."""
    side, every = episodes_last(targets), np.arange(len(targets))
    made, pullers = side != NOBODY, pulled_by(side)[:-1]
    ours = bits(side.shape[1])[seats]
    shares = np.r_[0.0, 1 / np.arange(1, side.shape[1] + 1)]
    owed = shares[np.bitwise_count(pullers) * (made[1:] & (pullers & ours != 0))]
    even = adjacent[every, :, seats] / np.maximum(adjacent.sum(axis=2), 1)
    free = made[0] + (made[1:] & (pullers == 0)).sum(axis=0)
    # Added in order, so that the sum has the same bits for every memory layout.
    return np.asarray(reduce(np.add, (*owed.reshape(-1, len(seats)), *(free * even.T))))


MEASURE = Measure(
    shuffles,
    SHUFFLES,
    reads={**NEEDED, "episodes": (*NEEDED["episodes"], "focal_seat", "replicate", *_BLOCK)},
)
