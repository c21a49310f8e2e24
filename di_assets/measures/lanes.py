"""Episodes side by side: arrays told with e first are kept with e last, in the smallest integers that hold them.

What is done to one seat in one round is then done to all episodes of a group at once, many in an instruction. Whom a
seat was pulled by is a set of bits. Sums are of integers as long as can be, and floats are added in a fixed order, so
that no figure depends on what else is in the group.
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
    """The integers that hold every seat, and -1."""
    return np.int8 if n_seats <= 127 else np.int16


def lanes(targets: Ints) -> Ints:
    """(t, i, e) of targets (e, t, i), in memory as in shape; no copy where they are kept so."""
    return np.ascontiguousarray(targets.transpose(1, 2, 0).astype(narrow(targets.shape[2]), copy=False))


def told(kept: NDArray[Any]) -> NDArray[Any]:
    """(e, ...) of (..., e)."""
    return np.moveaxis(kept, -1, 0)


def total(flags: Bools) -> NDArray[np.int64]:
    """Bools (n, ...) counted over their first axis."""
    # Added in the smallest integers that hold the sum.
    kind = np.min_scalar_type(flags.shape[0])
    return np.asarray(np.add.reduce(flags.view(np.uint8), axis=0, dtype=kind), dtype=np.int64)


def count(flags: Bools) -> NDArray[np.int64]:
    """(e,): bools (e, ...) counted over all other axes."""
    return total(np.moveaxis(flags, 0, -1).reshape(-1, flags.shape[0]))


def in_order(values: Floats) -> Floats:
    """Sums over the second axis, added in its order however the array lies in memory."""
    return np.asarray(reduce(np.add, np.moveaxis(values, 1, 0)))


def bits(n_seats: int) -> Bits:
    """The bit of each seat, in the smallest integers that hold a set of them; at most 64 seats."""
    kind = next(kind for kind in (np.uint8, np.uint16, np.uint32, np.uint64) if np.iinfo(kind).bits >= n_seats)
    return np.left_shift(1, np.arange(n_seats, dtype=kind), dtype=kind)


def pulled_by(side: Ints) -> Bits:
    """(t, j, e): the set of those that pulled j in the round, of lanes (t, i, e)."""
    sets = np.zeros(side.shape, dtype=bits(side.shape[1]).dtype)
    for puller, bit in enumerate(bits(side.shape[1])):
        for seat in range(side.shape[1]):
            sets[:, seat] |= (side[:, puller] == seat) * bit
    return sets


def pulls_one_of(side: Ints, sets: Bits) -> Bools:
    """(t, i, e): i made a valid pull, for one of its set (t, i, e)."""
    found = ((side == seat) & ((sets & bit) != 0) for seat, bit in enumerate(bits(side.shape[1])))
    return np.asarray(reduce(np.logical_or, found))


def recent(sets: Bits, *, first: int, stop: int) -> Bits:
    """(t, ...): the union of the sets `first` to `stop` - 1 rounds before t."""
    union = np.zeros_like(sets)
    for lag in range(first, min(stop, sets.shape[0])):
        union[lag:] |= sets[: sets.shape[0] - lag]
    return union
