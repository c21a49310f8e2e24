"""Reciprocators who never talk, simulated once per game: one of the nulls of `baseline`.

A game is a number of rounds, a graph and a focal seat. What is simulated is seeded by the game alone and kept, so that
all models of a condition are compared with the same episodes.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import gcd
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from di_assets.measures.dense import (
    NOBODY,
    Bools,
    Floats,
    Ints,
    adjacency,
    cascades,
    floor_points,
    gini,
    paybacks,
    points,
)
from di_assets.measures.layout import count, episodes_first
from di_assets.measures.null_means import Null, means_of_draws
from di_assets.tables.words import PAYBACK_WINDOW

# For every set of eight seats, coded as bits: how many members it has, and which.
_BITS = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little").astype(bool)
SIZES = _BITS.sum(axis=1, dtype=np.uint8)
MEMBERS = np.argsort(~_BITS, axis=1, kind="stable").astype(np.uint8)

SIMULATED = 10_000
# Pools and nulls in memory at once: 0.6 MB and 0.1 MB each.
KEPT_POOLS, KEPT_NULLS = 64, 512


@dataclass(frozen=True, slots=True, order=True)
class Game:
    """What an episode of reciprocators depends on.

    Attributes:
        n_rounds: its rounds.
        n_seats: its seats.
        graph: the adjacency matrix, packed to bits.
        seat: the focal seat, NOBODY for none. If a rotation of the seats leaves the graph as it is (complete graphs,
            rings), all seats are alike and this is 0.
    """

    n_rounds: int
    n_seats: int
    graph: bytes
    seat: int

    @property
    def adjacent(self) -> Bools:
        """(i, j): whether an edge joins them."""
        cells = np.unpackbits(np.frombuffer(self.graph, dtype=np.uint8), count=self.n_seats**2)
        return cells.reshape(self.n_seats, self.n_seats).astype(bool)


Mixture = tuple[tuple[Game, int], ...]
"""Games, sorted, each with its share as a whole number."""


def games_of(episodes: pl.DataFrame, edges: pl.DataFrame) -> dict[str, Game]:
    """The game of each episode.

    Args:
        episodes: episode_id, n_rounds, n_seats, focal_seat (null for none).
        edges: edges.
    """
    known: dict[tuple[int, bytes, int], Game] = {}
    found: dict[str, Game] = {}
    for part in episodes.partition_by("n_seats"):
        n_seats, adjacent = int(part["n_seats"][0]), adjacency(part["episode_id"], edges, int(part["n_seats"][0]))
        turns = (adjacent == np.roll(adjacent, (1, 1), axis=(1, 2))).all(axis=(1, 2))
        seats = part["focal_seat"].fill_null(NOBODY).to_numpy()
        packed = np.packbits(adjacent.reshape(len(part), -1), axis=1)
        graphs = (row.tobytes() for row in packed)
        alike = np.where(turns, np.minimum(seats, 0), seats).tolist()
        for one, n_rounds, graph, seat in zip(part["episode_id"], part["n_rounds"], graphs, alike, strict=True):
            key = (n_rounds, graph, seat)
            found[one] = known.get(key) or known.setdefault(key, Game(n_rounds, n_seats, graph, seat))
    return found


def mixture(counts: Mapping[Game, int]) -> Mixture:
    """Games in these proportions; the same for any multiple of the counts."""
    common = gcd(*counts.values())
    return tuple((game, counts[game] // common) for game in sorted(counts))


@lru_cache(maxsize=KEPT_NULLS)
def null_of(games: Mixture, measure: str, n: int) -> Null:
    """Means of a measure over n reciprocators' episodes."""
    return means_of_draws(pool(games)[measure], n=n, rng=_rng(games, f"{measure}/{n}"))


@lru_cache(maxsize=KEPT_POOLS)
def pool(games: Mixture) -> Mapping[str, Floats]:
    """Each measure of about SIMULATED simulated episodes, NaN if undefined; the games in their proportions."""
    rng, whole = _rng(games, "pool"), sum(share for _, share in games)
    sizes: dict[tuple[int, int], list[Game]] = {}
    for game, share in games:
        sizes.setdefault((game.n_rounds, game.n_seats), []).extend([game] * share)
    parts = []
    for (n_rounds, _), same in sorted(sizes.items()):
        drawn = np.arange(max(1, round(SIMULATED * len(same) / whole))) % len(same)
        graphs = {game.graph: game.adjacent for game in same}
        adjacent = np.stack([graphs[game.graph] for game in same])[drawn]
        seats = np.array([game.seat for game in same])[drawn]
        parts.append(_measures(simulate(adjacent, n_rounds, rng=rng), adjacent, seats))
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _rng(games: Mixture, purpose: str) -> np.random.Generator:
    named = [(game.n_rounds, game.n_seats, game.graph.hex(), game.seat, share) for game, share in games]
    return np.random.default_rng(int.from_bytes(hashlib.sha256(f"{purpose} {named}".encode()).digest()[:8]))


def simulate(adjacent: Bools, n_rounds: int, *, rng: np.random.Generator) -> Ints:
    """(e, t, i): pulls of reciprocators who never talk, on these graphs (e, i, j) of at most 64 seats.

    Each seat pulls a random one of the neighbours that pulled it in the round before; if none did, a random neighbour.
    The seats it may pull are a set of bits, so that a round costs a few passes over one number per seat.
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
    return episodes_first(targets.view(np.int8))


def _drawn(sets: NDArray[Any], lots: NDArray[np.float32]) -> NDArray[np.uint8]:
    """One random member of each set of bits, chosen by a random number in [0, 1)."""
    if sets.dtype == np.uint8:
        place = (lots * SIZES[sets]).astype(np.uint8)
        return np.asarray(MEMBERS[sets, place])
    place = (lots * np.bitwise_count(sets)).astype(np.uint8)
    drawn = np.zeros(sets.shape, dtype=np.uint8)
    passed = np.zeros(sets.shape, dtype=np.uint8)  # members counted so far
    for seat in range(sets.dtype.itemsize * 8):
        here = (sets >> sets.dtype.type(seat) & sets.dtype.type(1)).astype(bool)
        drawn[here & (passed == place)] = seat
        passed += here
    return drawn


def _measures(targets: Ints, adjacent: Bools, seats: Ints) -> dict[str, Floats]:
    """Each measure of each simulated episode (e,), NaN if undefined. `seats` are the focal seats, NOBODY for none."""
    every, (_, n_rounds, n_seats) = np.arange(len(targets)), targets.shape
    scores, focal = points(targets), np.maximum(seats, 0)
    payback_rate = count(paybacks(targets, window=PAYBACK_WINDOW)) / (n_rounds * n_seats)
    scored = np.where(seats != NOBODY, scores[every, focal], np.nan)
    floor = np.where(seats != NOBODY, floor_points(targets, adjacent)[every, focal], np.nan)
    return {
        "cascades": cascades(targets, adjacent).astype(float),
        "gini": gini(scores),
        "payback_rate": payback_rate,
        "unprompted_rate": 1 - payback_rate,  # nobody asks for anything
        "focal_points": scored,
        "focal_floor_points": floor,
        "focal_capture": capture_of(scored, floor, n_seats, n_rounds),
    }


def capture_of(points: Any, floor_points: Any, n_seats: Any, n_rounds: Any) -> Any:
    """Capture of a seat from its points and its floor points.

    A seat's pulls and their forecast both sum to 1 per round, so what it gives cancels.
    """
    return (points - floor_points) / (2 * (n_seats - 1) * n_rounds)
