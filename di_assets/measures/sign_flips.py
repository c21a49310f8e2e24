"""The sign-flip test of matched pairs: how often random signs take the sum of the gaps as far from 0 as it is.

Up to MOST_ENUMERATED pairs the flips are enumerated. Points are whole numbers, so gaps are multiples of 1 / d for a
small d, and the test is exact for any number of pairs: the sum of the gaps that keep their sign has a distribution on
whole numbers, which is found from its Fourier transform. For other gaps flips are drawn.
"""

import itertools
import math
from collections.abc import Sequence

import numpy as np
import scipy  # scipy.optimize is loaded at its first use, because the import takes half a second
from numpy.typing import NDArray
from scipy.special import expit

from di_assets.measures.intervals import Floats, seeded

MOST_ENUMERATED = 20
FLIPS = 100_000
# Gaps are tried as multiples of 1 / d for these d; a mean of up to 10 whole numbers is a multiple of 1 / 2520.
DENOMINATORS = (1, 2, 3, 4, 6, 12, 60, 420, 2520)
# Most points of a Fourier transform. 25,000 gaps of 100 need 150,000.
MOST_POINTS = 2**22
# A p that is smaller than any ordinary float is this one.
LEAST = float(np.finfo(float).tiny)
# Mass outside the window of the transform, and factors of a transform that count as 0: both far below rounding.
OUTSIDE, NOTHING = 1e-20, -46.0

# The signs that each value of a byte stands for.
_BYTE_SIGNS = 2.0 * np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1) - 1

Whole = NDArray[np.int64]


def sign_flip_p(gaps: Sequence[float]) -> float:
    """Two-sided p of no lift, in (0, 1]: the share of sign flips whose sum is at least as far from 0 as observed.

    Exact up to MOST_ENUMERATED gaps, and for more gaps that are multiples of 1 / d for a small d (to a relative 1e-9).
    For other gaps FLIPS flips are drawn, and the result is (1 + far) / (1 + FLIPS).
    """
    x = np.asarray(gaps, dtype=float)
    if len(x) <= MOST_ENUMERATED:
        return _enumerated(x)
    whole = _as_whole(x)
    p = None if whole is None else _transformed(whole)
    return _drawn(x) if p is None else max(p, LEAST)


def _least(x: Floats) -> float:
    """A sum counts as far from 0 as observed if it is at least this; rounding is allowed for."""
    return abs(float(x.sum())) - 1e-9 * float(np.abs(x).sum())


def _enumerated(x: Floats) -> float:
    observed, half = _least(x), len(x) // 2
    first, second = (_signed_sums(part) for part in (x[:half], x[half:]))
    far = sum(int((np.abs(first + one) >= observed).sum()) for one in second)
    return far / float(2 ** len(x))


def _signed_sums(x: Floats) -> Floats:
    signs = np.array(list(itertools.product((-1.0, 1.0), repeat=len(x)))).reshape(2 ** len(x), len(x))
    return np.asarray(signs @ x)


def _as_whole(x: Floats) -> Whole | None:
    """The gaps times their common denominator, divided by their greatest common divisor; None if there is none."""
    for denominator in DENOMINATORS:
        scaled = x * denominator
        whole = np.rint(scaled)
        if (np.abs(scaled - whole) <= 1e-7).all():
            found = whole.astype(np.int64)
            return np.asarray(found // max(1, int(np.gcd.reduce(found))))
    return None


def _transformed(gaps: Whole) -> float | None:
    """The exact p of whole-number gaps; None if the transform would have more than MOST_POINTS points.

    Let A be the sum of the absolute gaps that get a minus sign. The sum after a flip is total - 2 A, and by symmetry
    p = 2 P(A <= a), where a belongs to the observed sum. A small p would be lost in the rounding of a transform.
    Therefore the distribution is tilted: P(A = k) is proportional to exp(tilt k) times the probability of k when each
    gap w gets its sign with probability 1 / (1 + exp(tilt w)). The tilt makes a the mean of that distribution.
    """
    weights, counts = np.unique(np.abs(gaps[gaps != 0]), return_counts=True)
    total = int(weights @ counts)
    most = (total - abs(int(gaps.sum()))) // 2
    if 2 * most >= total:
        return 1.0
    if most == 0:
        return float(2.0 ** (1 - int(counts.sum())))
    # By Hoeffding's inequality, at most OUTSIDE of the mass is further than this from the mean.
    reach = math.sqrt(-math.log(OUTSIDE) / 2 * float(weights**2 @ counts))
    points = min(total + 1, 2 * math.ceil(reach))
    if points > MOST_POINTS:
        return None
    tilt = scipy.optimize.brentq(
        lambda s: float((counts * weights) @ expit(-s * weights)) - most, 0.0, _steepest(weights)
    )
    mass = _probabilities(weights, counts, tilt, points)
    below = np.arange(min(most, points - 1) + 1)
    tail = float(np.exp(-tilt * below) @ np.maximum(mass[(most - below) % points], 0.0))
    # The logarithm of E exp(-tilt A), then of exp(tilt a).
    scale = float(counts @ (np.logaddexp(0.0, -tilt * weights) - math.log(2))) + tilt * most
    return min(1.0, 2 * math.exp(scale) * tail)


def _steepest(weights: Whole) -> float:
    """A tilt at which the mean of A is below 1, for fewer than e^50 gaps."""
    return (50.0 + math.log(float(weights.max()) + 1.0)) / float(weights.min())


def _probabilities(weights: Whole, counts: Whole, tilt: float, points: int) -> Floats:
    """The distribution of A under the tilt, on the whole numbers modulo `points`."""
    at, size, chances = np.arange(points // 2 + 1), np.zeros(points // 2 + 1), expit(-tilt * weights)
    # Few frequencies matter when there are many gaps: the most frequent gaps strike out the others first.
    for w, n, chance in sorted(zip(weights, counts, chances, strict=True), key=lambda one: -one[1]):
        angles = 2 * np.pi / points * (w * at % points)
        size += n / 2 * np.log(np.maximum(1 - 2 * chance * (1 - chance) * (1 - np.cos(angles)), 1e-300))
        kept = size > NOTHING
        at, size = at[kept], size[kept]
    phase = np.zeros(len(at))
    for w, n, chance in zip(weights, counts, chances, strict=True):
        angles = 2 * np.pi / points * (w * at % points)
        phase -= n * np.arctan2(chance * np.sin(angles), 1 - chance + chance * np.cos(angles))
    transform = np.zeros(points // 2 + 1, dtype=complex)
    transform[at] = np.exp(size + 1j * phase)
    return np.fft.irfft(transform, points)


def _drawn(x: Floats) -> float:
    """Draws FLIPS flips. Eight signs are one random byte, and the 256 sums that they may give are looked up."""
    rng, sums = seeded(x.tolist(), "sign flips"), np.zeros(FLIPS)
    for eight in np.pad(x, (0, -len(x) % 8)).reshape(-1, 8):
        sums += (_BYTE_SIGNS @ eight)[rng.integers(256, size=FLIPS, dtype=np.uint8)]
    return (1 + int((np.abs(sums) >= _least(x)).sum())) / (1 + FLIPS)
