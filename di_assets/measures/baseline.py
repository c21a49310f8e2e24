"""Reciprocity and chance: every per-episode measure is compared with two null models without persuasion.

`measure/simulated`: reciprocators who never talk (tit-for-tat over neighbours), 10,000 simulated episodes on the same
graphs. A pull there that is not a payback is unprompted, and none is solicited. `measure/shuffled`: each episode's own
pulls, shuffled over rounds for each puller. This keeps who pulls whom how often, and destroys the timing. Both nulls
give the mean of n independent episodes, with n as observed. Episodes of one focal model and seed under one condition
are one block, that is, replicates of one independent episode. A block counts as one simulated episode, and the rounds
of its episodes are shuffled in the same way.
"""

import hashlib
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from di_assets.measures.comparable import models_first
from di_assets.measures.dense import (
    MOST_CELLS,
    NEEDED,
    NOBODY,
    Bools,
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
from di_assets.measures.measure import Measure
from di_assets.measures.null_means import MOST_DRAWN, held_against, means_of_draws, means_of_shuffles
from di_assets.tables.contract import Table
from di_assets.tables.over_all import MODEL_BASELINE, RECIPROCITY_BASELINE
from di_assets.tables.words import COMPLETE

# For every set of eight seats, coded as bits: how many members it has, and which.
_BITS = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1, bitorder="little").astype(bool)
SIZES = _BITS.sum(axis=1, dtype=np.uint8)
MEMBERS = np.argsort(~_BITS, axis=1, kind="stable").astype(np.uint8)

SIMULATED = 10_000
# Number of shuffles for up to MOST_DRAWN independent episodes. With more episodes the total stays the same, but each
# episode has at least FEWEST.
SHUFFLES, FEWEST_SHUFFLES = 200, 2
# Measures that every episode has, and measures of episodes with a focal seat.
OF_ALL = ("cascades", "gini", "payback_rate", "unprompted_rate")
OF_FOCAL = ("focal_capture", "focal_floor_points", "focal_points")
# Measures that shuffling over rounds can change. It does not change points and gini, and to tell unprompted pulls it
# would need the messages, which are not shuffled. Those three are compared only with the simulated null.
TIMED = ("cascades", "focal_capture", "focal_floor_points", "payback_rate")


@dataclass(frozen=True, slots=True)
class Chunk:
    """Episodes of one size.

    Attributes:
        targets: (e, t, i) pulls.
        adjacent: (e, i, j) an edge joins them.
        seats: (e,) focal seats, NOBODY for none.
        blocks: (e,) numbers of their blocks, from 0.
    """

    targets: Ints
    adjacent: Bools
    seats: Ints
    blocks: Ints


def reciprocity_baseline(
    episodes: pl.DataFrame, edges: pl.DataFrame, pulls: pl.DataFrame, episode_measures: pl.DataFrame
) -> pl.DataFrame:
    """One row per condition and measure/null; a condition without a focal seat has no rows for measures of one.

    If models played a condition, episodes of scripted agents in it are left out.
    """
    shown = models_first(episodes.join(episode_measures, on="episode_id", how="semi"))
    return _baseline(RECIPROCITY_BASELINE, ("condition",), shown, edges, pulls, episode_measures)


def model_baseline(
    episodes: pl.DataFrame, edges: pl.DataFrame, pulls: pl.DataFrame, episode_measures: pl.DataFrame
) -> pl.DataFrame:
    """One row per condition, focal model and measure/null. It shows which models behind a condition's mean differ.

    A model's rows depend only on its own episodes. The p values are not adjusted for their number.
    """
    focal = episode_measures.filter(pl.col("focal_model").is_not_null())
    return _baseline(MODEL_BASELINE, ("condition", "focal_model"), episodes, edges, pulls, focal)


def _baseline(
    table: Table,
    keys: tuple[str, ...],
    episodes: pl.DataFrame,
    edges: pl.DataFrame,
    pulls: pl.DataFrame,
    episode_measures: pl.DataFrame,
) -> pl.DataFrame:
    facts = episodes.select("episode_id", "seed", "focal_seat", "status", "n_seats", "n_rounds")
    complete = facts.filter(pl.col("status") == COMPLETE)
    measured = episode_measures.join(complete, on="episode_id").sort(*keys, "episode_id")
    rows: list[tuple[object, ...]] = []
    for key, found in measured.group_by(*keys, maintain_order=True):
        rng = np.random.default_rng(int.from_bytes(hashlib.sha256("/".join(map(str, key)).encode()).digest()[:8]))
        part = found.with_columns(block=pl.struct("focal_model", "seed").rank("dense").cast(pl.Int64) - 1)
        names = (*OF_ALL, *OF_FOCAL) if part["focal_seat"].count() else OF_ALL
        chunks = _chunks(part, edges, pulls)
        observed = part.group_by("block", maintain_order=True).agg(pl.mean(*names)).sort("block")
        simulated, shuffled = _simulated(chunks, rng=rng), _shuffled(chunks, rng=rng)
        for name in sorted(names):
            values = observed[name].fill_null(np.nan).to_numpy()
            null = means_of_draws(simulated[name], n=observed[name].count(), rng=rng)
            rows.append((*key, f"{name}/simulated", *astuple(held_against(values, null))))
            if name in TIMED:
                null = means_of_shuffles(shuffled[name])
                rows.append((*key, f"{name}/shuffled", *astuple(held_against(values, null))))
    return table.frame(rows)


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
    return targets.transpose(2, 0, 1).astype(np.int64)


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


def orders_of_rounds(*shape: int, rng: np.random.Generator) -> Ints:
    """Independent random orders of the rounds, along the last axis of this shape."""
    return np.asarray(rng.random(shape, dtype=np.float32).argsort(axis=-1))


def shuffle_rounds(targets: Ints, orders: Ints) -> Ints:
    """(times x e, t, i): pulls (e, t, i), including forfeits, with rounds in these orders (times, e, i, t)."""
    # The axis of rounds is last: adjacent memory is several times as fast.
    by_puller = np.ascontiguousarray(targets.swapaxes(1, 2))
    return np.take_along_axis(by_puller[None], orders, axis=3).swapaxes(2, 3).reshape(-1, *targets.shape[1:])


def _chunks(part: pl.DataFrame, edges: pl.DataFrame, pulls: pl.DataFrame) -> list[Chunk]:
    facts = {key: (seat, block) for key, seat, block in part.select("episode_id", "focal_seat", "block").iter_rows()}
    made = []
    for group in dense_groups(part, edges, pulls):
        seats, blocks = zip(*(facts[key] for key in group.ids), strict=True)
        known = np.array([NOBODY if seat is None else seat for seat in seats], dtype=np.int64)
        made.append(Chunk(group.targets, group.adjacent, known, np.array(blocks, dtype=np.int64)))
    return made


def _simulated(chunks: list[Chunk], *, rng: np.random.Generator) -> dict[str, Floats]:
    """Each measure of every simulated episode. Each block's graph and focal seat are used equally often."""
    # By chunk, the first episode of every block.
    _, first = np.unique(np.concatenate([chunk.blocks for chunk in chunks]), return_index=True)
    ends = np.cumsum([len(chunk.blocks) for chunk in chunks])
    parts = []
    for chunk, end in zip(chunks, ends, strict=True):
        start = end - len(chunk.blocks)
        own = np.sort(first[(first >= start) & (first < end)]) - start
        if len(own) == 0:
            continue
        drawn = own[np.arange(max(1, round(SIMULATED * len(own) / len(first)))) % len(own)]
        adjacent = chunk.adjacent[drawn]
        targets = simulate(adjacent, chunk.targets.shape[1], rng=rng)
        parts.append(_measures(targets, adjacent, chunk.seats[drawn]))
    return {name: np.concatenate([part[name] for part in parts]) for name in (*OF_ALL, *OF_FOCAL)}


def _shuffled(chunks: list[Chunk], *, rng: np.random.Generator) -> dict[str, Floats]:
    """Means of each measure with timing over the episodes of each block (b, shuffles); NaN if undefined."""
    n_blocks = 1 + max(int(chunk.blocks.max()) for chunk in chunks)
    shuffles = min(SHUFFLES, max(FEWEST_SHUFFLES, SHUFFLES * MOST_DRAWN // n_blocks))
    sums = {name: np.zeros((n_blocks, shuffles)) for name in TIMED}
    counts = {name: np.zeros((n_blocks, shuffles)) for name in TIMED}
    for n_rounds, n_seats in sorted({chunk.targets.shape[1:] for chunk in chunks}):
        same_size = [chunk for chunk in chunks if chunk.targets.shape[1:] == (n_rounds, n_seats)]
        several = max(1, MOST_CELLS // (max(n_blocks, *(len(c.blocks) for c in same_size)) * n_rounds * n_seats**2))
        for start in range(0, shuffles, several):
            now = slice(start, min(start + several, shuffles))
            # Drawn for all blocks at once, because a block's episodes may be in several chunks.
            orders = orders_of_rounds(now.stop - start, n_blocks, n_seats, n_rounds, rng=rng)
            for chunk in same_size:
                for name, values in _timed(chunk, orders[:, chunk.blocks]).items():
                    defined = ~np.isnan(values)
                    np.add.at(sums[name][:, now], chunk.blocks, np.where(defined, values, 0.0))
                    np.add.at(counts[name][:, now], chunk.blocks, defined)
    return {name: sums[name] / np.where(counts[name] > 0, counts[name], np.nan) for name in TIMED}


def _timed(chunk: Chunk, orders: Ints) -> dict[str, Floats]:
    """(e, times): the measures that timing can change, for a chunk's episodes with rounds in these orders."""
    times = len(orders)
    adjacent = np.broadcast_to(chunk.adjacent, (times, *chunk.adjacent.shape)).reshape(-1, *chunk.adjacent.shape[1:])
    found = _measures(shuffle_rounds(chunk.targets, orders), adjacent, np.tile(chunk.seats, times))
    return {name: found[name].reshape(times, -1).T for name in TIMED}


def _measures(targets: Ints, adjacent: Bools, seats: Ints) -> dict[str, Floats]:
    """Each measure of each episode (e,), NaN if undefined. `seats` are the focal seats, NOBODY for none."""
    every, (_, n_rounds, n_seats) = np.arange(len(targets)), targets.shape
    valid = (targets != NOBODY).sum(axis=(1, 2))
    paid = paybacks(targets, window=PAYBACK_WINDOW).sum(axis=(1, 2))
    points = received(targets).sum(axis=1)
    payback_rate = np.where(valid > 0, paid / np.maximum(valid, 1), np.nan)
    focal = np.maximum(seats, 0)
    scored = np.where(seats != NOBODY, points[every, focal], np.nan)
    floor = np.where(seats != NOBODY, floor_points(targets, adjacent)[every, focal], np.nan)
    return {
        "cascades": cascades(targets, adjacent).astype(float),
        "gini": gini(points),
        "payback_rate": payback_rate,
        "unprompted_rate": 1 - payback_rate,  # nobody asks for anything
        "focal_points": scored,
        "focal_floor_points": floor,
        # A seat's pulls and their forecast both sum to 1 per round, so what it gives cancels.
        "focal_capture": (scored - floor) / (2 * (n_seats - 1) * n_rounds),
    }


_READS = {**NEEDED, "episode_measures": ("episode_id", "condition", "focal_model", *OF_ALL, *OF_FOCAL)}
_OF_EPISODES = (*NEEDED["episodes"], "seed", "focal_seat")
BY_CONDITION = Measure(
    reciprocity_baseline,
    RECIPROCITY_BASELINE,
    reads={**_READS, "episodes": (*_OF_EPISODES, "condition", "scripted")},
)
BY_MODEL = Measure(model_baseline, MODEL_BASELINE, reads={**_READS, "episodes": _OF_EPISODES})
