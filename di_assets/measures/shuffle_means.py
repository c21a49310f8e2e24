"""Means of measures over all orders of an episode's rounds, in closed form.

Each puller's rounds are permuted by themselves, all orders being equally likely. Rounds of different pullers are then
independent, and one puller's are drawn without replacement. `given` is (e, i, j), the pulls that i made for j.
"""

from functools import reduce

import numpy as np

from di_assets.measures.dense import Bools, Floats, Ints
from di_assets.measures.layout import in_order


def mean_paybacks(given: Floats, n_rounds: int, *, window: int) -> Floats:
    """(e,): the mean number of pulls for a seat that pulled the puller in one of the `window` rounds before."""
    counts = np.arange(n_rounds + 1)
    # By number of pulls for i: the chance that none of the last 0, 1, 2, ... rounds has one; summed over rounds.
    none, owed = np.ones(n_rounds + 1), np.zeros(n_rounds + 1)
    for before in range(n_rounds):
        owed += 1 - none
        if before < window:
            none = none * np.maximum(n_rounds - counts - before, 0) / (n_rounds - before)
    return in_order(in_order(given * owed[given.swapaxes(1, 2).astype(np.int64)])) / n_rounds


def mean_cascades(given: Floats, adjacent: Bools, n_rounds: int) -> Floats:
    """(e,): the mean number of cascades.

    The numbers of pullers that a seat has in a round and in the round after are added up puller by puller. States are
    [number before][number after] x (e, seat); numbers from the largest majority up are one state.
    """
    majority = np.maximum(2, adjacent.sum(axis=2) // 2 + 1)
    most = int(majority.max(initial=2))
    states = np.zeros((most + 1, most + 1, *majority.shape))
    states[0, 0] = 1.0
    one = given / n_rounds
    both = one * np.maximum(given - 1, 0) / max(1, n_rounds - 1)
    for single, double in zip(one.swapaxes(0, 1), both.swapaxes(0, 1), strict=True):
        before, after = _one_more(states, 0), _one_more(states, 1)
        moved = (single - double) * (before + after) + double * _one_more(before, 1)
        states = (1 - 2 * single + double) * states + moved
    reached = np.arange(most + 1)[:, None, None] >= majority
    after = reduce(np.add, reduce(np.add, states) * reached)
    begun = reduce(np.add, reduce(np.add, states * ~reached[:, None]) * reached)
    return in_order(after + (n_rounds - 1) * begun)


def _one_more(states: Floats, axis: int) -> Floats:
    """The states with one puller more along this axis; the last state holds all numbers from it up."""
    moved = np.roll(states, 1, axis=axis)
    first, last = (np.moveaxis(moved, axis, 0)[at] for at in (0, -1))
    last += first
    first[...] = 0.0
    return moved


def mean_floor_points(given: Floats, adjacent: Bools, n_rounds: int, seats: Ints) -> Floats:
    """(e,): the mean floor points of one seat per episode.

    A seat's share of i's next pull is 1 / (1 + M) if it pulled i and M others did too. The mean of 1 / (1 + M) is the
    integral of E s^M over s in [0, 1], a polynomial of degree N - 2, which Gauss-Legendre nodes integrate exactly.
    """
    every, n_seats = np.arange(len(given)), given.shape[1]
    chance = given / n_rounds
    own = chance[every, seats]  # (e, i): that the seat pulls i
    others = chance.copy()
    others[every, seats] = 0.0
    nodes, weights = np.polynomial.legendre.leggauss(max(1, n_seats // 2))
    share = own * reduce(
        np.add, (w / 2 * _product(1 - others * (1 - s)) for s, w in zip((nodes + 1) / 2, weights, strict=True))
    )
    even = adjacent[every, :, seats] / np.maximum(adjacent.sum(axis=2), 1)
    made = given.sum(axis=2) / n_rounds
    return in_order(made * (even + (n_rounds - 1) * (share + _product(1 - chance) * even)))


def _product(values: Floats) -> Floats:
    """Products over the second axis, in order, so that they have the same bits for every memory layout."""
    return np.asarray(reduce(np.multiply, values.swapaxes(0, 1)))
