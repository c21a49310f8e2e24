"""Intervals of a mean over episodes. Student's t is primary; the bootstraps stand beside it.

With n <= 7 a bootstrap is enumerated exactly; beyond that it is drawn, from a stream seeded by the data themselves, so
that the same data always give the same interval. A degenerate interval is null with the reason in its method.
"""

import hashlib
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr, stdtrit

LEVEL = 0.95
MOST_ENUMERATED = 7
RESAMPLES = 10_000

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95% interval and how it was made; without bounds, `method` is why there are none."""

    low: float | None
    high: float | None
    method: str


def t_interval(values: Sequence[float]) -> Interval:
    """Student's t interval of the mean."""
    x = np.sort(np.asarray(values, dtype=float))  # the same data in any order give the same bits
    reason = _degenerate(x)
    if reason:
        return Interval(None, None, reason)
    half = float(stdtrit(len(x) - 1, 0.5 + LEVEL / 2)) * _standard_error(x)
    return Interval(float(x.mean()) - half, float(x.mean()) + half, "t")


def percentile_bootstrap(values: Sequence[float]) -> Interval:
    """Percentile bootstrap of the mean: undercovers at few episodes, kept for comparison with what was published."""
    x = np.sort(np.asarray(values, dtype=float))
    reason = _degenerate(x)
    if reason:
        return Interval(None, None, reason)
    counts, weights = _resamples(x)
    low, high = _quantiles(counts @ x / len(x), weights)
    return Interval(low, high, f"percentile bootstrap, {_made(x)}")


def studentized_bootstrap(values: Sequence[float]) -> Interval:
    """Bootstrap-t interval of the mean (Efron & Tibshirani 1993, ch. 12)."""
    x = np.sort(np.asarray(values, dtype=float))
    reason = _degenerate(x)
    if reason:
        return Interval(None, None, reason)
    counts, weights = _resamples(x)
    n, mean = len(x), float(x.mean())
    means = counts @ x / n
    variance = np.maximum(counts @ (x - mean) ** 2 / n - (means - mean) ** 2, 0.0) * n / (n - 1)
    error = np.sqrt(variance / n)
    # A resample of one value repeated has no spread: infinitely far out on its side.
    flat = error < 1e-12 * max(1.0, float(np.abs(x).max()))
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(flat, np.sign(means - mean) * np.inf, (means - mean) / error)
    low, high = _quantiles(np.where(np.isnan(t), 0.0, t), weights)
    if math.isinf(low) or math.isinf(high):
        return Interval(None, None, "too few distinct episodes")
    half = _standard_error(x)
    return Interval(mean - high * half, mean - low * half, f"studentized bootstrap, {_made(x)}")


def welch_interval(on: Sequence[float], off: Sequence[float]) -> tuple[Interval, float | None]:
    """Welch's interval of mean(on) - mean(off) and its two-sided p; null where either has no spread to speak of."""
    a, b = np.asarray(on, dtype=float), np.asarray(off, dtype=float)
    if min(len(a), len(b)) < 2:
        return Interval(None, None, "one episode"), None
    va, vb = float(a.var(ddof=1)) / len(a), float(b.var(ddof=1)) / len(b)
    if va + vb == 0:
        return Interval(None, None, "no variance"), None
    error = math.sqrt(va + vb)
    freedom = (va + vb) ** 2 / (va**2 / (len(a) - 1) + vb**2 / (len(b) - 1))
    gap = float(a.mean() - b.mean())
    half = float(stdtrit(freedom, 0.5 + LEVEL / 2)) * error
    return Interval(gap - half, gap + half, "Welch t"), float(2 * stdtr(freedom, -abs(gap) / error))


def seeded(values: Sequence[float], name: str) -> np.random.Generator:
    """A generator seeded by these numbers, in any order, and by what it is for."""
    data = np.sort(np.asarray(values, dtype=float)).tobytes()
    return np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode() + data).digest()[:8]))


def _degenerate(x: Floats) -> str | None:
    if len(x) < 2:
        return "no episode" if len(x) == 0 else "one episode"
    return "no variance" if float(x.min()) == float(x.max()) else None


def _standard_error(x: Floats) -> float:
    return float(x.std(ddof=1)) / math.sqrt(len(x))


def _made(x: Floats) -> str:
    return "exact" if len(x) <= MOST_ENUMERATED else f"{RESAMPLES:,} draws"


def _resamples(x: Floats) -> tuple[Floats, Floats]:
    """How often each value occurs in each resample (resamples x n), and each resample's probability."""
    n = len(x)
    if n > MOST_ENUMERATED:
        drawn = seeded(x.tolist(), "bootstrap").multinomial(n, [1 / n] * n, size=RESAMPLES)
        return drawn.astype(float), np.full(RESAMPLES, 1 / RESAMPLES)
    counts = [np.bincount(picked, minlength=n) for picked in itertools.combinations_with_replacement(range(n), n)]
    ways = [math.factorial(n) / math.prod(math.factorial(c) for c in row) / n**n for row in counts]
    return np.array(counts, dtype=float), np.array(ways)


def _quantiles(values: Floats, weights: Floats) -> tuple[float, float]:
    """Lower and upper bound: the smallest value that at least that share of the weight does not exceed."""
    order = np.argsort(values, kind="stable")
    cumulated = np.cumsum(weights[order])
    tail = (1 - LEVEL) / 2
    at = [int(np.searchsorted(cumulated, share - 1e-12)) for share in (tail, 1 - tail)]
    return float(values[order][at[0]]), float(values[order][min(at[1], len(values) - 1)])
