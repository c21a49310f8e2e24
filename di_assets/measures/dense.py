"""Complete episodes as dense arrays: a round is a row, a group of episodes of one size an array.

Axes: e episode (in order of id), t round - 1, i and j seats. Every per-episode measure is a sum over them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

COMPLETE = "complete"
NOBODY = -1
# Cells of a group's largest array, episodes x rounds x seats x seats: bounds memory, and stays near the cache.
MOST_CELLS = 1_250_000

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Dense:
    """Episodes of one size.

    Attributes:
        ids: episode ids, ascending.
        targets: (e, t, i) seat that i pulled, NOBODY for a forfeit or a kept pull.
        events: (e, t, i) event_id of that pull.
        adjacent: (e, i, j) an edge joins them.
    """

    ids: tuple[str, ...]
    targets: Ints
    events: Ints
    adjacent: Bools

    @property
    def n_rounds(self) -> int:
        """Rounds of each episode."""
        return int(self.targets.shape[1])

    @property
    def n_seats(self) -> int:
        """Seats of each episode."""
        return int(self.targets.shape[2])


def dense_groups(episodes: pl.DataFrame, edges: pl.DataFrame, pulls: pl.DataFrame) -> Iterator[Dense]:
    """Complete episodes in groups of one size, in order of size and id; none without a complete episode."""
    complete = episodes.filter(pl.col("status") == COMPLETE).sort("n_seats", "n_rounds", "episode_id")
    for _, group in complete.group_by("n_seats", "n_rounds", maintain_order=True):
        n_seats, n_rounds = group.select("n_seats", "n_rounds").row(0)
        index = group.select("episode_id").with_row_index("e")
        # Joined once and cut into slices: a join for each slice would read every pull again and again.
        made = pulls.select("episode_id", "event_id", "round", "puller", "target", "status").join(
            index, on="episode_id"
        )
        made, joined = made.sort("e"), edges.join(index, on="episode_id").sort("e")
        step = max(1, MOST_CELLS // (n_rounds * n_seats**2))
        for start in range(0, group.height, step):
            ids = tuple(group["episode_id"][start : start + step])
            cut = (_rows_of(frame, start, start + step) for frame in (made, joined))
            yield _dense(ids, n_seats, n_rounds, *cut)


def _rows_of(frame: pl.DataFrame, first: int, stop: int) -> pl.DataFrame:
    """Rows of episodes first..stop-1 of a frame sorted by `e`, which then counts from 0."""
    low, high = np.searchsorted(frame["e"].to_numpy(), (first, stop))
    return frame[int(low) : int(high)].with_columns(pl.col("e").cast(pl.Int64) - first)


def _dense(ids: tuple[str, ...], n_seats: int, n_rounds: int, made: pl.DataFrame, joined: pl.DataFrame) -> Dense:
    targets = np.full((len(ids), n_rounds, n_seats), NOBODY, dtype=np.int64)
    events = np.full_like(targets, NOBODY)
    at = (made["e"].to_numpy(), made["round"].to_numpy() - 1, made["puller"].to_numpy())
    events[at] = made["event_id"].to_numpy()
    valid = pl.when(pl.col("status") == "valid").then(pl.col("target")).otherwise(NOBODY)
    targets[at] = made.select(valid.fill_null(NOBODY)).to_series().to_numpy()
    adjacent = np.zeros((len(ids), n_seats, n_seats), dtype=bool)
    e, a, b = (joined[name].to_numpy() for name in ("e", "seat_a", "seat_b"))
    adjacent[e, a, b] = adjacent[e, b, a] = True
    return Dense(ids=ids, targets=targets, events=events, adjacent=adjacent)


def received(targets: Ints) -> Ints:
    """(e, t, j): valid pulls that j received in the round."""
    n_seats = targets.shape[2]
    cell = np.arange(targets.shape[0] * targets.shape[1]).reshape(*targets.shape[:2], 1) * n_seats + targets
    counts = np.bincount(cell[targets != NOBODY], minlength=targets.size)
    return counts.reshape(targets.shape).astype(np.int64, copy=False)


def given(targets: Ints) -> Floats:
    """(e, i, j): valid pulls that i made for j."""
    e, _, i = np.nonzero(targets != NOBODY)
    return _summed(targets, e, i, targets[targets != NOBODY], None)


def forecast(targets: Ints, adjacent: Bools) -> Floats:
    """(e, i, j): the sum of the tit-for-tat forecasts p(t, i->j) over the rounds in which i made a valid pull.

    p(t, i->j) is uniform over the neighbours that pulled i in round t - 1; over all neighbours where none did, and in
    round 1. Summed over the pulls to be paid back, which are far fewer than rounds x pairs.
    """
    made, count = targets != NOBODY, received(targets)
    # Rounds in which i pulled and had nobody to pay back: one share for each neighbour.
    free = made[:, 0].astype(float) + (made[:, 1:] & (count[:, :-1] == 0)).sum(axis=1)
    owed = targets[:, :-1]
    e, t, j = np.nonzero(owed != NOBODY)
    i = owed[e, t, j]
    paid_back = _summed(targets, e, i, j, made[e, t + 1, i] / count[e, t, i])
    return np.asarray(paid_back + free[:, :, None] * adjacent / adjacent.sum(axis=2, keepdims=True))


def residuals(targets: Ints, adjacent: Bools) -> Floats:
    """(e, i, j): r(i->j), pulls a round of i for j above the forecast."""
    return np.asarray((given(targets) - forecast(targets, adjacent)) / targets.shape[1])


def floor_points(targets: Ints, adjacent: Bools) -> Floats:
    """(e, j): points that blind reciprocation alone would have brought each seat."""
    return np.asarray(forecast(targets, adjacent).sum(axis=1))


def _summed(targets: Ints, e: Ints, i: Ints, j: Ints, weights: Floats | None) -> Floats:
    """(e, i, j): sums of the weights (or a count) of these triples, added in their order."""
    n_episodes, _, n_seats = targets.shape
    size = n_episodes * n_seats * n_seats
    sums = np.bincount((e * n_seats + i) * n_seats + j, weights, minlength=size)
    return np.asarray(sums.reshape(n_episodes, n_seats, n_seats), dtype=np.float64)


def net_capture(residual: Floats) -> Floats:
    """(e, i, j): net capture of i over j; antisymmetric."""
    return (residual.swapaxes(1, 2) - residual) / 2


def cascades(targets: Ints, adjacent: Bools) -> Ints:
    """(e,): onsets of majority convergence; round 1 counts as one."""
    majority = np.maximum(2, adjacent.sum(axis=2) // 2 + 1)
    converged = received(targets) >= majority[:, None]
    onset = converged.copy()
    onset[:, 1:] &= ~converged[:, :-1]
    return np.asarray(onset.sum(axis=(1, 2)))


def gini(points: Ints) -> Floats:
    """(e,): Gini of final points over all seats. 0 = equal; 0 when nobody scored."""
    apart = np.abs(points[:, :, None] - points[:, None, :]).sum(axis=(1, 2))
    total = points.sum(axis=1)
    return np.where(total > 0, apart / np.maximum(2 * points.shape[1] * total, 1), 0.0)


def paybacks(targets: Ints, *, window: int) -> Bools:
    """(e, t, i): i made a valid pull, for one who pulled i in at least one of the `window` rounds before t."""
    found = np.zeros(targets.shape, dtype=bool)
    for lag in range(1, min(window, targets.shape[1] - 1) + 1):
        # What the seat that i pulls now did `lag` rounds ago; a forfeit's -1 reads a wrong seat and is masked below.
        then = np.take_along_axis(targets[:, :-lag], targets[:, lag:], axis=2)
        found[:, lag:] |= then == np.arange(targets.shape[2])
    return np.asarray(found & (targets != NOBODY))


def solicited(targets: Ints, asked: Bools, *, window: int) -> Bools:
    """(e, t, i): i made a valid pull, for one who asked it in round t or the `window` - 1 rounds before.

    `asked` is (e, t, sender, recipient).
    """
    found = np.zeros(targets.shape, dtype=bool)
    for lag in range(min(window, targets.shape[1])):
        now = targets[:, lag:]
        heard = asked[:, : asked.shape[1] - lag].swapaxes(2, 3)
        found[:, lag:] |= np.take_along_axis(heard, now[..., None], axis=3)[..., 0]
    return np.asarray(found & (targets != NOBODY))
