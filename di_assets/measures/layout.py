"""Memory layout of arrays of episodes, and the sums and sets that measures are made of.

Functions take and return arrays with the episode axis e first. In memory it is last, so that one step of one seat in
one round is a single operation over all episodes of a group. Numbers use the smallest integer type that holds them. A
set of seats is an integer with one bit per seat. Counts stay integers as long as possible, and floats are added in a
fixed order, so an episode's result does not depend on the other episodes in its group.
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
    """(t, i, e): targets (e, t, i) with the episode axis last, contiguous; not copied if memory has this order."""
    return np.ascontiguousarray(targets.transpose(1, 2, 0).astype(narrow(targets.shape[2]), copy=False))


def episodes_first(values: NDArray[Any]) -> NDArray[Any]:
    """(e, ...): a view of an array (..., e) with the episode axis first."""
    return np.moveaxis(values, -1, 0)


def total(flags: Bools) -> NDArray[np.int64]:
    """(...): number of true values along the first axis of bools (n, ...)."""
    # Added in the smallest integer type that holds the sum.
    kind = np.min_scalar_type(flags.shape[0])
    return np.asarray(np.add.reduce(flags.view(np.uint8), axis=0, dtype=kind), dtype=np.int64)


def count(flags: Bools) -> NDArray[np.int64]:
    """(e,): number of true values in each episode, of bools (e, ...)."""
    return total(np.moveaxis(flags, 0, -1).reshape(-1, flags.shape[0]))


def in_order(values: Floats) -> Floats:
    """Sums over the second axis, added from first to last. The result has the same bits for every memory layout."""
    return np.asarray(reduce(np.add, np.moveaxis(values, 1, 0)))


def bits(n_seats: int) -> Bits:
    """The bit of each seat, in the smallest integer type that holds a set of seats; at most 64 seats."""
    kind = next(kind for kind in (np.uint8, np.uint16, np.uint32, np.uint64) if np.iinfo(kind).bits >= n_seats)
    return np.left_shift(1, np.arange(n_seats, dtype=kind), dtype=kind)


def pulled_by(side: Ints) -> Bits:
    """(t, j, e): the set of seats that pulled j in round t, as bits; from targets (t, i, e)."""
    sets = np.zeros(side.shape, dtype=bits(side.shape[1]).dtype)
    for puller, bit in enumerate(bits(side.shape[1])):
        for seat in range(side.shape[1]):
            sets[:, seat] |= (side[:, puller] == seat) * bit
    return sets


def senders(asked: Bools) -> Bits:
    """(t, j, e): the set of seats that asked j in round t, as bits; from (e, t, sender, recipient)."""
    by_sender = asked.transpose(1, 2, 3, 0)
    return np.asarray(reduce(np.bitwise_or, (by_sender[:, i] * bit for i, bit in enumerate(bits(asked.shape[2])))))


def pulls_one_of(side: Ints, sets: Bits) -> Bools:
    """(t, i, e): whether i made a valid pull whose target is in the set (t, i, e) of bits."""
    found = ((side == seat) & ((sets & bit) != 0) for seat, bit in enumerate(bits(side.shape[1])))
    return np.asarray(reduce(np.logical_or, found))


def recent(sets: Bits, *, first: int, stop: int) -> Bits:
    """(t, ...): the union of the sets of rounds t - `first`, ..., t - `stop` + 1. Rounds before the first are empty."""
    union = np.zeros_like(sets)
    for lag in range(first, min(stop, sets.shape[0])):
        union[lag:] |= sets[: sets.shape[0] - lag]
    return union
