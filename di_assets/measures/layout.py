"""How arrays of episodes lie in memory, and the sums and sets that the measures are made of.

Functions take and give arrays with the episode axis e first. In memory it is last, so that one step of one seat in one
round is a single operation over all episodes of a group; numbers are in the smallest integers that hold them. A set of
seats is an integer, one bit a seat. Counts stay integers as long as possible, and floats are added in a fixed order: an
episode's result does not depend on which others are in its group.
"""

from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Ints = NDArray[np.signedinteger[Any]]
Bits = NDArray[np.unsignedinteger[Any]]


def narrow(n_seats: int) -> type[np.signedinteger[Any]]:
    """The smallest integer type that holds every seat number and -1."""
    return np.int8 if n_seats <= 127 else np.int16


def episodes_last(targets: Ints) -> Ints:
    """(t, i, e): targets (e, t, i) with the episode axis last, contiguous; not copied where they already lie so."""
    return np.ascontiguousarray(targets.transpose(1, 2, 0).astype(narrow(targets.shape[2]), copy=False))


def episodes_first(kept: NDArray[Any]) -> NDArray[Any]:
    """(e, ...): a view of an array (..., e) with the episode axis first."""
    return np.moveaxis(kept, -1, 0)


def total(flags: Bools) -> NDArray[np.int64]:
    """How many are true along the first axis: (...) of bools (n, ...)."""
    # Added in the smallest integers that hold the sum.
    kind = np.min_scalar_type(flags.shape[0])
    return np.asarray(np.add.reduce(flags.view(np.uint8), axis=0, dtype=kind), dtype=np.int64)


def count(flags: Bools) -> NDArray[np.int64]:
    """(e,): how many are true in each episode, of bools (e, ...)."""
    return total(np.moveaxis(flags, 0, -1).reshape(-1, flags.shape[0]))


def in_order(values: Floats) -> Floats:
    """Sums over the second axis, added from first to last: the same bits however the array lies in memory."""
    return np.asarray(reduce(np.add, np.moveaxis(values, 1, 0)))


def bits(n_seats: int) -> Bits:
    """The bit of each seat, in the smallest integers that hold a set of them; at most 64 seats."""
    kind = next(kind for kind in (np.uint8, np.uint16, np.uint32, np.uint64) if np.iinfo(kind).bits >= n_seats)
    return np.left_shift(1, np.arange(n_seats, dtype=kind), dtype=kind)


def pulled_by(side: Ints) -> Bits:
    """(t, j, e): the set of seats that pulled j in round t, as bits; from targets (t, i, e)."""
    sets = np.zeros(side.shape, dtype=bits(side.shape[1]).dtype)
    for puller, bit in enumerate(bits(side.shape[1])):
        for seat in range(side.shape[1]):
            sets[:, seat] |= (side[:, puller] == seat) * bit
    return sets


def pulls_one_of(side: Ints, sets: Bits) -> Bools:
    """(t, i, e): whether i made a valid pull and its target is in the set (t, i, e) of bits."""
    found = ((side == seat) & ((sets & bit) != 0) for seat, bit in enumerate(bits(side.shape[1])))
    return np.asarray(reduce(np.logical_or, found))


def recent(sets: Bits, *, first: int, stop: int) -> Bits:
    """(t, ...): the union of the sets of rounds t - `first`, ..., t - `stop` + 1; rounds before the first are empty."""
    union = np.zeros_like(sets)
    for lag in range(first, min(stop, sets.shape[0])):
        union[lag:] |= sets[: sets.shape[0] - lag]
    return union
