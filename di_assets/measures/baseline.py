"""Reciprocity against chance: every per-episode measure held against two null models without persuasion.

`measure/simulated`: reciprocators who never talk (tit-for-tat over neighbours), 10,000 simulated episodes on the same
graphs; what is no payback there is unprompted. `measure/shuffled`: each episode's own pulls, shuffled over rounds
within puller: who likes whom is kept, timing is destroyed. Both nulls are of the mean of n episodes, n as observed.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from di_assets.measures.dense import (
    MOST_CELLS,
    NOBODY,
    Bools,
    Dense,
    Floats,
    Ints,
    cascades,
    dense_groups,
    floor_points,
    gini,
    paybacks,
    received,
)
from di_assets.measures.kinds import PAYBACK_WINDOW
from di_assets.tables import TABLES

# Members of every set of eight seats, by its bits: how many, and which.
_BITS = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little").astype(bool)
SIZES = _BITS.sum(axis=1, dtype=np.uint8)
MEMBERS = np.argsort(~_BITS, axis=1, kind="stable").astype(np.uint8)

SIMULATED, SHUFFLES, DRAWN_MEANS = 10_000, 200, 10_000
# What shuffling over rounds can change. Points and gini keep their values under it, and which pulls were unprompted
# would need the messages, which are not shuffled; those three are held against the simulated null alone.
TIMED = ("cascades", "focal_capture", "focal_floor_points", "payback_rate")


def reciprocity_baseline(
    episodes: pl.DataFrame, edges: pl.DataFrame, pulls: pl.DataFrame, episode_measures: pl.DataFrame
) -> pl.DataFrame:
    """One row a condition and measure/null; null where a condition has no focal seat to measure."""
    rows: list[tuple[object, ...]] = []
    complete = episodes.filter(pl.col("episode_id").is_in(episode_measures["episode_id"].implode()))
    for (condition,), part in complete.sort("condition", "episode_id").group_by("condition", maintain_order=True):
        observed = episode_measures.filter(pl.col("condition") == condition)
        groups = list(dense_groups(part, edges, pulls))
        focal = dict(part.select("episode_id", "focal_seat").iter_rows())
        rng = np.random.default_rng(int.from_bytes(hashlib.sha256(str(condition).encode()).digest()[:8]))
        simulated = _simulated(groups, focal, rng=rng)
        shuffled = _shuffled(groups, focal, rng=rng)
        rows += [
            _row(str(condition), f"{m}/simulated", observed[m], _drawn_means(simulated[m], observed[m], rng=rng))
            for m in sorted(simulated)
        ]
        rows += [_row(str(condition), f"{m}/shuffled", observed[m], shuffled[m]) for m in sorted(shuffled)]
    return TABLES["reciprocity_baseline"].frame(rows)


def simulate(adjacent: Bools, n_rounds: int, *, rng: np.random.Generator) -> Ints:
    """(e, t, i): pulls of reciprocators who never talk, on these graphs (e, i, j) of at most 64 seats.

    Each pulls one of the neighbours that pulled it in the round before, uniformly; one of all its neighbours where none
    did. Whom a seat may pull is a set of bits, so that a round costs a few passes over one number a seat.
    """
    n_episodes, n_seats, _ = adjacent.shape
    kind = next(kind for kind in (np.uint8, np.uint16, np.uint32, np.uint64) if np.iinfo(kind).bits >= n_seats)
    bit = np.left_shift(1, np.arange(n_seats, dtype=kind), dtype=kind)
    neighbours = np.ascontiguousarray((adjacent * bit).sum(axis=2, dtype=kind).T)  # (i, e)
    targets = np.empty((n_rounds, n_seats, n_episodes), dtype=np.uint8)
    allowed, pulled_by = neighbours, np.empty_like(neighbours)
    for t in range(n_rounds):
        targets[t] = _drawn(allowed, rng.random(allowed.shape, dtype=np.float32))
        pulled_by[:] = 0
        for puller in range(n_seats):
            for seat in range(n_seats):
                if seat != puller:
                    pulled_by[seat] |= (targets[t, puller] == seat) * bit[puller]
        allowed = np.where(pulled_by > 0, pulled_by, neighbours)
    return targets.transpose(2, 0, 1).astype(np.int64)


def _drawn(sets: NDArray[Any], lots: NDArray[np.float32]) -> NDArray[np.uint8]:
    """One member of each set of bits, uniformly, by a lot in [0, 1)."""
    if sets.dtype == np.uint8:
        place = (lots * SIZES[sets]).astype(np.uint8)
        return np.asarray(MEMBERS[sets, place])
    place = (lots * np.bitwise_count(sets)).astype(np.uint8)
    drawn = np.zeros(sets.shape, dtype=np.uint8)
    passed = np.zeros(sets.shape, dtype=np.uint8)  # members met so far
    for seat in range(sets.dtype.itemsize * 8):
        here = (sets >> sets.dtype.type(seat) & sets.dtype.type(1)).astype(bool)
        drawn[here & (passed == place)] = seat
        passed += here
    return drawn


def shuffle_rounds(targets: Ints, *, times: int, rng: np.random.Generator) -> Ints:
    """(times x e, t, i): each puller's pulls (e, t, i) in a random order of rounds, forfeits among them."""
    # Rounds last: a sort along adjacent memory is several times as fast.
    by_puller = np.ascontiguousarray(targets.swapaxes(1, 2))
    order = rng.random((times, *by_puller.shape), dtype=np.float32).argsort(axis=3)
    return np.take_along_axis(by_puller[None], order, axis=3).swapaxes(2, 3).reshape(-1, *targets.shape[1:])


def _simulated(groups: list[Dense], focal: Mapping[str, int | None], *, rng: np.random.Generator) -> dict[str, Floats]:
    """Each measure of every simulated episode; graphs and focal seats as often as they were observed."""
    total = sum(len(group.ids) for group in groups)
    parts = []
    for group in groups:
        size = max(1, round(SIMULATED * len(group.ids) / total))
        drawn = np.arange(size) % len(group.ids)
        adjacent = group.adjacent[drawn]
        targets = simulate(adjacent, group.n_rounds, rng=rng)
        parts.append(_measures(targets, adjacent, _focal(group, focal)[drawn]))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _shuffled(groups: list[Dense], focal: Mapping[str, int | None], *, rng: np.random.Generator) -> dict[str, Floats]:
    """Each measure's mean over the episodes, shuffle by shuffle."""
    sums: dict[str, Floats] = {}
    counts: dict[str, Floats] = {}
    for group in groups:
        seats, (n, n_rounds, n_seats) = _focal(group, focal), group.targets.shape
        several = max(1, MOST_CELLS // (n * n_rounds * n_seats**2))
        for start in range(0, SHUFFLES, several):
            times = min(several, SHUFFLES - start)
            shuffled = shuffle_rounds(group.targets, times=times, rng=rng)
            adjacent = np.broadcast_to(group.adjacent, (times, n, n_seats, n_seats)).reshape(-1, n_seats, n_seats)
            found = _measures(shuffled, adjacent, np.tile(seats, times))
            for name in (name for name in TIMED if name in found):
                values = found[name].reshape(times, n)
                sums.setdefault(name, np.zeros(SHUFFLES))[start : start + times] += np.nansum(values, axis=1)
                counts.setdefault(name, np.zeros(SHUFFLES))[start : start + times] += (~np.isnan(values)).sum(axis=1)
    return {name: sums[name] / np.where(counts[name] > 0, counts[name], np.nan) for name in sums}


def _measures(targets: Ints, adjacent: Bools, seats: Ints) -> dict[str, Floats]:
    """Each measure of each episode (e,), NaN where it is undefined; `seats` are the focal seats, NOBODY for none."""
    every, (_, n_rounds, n_seats) = np.arange(len(targets)), targets.shape
    valid = (targets != NOBODY).sum(axis=(1, 2))
    paid = paybacks(targets, window=PAYBACK_WINDOW).sum(axis=(1, 2))
    points = received(targets).sum(axis=1)
    payback_rate = np.where(valid > 0, paid / np.maximum(valid, 1), np.nan)
    found: dict[str, Floats] = {
        "cascades": cascades(targets, adjacent).astype(float),
        "gini": gini(points),
        "payback_rate": payback_rate,
        "unprompted_rate": 1 - payback_rate,  # nobody asks for anything
    }
    if (seats != NOBODY).any():
        focal = np.maximum(seats, 0)
        scored, floor = points[every, focal].astype(float), floor_points(targets, adjacent)[every, focal]
        # A seat's pulls and their forecast both sum to 1 a round, so that what it gives cancels.
        measured = {
            "focal_points": scored,
            "focal_floor_points": floor,
            "focal_capture": (scored - floor) / (2 * (n_seats - 1) * n_rounds),
        }
        found |= {name: np.where(seats != NOBODY, values, np.nan) for name, values in measured.items()}
    return found


def _focal(group: Dense, focal: Mapping[str, int | None]) -> Ints:
    return np.array([NOBODY if (seat := focal[key]) is None else seat for key in group.ids], dtype=np.int64)


def _drawn_means(values: Floats, observed: pl.Series, *, rng: np.random.Generator) -> Floats:
    """Means of n simulated episodes, n as observed."""
    values, n = values[~np.isnan(values)], observed.drop_nulls().len()
    if n == 0 or len(values) == 0:
        return np.array([])
    means = np.zeros(DRAWN_MEANS)
    for _ in range(n):
        means += values[rng.integers(len(values), size=DRAWN_MEANS)]
    return means / n


def _row(condition: str, measure: str, observed: pl.Series, null: Floats) -> tuple[object, ...]:
    values = observed.drop_nulls().to_list()
    null = null[~np.isnan(null)]
    if not values or len(null) == 0:
        return (condition, measure, len(values), None, None, None, None, None)
    mean = sum(values) / len(values)
    low, high = (float(q) for q in np.quantile(null, (0.025, 0.975)))
    tail = min((null >= mean - 1e-12).sum(), (null <= mean + 1e-12).sum())
    p_value = min(1.0, 2 * (1 + int(tail)) / (1 + len(null)))
    return (condition, measure, len(values), mean, float(null.mean()), low, high, p_value)
