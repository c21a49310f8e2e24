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
# Episodes per group: bounds memory (a group's largest array is episodes x rounds x seats x seats).
MOST_EPISODES = 2_000

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

    @property
    def pulled(self) -> Bools:
        """(e, t, i, j): i made a valid pull for j."""
        found: Bools = self.targets[..., None] == np.arange(self.n_seats)
        return found


def dense_groups(episodes: pl.DataFrame, edges: pl.DataFrame, pulls: pl.DataFrame) -> Iterator[Dense]:
    """Complete episodes in groups of one size, in order of size and id."""
    complete = episodes.filter(pl.col("status") == COMPLETE).sort("n_seats", "n_rounds", "episode_id")
    for (n_seats, n_rounds), group in complete.group_by("n_seats", "n_rounds", maintain_order=True):
        for part in group.iter_slices(MOST_EPISODES):
            yield _dense(part["episode_id"], int(str(n_seats)), int(str(n_rounds)), edges, pulls)


def _dense(ids: pl.Series, n_seats: int, n_rounds: int, edges: pl.DataFrame, pulls: pl.DataFrame) -> Dense:
    index = pl.DataFrame({"episode_id": ids, "e": np.arange(len(ids))})
    targets = np.full((len(ids), n_rounds, n_seats), NOBODY, dtype=np.int64)
    events = np.full_like(targets, NOBODY)
    made = pulls.select("episode_id", "event_id", "round", "puller", "target", "status").join(index, on="episode_id")
    at = (made["e"].to_numpy(), made["round"].to_numpy() - 1, made["puller"].to_numpy())
    events[at] = made["event_id"].to_numpy()
    valid = pl.when(pl.col("status") == "valid").then(pl.col("target")).otherwise(NOBODY)
    targets[at] = made.select(valid.fill_null(NOBODY)).to_series().to_numpy()
    adjacent = np.zeros((len(ids), n_seats, n_seats), dtype=bool)
    joined = edges.join(index, on="episode_id")
    e, a, b = (joined[name].to_numpy() for name in ("e", "seat_a", "seat_b"))
    adjacent[e, a, b] = adjacent[e, b, a] = True
    return Dense(ids=tuple(ids), targets=targets, events=events, adjacent=adjacent)


def forecast(pulled: Bools, adjacent: Bools) -> Floats:
    """(e, t, i, j): the tit-for-tat forecast p(t, i->j), as if i pulled in every round.

    Uniform over the neighbours that pulled i in round t - 1; over all neighbours where none did, and in round 1.
    """
    near = adjacent[:, None] / adjacent.sum(axis=2)[:, None, :, None]
    before = np.zeros(pulled.shape, dtype=bool)
    before[:, 1:] = pulled[:, :-1].swapaxes(2, 3)
    count = before.sum(axis=3, keepdims=True)
    return np.asarray(np.where(count > 0, before / np.maximum(count, 1), near))


def residuals(pulled: Bools, adjacent: Bools) -> Floats:
    """(e, i, j): r(i->j), pulls a round of i for j above the forecast, over the rounds in which i made a valid pull."""
    made = pulled.any(axis=3, keepdims=True)
    above: Floats = np.where(made, pulled - forecast(pulled, adjacent), 0.0).sum(axis=1) / pulled.shape[1]
    return above


def floor_points(pulled: Bools, adjacent: Bools) -> Floats:
    """(e, j): points that blind reciprocation alone would have brought each seat."""
    made = pulled.any(axis=3, keepdims=True)
    return np.asarray(np.where(made, forecast(pulled, adjacent), 0.0).sum(axis=(1, 2)))


def net_capture(residual: Floats) -> Floats:
    """(e, i, j): net capture of i over j; antisymmetric."""
    return (residual.swapaxes(1, 2) - residual) / 2


def cascades(pulled: Bools, adjacent: Bools) -> Ints:
    """(e,): onsets of majority convergence; round 1 counts as one."""
    majority = np.maximum(2, adjacent.sum(axis=2) // 2 + 1)
    converged = pulled.sum(axis=2) >= majority[:, None]
    onset = converged.copy()
    onset[:, 1:] &= ~converged[:, :-1]
    return np.asarray(onset.sum(axis=(1, 2)))


def gini(points: Ints) -> Floats:
    """(e,): Gini of final points over all seats. 0 = equal; 0 when nobody scored."""
    apart = np.abs(points[:, :, None] - points[:, None, :]).sum(axis=(1, 2))
    total = points.sum(axis=1)
    return np.where(total > 0, apart / np.maximum(2 * points.shape[1] * total, 1), 0.0)


def paybacks(pulled: Bools, *, window: int) -> Bools:
    """(e, t, i, j): j pulled i in at least one of the `window` rounds before t."""
    return _recent(pulled.swapaxes(2, 3), range(1, window + 1))


def solicited(asked: Bools, *, window: int) -> Bools:
    """(e, t, i, j): j asked i in round t or the window - 1 before; `asked` is (e, t, sender, recipient)."""
    return _recent(asked.swapaxes(2, 3), range(window))


def _recent(happened: Bools, lags: range) -> Bools:
    found = np.zeros(happened.shape, dtype=bool)
    for lag in lags:
        if lag < happened.shape[1]:
            found[:, lag:] |= happened[:, : happened.shape[1] - lag]
    return found
