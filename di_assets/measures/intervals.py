"""Intervals of a mean over episodes. Student's t is primary; the bootstraps are given for comparison.

For n <= 7 a bootstrap enumerates all resamples. For larger n it draws them, with a generator seeded by the data, so
that the same data always give the same interval. For n > 1,000 it is what all resamples together would give: the
quantiles of their Edgeworth expansion up to 1 / sqrt(n) (Hall 1992, The Bootstrap and Edgeworth Expansion, sections 2.4
and 3.3). What this leaves out, of order 1 / n, is less than the error of 10,000 draws. If a few outliers make the mean
itself skewed, resamples are drawn for any n. A degenerate interval is null, and its method gives the reason.

`bench/coverage.py` prints how often each interval covers the truth, and for which data.
"""

import hashlib
import itertools
import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri, stdtr, stdtrit

LEVEL = 0.95
TAILS = (float(ndtri((1 - LEVEL) / 2)), float(ndtri((1 + LEVEL) / 2)))
MOST_ENUMERATED = 7
RESAMPLES = 10_000
# More values than this need no draws, if the skewness of their mean is at most MOST_SKEWED.
MOST_RESAMPLED, MOST_SKEWED = 1_000, 0.1
# Number of values drawn at once.
MOST_CELLS = 1_000_000
# A spread below this share of the largest value is rounding, not variance.
ROUNDING = 1e-12

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """A 95% interval, its method, and its number of independent units. If it has no bounds, `method` says why."""

    low: float | None
    high: float | None
    method: str
    n: int = 0


def t_interval(values: Sequence[float]) -> Interval:
    """Student's t interval of the mean."""
    x = np.sort(np.asarray(values, dtype=float))  # the same data in any order give the same bits
    reason = _degenerate(x)
    if reason:
        return Interval(None, None, reason, len(x))
    half = float(stdtrit(len(x) - 1, 0.5 + LEVEL / 2)) * _standard_error(x)
    return Interval(float(x.mean()) - half, float(x.mean()) + half, "t", len(x))


def t_p(values: Sequence[float]) -> float | None:
    """Two-sided p for a mean of zero, by Student's t; None if there is no interval."""
    x = np.sort(np.asarray(values, dtype=float))
    return None if _degenerate(x) else float(2 * stdtr(len(x) - 1, -abs(float(x.mean())) / _standard_error(x)))


def clustered_t(values: Sequence[float], blocks: Sequence[Hashable]) -> Interval:
    """Interval of the plain mean of values that come in blocks (episodes of one seed). n counts blocks.

    The error is computed from block sums around the mean (Liang & Zeger 1986), with the factor g / (g - 1) for g
    blocks, and Student's t with g - 1 degrees of freedom. With one value per block it equals `t_interval`.
    """
    gathered: dict[Hashable, list[float]] = {}
    for value, block in zip(values, blocks, strict=True):
        gathered.setdefault(block, []).append(value)
    g, mean = len(gathered), math.fsum(values) / max(1, len(values))
    if g < 2:
        return Interval(None, None, "no episode" if g == 0 else "one seed block", g)
    apart = sorted(math.fsum(value - mean for value in block) for block in gathered.values())
    error = math.sqrt(math.fsum(sum_ * sum_ for sum_ in apart) * g / (g - 1)) / len(values)
    if error <= ROUNDING * max(abs(value) for value in values):
        return Interval(None, None, "no variance", g)
    half = float(stdtrit(g - 1, 0.5 + LEVEL / 2)) * error
    return Interval(mean - half, mean + half, "t clustered by seed", g)


def percentile_bootstrap(values: Sequence[float]) -> Interval:
    """Percentile bootstrap of the mean.

    It covers too rarely with few episodes; kept to compare with earlier reports.
    """
    x = np.sort(np.asarray(values, dtype=float))
    reason = _degenerate(x)
    if reason:
        return Interval(None, None, reason, len(x))
    if _in_the_limit(x):
        middle, half, bend = float(x.mean()), _standard_error(x), _skewness(x) / 6
        low, high = (middle + half * (z + bend * (z**2 - 1)) for z in TAILS)
    else:
        means, _, weights = _resampled(x)
        low, high = _quantiles(means, weights)
    return Interval(low, high, f"percentile bootstrap, {_made(x)}", len(x))


def studentized_bootstrap(values: Sequence[float]) -> Interval:
    """Bootstrap-t interval of the mean (Efron & Tibshirani 1993, ch. 12)."""
    x = np.sort(np.asarray(values, dtype=float))
    reason = _degenerate(x)
    if reason:
        return Interval(None, None, reason, len(x))
    if _in_the_limit(x):
        bend = _skewness(x) / 6
        low, high = (z - bend * (2 * z**2 + 1) for z in TAILS)
    else:
        low, high = _studentized_quantiles(x)
    if math.isinf(low) or math.isinf(high):
        return Interval(None, None, "too few distinct episodes", len(x))
    mean, half = float(x.mean()), _standard_error(x)
    return Interval(mean - high * half, mean - low * half, f"studentized bootstrap, {_made(x)}", len(x))


def welch_interval(on: Sequence[float], off: Sequence[float]) -> tuple[Interval, float | None]:
    """Welch's interval of mean(on) - mean(off) and its two-sided p; null if neither side has any spread.

    `n` is the number of units on the smaller side.
    """
    a, b = np.sort(np.asarray(on, dtype=float)), np.sort(np.asarray(off, dtype=float))
    n = min(len(a), len(b))
    if n < 2:
        return Interval(None, None, "no episode" if n == 0 else "one episode", n), None
    va, vb = float(a.var(ddof=1)) / len(a), float(b.var(ddof=1)) / len(b)
    if va + vb == 0:
        return Interval(None, None, "no variance", n), None
    error = math.sqrt(va + vb)
    freedom = (va + vb) ** 2 / (va**2 / (len(a) - 1) + vb**2 / (len(b) - 1))
    gap = float(a.mean() - b.mean())
    half = float(stdtrit(freedom, 0.5 + LEVEL / 2)) * error
    return Interval(gap - half, gap + half, "Welch t", n), float(2 * stdtr(freedom, -abs(gap) / error))


def seeded(values: Sequence[float], name: str) -> np.random.Generator:
    """A generator seeded by these numbers, in any order, and by a name for its purpose."""
    data = np.sort(np.asarray(values, dtype=float)).tobytes()
    return np.random.default_rng(int.from_bytes(hashlib.sha256(name.encode() + data).digest()[:8]))


def _degenerate(x: Floats) -> str | None:
    if len(x) < 2:
        return "no episode" if len(x) == 0 else "one episode"
    return "no variance" if float(np.ptp(x)) <= ROUNDING * float(np.abs(x).max()) else None


def _standard_error(x: Floats) -> float:
    return float(x.std(ddof=1)) / math.sqrt(len(x))


def _made(x: Floats) -> str:
    if _in_the_limit(x):
        return "limit of all draws"
    return "exact" if len(x) <= MOST_ENUMERATED else f"{RESAMPLES:,} draws"


def _in_the_limit(x: Floats) -> bool:
    return len(x) > MOST_RESAMPLED and abs(_skewness(x)) <= MOST_SKEWED


def _skewness(x: Floats) -> float:
    """Skewness of the mean of resamples: that of the values, divided by sqrt(n)."""
    apart = x - x.mean()
    return float((apart**3).mean() / (apart**2).mean() ** 1.5) / math.sqrt(len(x))


def _studentized_quantiles(x: Floats) -> tuple[float, float]:
    """Lower and upper quantile of the resamples' t values; infinite where too many resamples have no spread."""
    means, variances, weights = _resampled(x)
    mean, error = float(x.mean()), np.sqrt(variances / len(x))
    # A resample of one repeated value has no spread, so it lies infinitely far out on its side.
    flat = error < 1e-12 * max(1.0, float(np.abs(x).max()))
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.where(flat, np.sign(means - mean) * np.inf, (means - mean) / error)
    return _quantiles(np.where(np.isnan(t), 0.0, t), weights)


def _resampled(x: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean and variance (n - 1 in the denominator) of each resample, and its probability."""
    n, mean = len(x), float(x.mean())
    means, squares, weights = _moments(x - mean)  # relative to the mean, so that squares stay small
    return means + mean, np.maximum(squares - means**2, 0.0) * n / (n - 1), weights


def _moments(x: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean and mean square of each resample, and its probability. All resamples for up to 7 values, else drawn ones."""
    n = len(x)
    if n <= MOST_ENUMERATED:
        counts, weights = _every_resample(n)
        return counts @ x / n, counts @ x**2 / n, weights
    rng, weights = seeded(x.tolist(), "bootstrap"), np.full(RESAMPLES, 1 / RESAMPLES)
    distinct, held = np.unique(x, return_counts=True)
    if len(distinct) < n / 4:  # for example points, which are integers: only the number of occurrences of each matters
        counts = rng.multinomial(n, held / n, size=RESAMPLES).astype(float)
        return counts @ distinct / n, counts @ distinct**2 / n, weights
    means, squares, step = np.empty(RESAMPLES), np.empty(RESAMPLES), max(1, MOST_CELLS // n)
    for start in range(0, RESAMPLES, step):
        drawn = x[rng.integers(n, size=(min(step, RESAMPLES - start), n))]
        means[start : start + step] = drawn.mean(axis=1)
        squares[start : start + step] = np.einsum("rn,rn->r", drawn, drawn) / n
    return means, squares, weights


@lru_cache(maxsize=MOST_ENUMERATED)
def _every_resample(n: int) -> tuple[Floats, Floats]:
    """How often each of n values occurs in each resample (resamples x n), and each resample's probability."""
    counts = [np.bincount(picked, minlength=n) for picked in itertools.combinations_with_replacement(range(n), n)]
    ways = [math.factorial(n) / math.prod(math.factorial(c) for c in row) / n**n for row in counts]
    return np.array(counts, dtype=float), np.array(ways)


def _quantiles(values: Floats, weights: Floats) -> tuple[float, float]:
    """Lower and upper bound: the smallest value such that at least that share of the weight is at or below it."""
    order = np.argsort(values, kind="stable")
    cumulated = np.cumsum(weights[order])
    tail = (1 - LEVEL) / 2
    at = [int(np.searchsorted(cumulated, share - 1e-12)) for share in (tail, 1 - tail)]
    return float(values[order][at[0]]), float(values[order][min(at[1], len(values) - 1)])
