"""Complete episodes as dense arrays: one array for a group of episodes of the same size.

Axes: e episode (in order of id), t round - 1, i and j seats. Every per-episode measure is a sum over them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from di_assets.measures.layout import (
    Bools,
    Floats,
    Ints,
    bits,
    count,
    episodes_first,
    episodes_last,
    in_order,
    narrow,
    pulled_by,
    pulls_one_of,
    recent,
    senders,
    total,
)
from di_assets.measures.row_spans import Cut, spans
from di_assets.tables.words import COMPLETE

__all__ = [
    "MOST_CELLS", "NEEDED", "NOBODY", "Bools", "Dense", "Floats", "Ints",
    "adjacency", "capture", "cascades", "dense_groups", "floor_points", "forecast", "gini", "given", "net_capture",
    "paybacks", "points", "received", "residuals", "solicited",
]  # fmt: skip

NOBODY = -1
# Most cells of a group's largest array, episodes x rounds x seats x seats: limits memory, and fits the cache roughly.
MOST_CELLS = 1_250_000


# The columns that `dense_groups` needs of each table; event ids of pulls, and asks, are optional and not included.
NEEDED: Mapping[str, tuple[str, ...]] = {
    "episodes": ("episode_id", "status", "n_seats", "n_rounds"),
    "edges": ("episode_id", "seat_a", "seat_b"),
    "pulls": ("episode_id", "round", "puller", "target"),
}


@dataclass(frozen=True, slots=True)
class Dense:
    """Episodes of one size.

    Attributes:
        ids: episode ids, ascending.
        targets: (e, t, i) the seat that i pulled, NOBODY for a forfeit or a kept pull.
        adjacent: (e, i, j) an edge joins them.
        events: (e, t, i) event_id of that pull; None if the pulls had no event ids.
        asked: (e, t, i, j) i asked j for a pull; None if no asks were given.
    """

    ids: tuple[str, ...]
    targets: Ints
    adjacent: Bools
    events: Ints | None = None
    asked: Bools | None = None

    @property
    def n_rounds(self) -> int:
        """Rounds of each episode."""
        return int(self.targets.shape[1])

    @property
    def n_seats(self) -> int:
        """Seats of each episode."""
        return int(self.targets.shape[2])


def dense_groups(
    episodes: pl.DataFrame, edges: pl.DataFrame, pulls: pl.DataFrame, asks: pl.DataFrame | None = None
) -> Iterator[Dense]:
    """Complete episodes in groups of the same size, sorted by size and id; none if no episode is complete.

    Args:
        episodes: episode_id, status, n_seats, n_rounds.
        edges: edges.
        pulls: episode_id, round, puller, target (null for a forfeit; the puller itself for a kept pull); and event_id
            if the group's `events` are needed.
        asks: episode_id, round, sender, recipient of the messages that ask for a pull.
    """
    complete = episodes.filter(pl.col("status") == COMPLETE).sort("n_seats", "n_rounds", "episode_id")
    found = [spans(frame, complete["episode_id"]) for frame in (edges, pulls, *([] if asks is None else [asks]))]
    sizes = complete.with_row_index("first").group_by("n_seats", "n_rounds").agg(pl.min("first"), n=pl.len())
    for n_seats, n_rounds, first, n in sizes.sort("first").iter_rows():
        step = max(1, MOST_CELLS // (n_rounds * n_seats**2))
        for start in range(first, first + n, step):
            stop = min(start + step, first + n)
            joined, made, *asking = (one.cut(start, stop) for one in found)
            targets, events = _pulls(made, n_rounds, n_seats)
            yield Dense(
                ids=tuple(complete["episode_id"][start:stop].to_list()),
                targets=targets,
                adjacent=_adjacent(joined, n_seats),
                events=events,
                asked=_asked(asking[0], n_rounds, n_seats) if asking else None,
            )


def _pulls(made: Cut, n_rounds: int, n_seats: int) -> tuple[Ints, Ints | None]:
    """Targets and events of these pulls, each (e, t, i)."""
    shape = (len(made.lengths), n_rounds * n_seats)
    after, puller = made.column("round") - 1, made.column("puller")
    target = made.frame["target"].fill_null(NOBODY).to_numpy()
    event = made.column("event_id") if "event_id" in made.frame.columns else None
    rounds, seats = np.divmod(np.arange(shape[1]), n_seats)
    # In key order, a complete episode's rows are its array. Otherwise, or if rows are missing, each row is placed.
    if (made.lengths == shape[1]).all() and _same(after, rounds) and _same(puller, seats):
        turns = target.reshape(shape).T.astype(narrow(n_seats), order="C")
    else:
        at = made.episode, np.ravel_multi_index((after, puller), (n_rounds, n_seats))
        turns = np.full(shape[::-1], NOBODY, dtype=narrow(n_seats))
        turns.T[at] = target
        if event is not None:
            event, placed = np.full(shape, NOBODY), event
            event[at] = placed
    turns[turns == seats[:, None].astype(turns.dtype)] = NOBODY  # kept
    events = None if event is None else event.reshape(-1, n_rounds, n_seats)
    return episodes_first(turns.reshape(n_rounds, n_seats, -1)), events


def _same(values: NDArray[Any], each: NDArray[Any]) -> bool:
    """Whether the values are those of `each`, repeated."""
    return bool((values.reshape(-1, len(each)) == each).all())


def _adjacent(joined: Cut, n_seats: int) -> Bools:
    adjacent = np.zeros((n_seats, n_seats, len(joined.lengths)), dtype=bool)
    a, b, e = joined.column("seat_a"), joined.column("seat_b"), joined.episode
    adjacent[a, b, e] = adjacent[b, a, e] = True
    return episodes_first(adjacent)


def _asked(asking: Cut, n_rounds: int, n_seats: int) -> Bools:
    asked = np.zeros((n_rounds, n_seats, n_seats, len(asking.lengths)), dtype=bool)
    at = (asking.column("round") - 1, asking.column("sender"), asking.column("recipient"), asking.episode)
    asked.reshape(-1)[np.ravel_multi_index(at, asked.shape)] = True
    return episodes_first(asked)


def adjacency(ids: pl.Series, edges: pl.DataFrame, n_seats: int) -> Bools:
    """(e, i, j): whether an edge joins the seats i and j in each of these episodes, all of `n_seats` seats."""
    return _adjacent(spans(edges, ids).cut(0, len(ids)), n_seats)


def received(targets: Ints) -> Ints:
    """(e, t, j): valid pulls that j received in the round."""
    return episodes_first(np.bitwise_count(pulled_by(episodes_last(targets))).view(np.int8))


def points(targets: Ints) -> NDArray[np.int64]:
    """(e, j): valid pulls that j received."""
    turns = episodes_last(targets).reshape(-1, targets.shape[0])
    return np.stack([total(turns == seat) for seat in range(targets.shape[2])], axis=1)


def given(targets: Ints) -> Floats:
    """(e, i, j): valid pulls that i made for j."""
    side = episodes_last(targets)
    counts = np.stack([total(side == seat) for seat in range(side.shape[1])], axis=1)
    return np.asarray(episodes_first(counts.astype(np.float64)))


def forecast(targets: Ints, adjacent: Bools) -> Floats:
    """(e, i, j): the sum of the tit-for-tat forecasts p(t, i->j) over the rounds in which i made a valid pull.

    p(t, i->j) is uniform over the neighbours that pulled i in round t - 1. If none did, and in round 1, it is uniform
    over all neighbours. Rounds with the same number of seats to pay back are counted together, and divided by this
    number.
    """
    side = episodes_last(targets)
    made, pullers = side != NOBODY, pulled_by(side)[:-1]
    among = np.bitwise_count(pullers) * made[1:]
    # Rounds in which i pulled but had nobody to pay back: each neighbour gets an equal share.
    free = made[0] + total(made[1:] & (pullers == 0))
    near = adjacent.transpose(1, 2, 0)
    sums = free[:, None] * near / near.sum(axis=1)[:, None]
    for several in range(1, int(among.max(initial=0)) + 1):
        owed = pullers * (among == several)
        sums += np.stack([total((owed & bit) != 0) for bit in bits(side.shape[1])], axis=1) / several
    return np.asarray(episodes_first(sums))


def residuals(targets: Ints, expected: Floats) -> Floats:
    """(e, i, j): r(i->j), pulls per round of i for j above the forecast."""
    return np.asarray((given(targets) - expected) / targets.shape[1])


def floor_points(targets: Ints, adjacent: Bools) -> Floats:
    """(e, j): points that blind reciprocation alone would have brought each seat."""
    return in_order(forecast(targets, adjacent))


def net_capture(residual: Floats) -> Floats:
    """(e, i, j): net capture of i over j; antisymmetric."""
    return (residual.swapaxes(1, 2) - residual) / 2


def capture(residual: Floats) -> Floats:
    """(e, i): mean of the seat's net capture over the N - 1 others, in [-1, 1]."""
    return np.asarray(in_order(net_capture(residual).swapaxes(1, 2)) / (residual.shape[1] - 1))


def cascades(targets: Ints, adjacent: Bools) -> Ints:
    """(e,): number of cascades. One begins when most neighbours of a seat (at least two) pull it in the same round.

    A round continues a cascade if most of them also pulled it in the round before. One that begins in round 1 counts.
    """
    counts = received(targets).transpose(1, 2, 0)
    majority = np.maximum(2, adjacent.sum(axis=2) // 2 + 1)
    converged = counts >= majority.T.astype(counts.dtype)
    onset = converged.copy()
    onset[1:] &= ~converged[:-1]
    return count(episodes_first(onset))


def gini(points: Ints) -> Floats:
    """(e,): Gini of final points over all seats. 0 = equal; 0 when nobody scored."""
    apart = np.abs(points[:, :, None] - points[:, None, :]).sum(axis=(1, 2))
    scored = points.sum(axis=1)
    return np.where(scored > 0, apart / np.maximum(2 * points.shape[1] * scored, 1), 0.0)


def paybacks(targets: Ints, *, window: int) -> Bools:
    """(e, t, i): i made a valid pull for a seat that had pulled i in at least one of the `window` rounds before t."""
    side = episodes_last(targets)
    return episodes_first(pulls_one_of(side, recent(pulled_by(side), first=1, stop=window + 1)))


def solicited(targets: Ints, asked: Bools, *, window: int) -> Bools:
    """(e, t, i): i made a valid pull for a seat that asked it in round t or in the `window` - 1 rounds before.

    `asked` is (e, t, sender, recipient).
    """
    return episodes_first(pulls_one_of(episodes_last(targets), recent(senders(asked), first=0, stop=window)))
