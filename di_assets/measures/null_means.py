"""Compares an observed mean with the means that a null model gives for the same number of independent episodes.

A null is an array of equally likely means. For few episodes they are drawn. For many the array holds the quantiles of
their limit, a normal bent by the skewness of the mean (Cornish & Fisher 1938), so the work does not grow with the
episodes.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from di_assets.measures.dense import Floats

# Number of means in an array. At MOST_DRAWN episodes the limit is off by less than the error of a pool of 10,000.
MEANS, MOST_DRAWN = 10_000, 100
CLOSE = 1e-12


@dataclass(frozen=True, slots=True)
class Null:
    """Means of as many independent episodes as observed, under a null model.

    Attributes:
        means: equally likely means; empty if no episode has a defined value.
        mean: their expectation, from all that is known of it.
        error: standard error of `mean`, because the null was simulated; 0 if it is exact.
    """

    means: Floats
    mean: float
    error: float


NO_NULL = Null(np.array([]), np.nan, np.nan)


@dataclass(frozen=True, slots=True)
class Held:
    """An observed mean compared with a null. Without a defined value, or without a null, all but n is None.

    Attributes:
        n: number of independent episodes with a defined value.
        observed_mean: the mean over them.
        null_mean: mean of the null's means.
        null_error: standard error of null_mean.
        null_low: 2.5% point of the null's means.
        null_high: 97.5% point of the null's means.
        null_place: share of the null's means below the observed mean, with ties counted half (mid-rank), in [0, 1].
        p_value: two-sided: twice the smaller tail, including the observed mean; never 0.
    """

    n: int
    observed_mean: float | None
    null_mean: float | None
    null_error: float | None
    null_low: float | None
    null_high: float | None
    null_place: float | None
    p_value: float | None


def held_against(observed: Floats, null: Null) -> Held:
    """Compares values of independent episodes (NaN: undefined) with the null's means of as many episodes."""
    values, means = observed[~np.isnan(observed)], null.means
    if len(values) == 0 or len(means) == 0:
        return Held(len(values), None, None, None, None, None, None, None)
    mean = float(values.mean())
    low, high = (float(q) for q in np.quantile(means, (0.025, 0.975)))
    above, below = int((means > mean + CLOSE).sum()), int((means < mean - CLOSE).sum())
    equal = len(means) - above - below
    return Held(
        n=len(values),
        observed_mean=mean,
        null_mean=null.mean,
        null_error=null.error,
        null_low=low,
        null_high=high,
        null_place=(below + equal / 2) / len(means),
        p_value=min(1.0, 2 * (1 + min(above, below) + equal) / (1 + len(means))),
    )


def means_of_draws(pool: Floats, *, n: int, rng: np.random.Generator) -> Null:
    """Means of n values drawn from a pool of simulated ones (NaN: undefined); `NO_NULL` if the pool is empty.

    For more than MOST_DRAWN values, the error of the pool itself is no longer small and is added: variance / n +
    variance / pool.
    """
    values = pool[~np.isnan(pool)]
    if n == 0 or len(values) == 0:
        return NO_NULL
    mean, deviation = float(values.mean()), float(values.std())
    error = deviation / np.sqrt(len(values))
    if n > MOST_DRAWN:
        third = float(((values - mean) ** 3).mean())
        return Null(_limit(mean, deviation**2 / n + error**2, third / n**2), mean, error)
    means = np.zeros(MEANS)
    for _ in range(n):
        means += values[rng.integers(len(values), size=MEANS)]
    return Null(means / n, mean, error)


def means_of_shuffles(expected: Floats, shuffled: Sequence[Floats], *, enough: int) -> Null:
    """Means over episodes for each shuffle; `NO_NULL` without episodes.

    If each episode has the same number of shuffles, and at least `enough`, there is one mean per shuffle. Otherwise the
    means are those of the limit: variance and third moment are added up over the episodes, around the exact mean of
    each.

    Args:
        expected: (n,) the exact mean of each episode over all shuffles.
        shuffled: the values as arrays (some episodes, their shuffles), together all n episodes in order.
        enough: number of shuffles that show the shape of the null.
    """
    n = len(expected)
    if n == 0:
        return NO_NULL
    mean = float(expected.mean())
    if len(shuffled) == 1 and shuffled[0].shape[1] >= enough:
        return Null(np.asarray(shuffled[0].mean(axis=0)), mean, 0.0)
    around = np.cumsum([0, *(len(part) for part in shuffled)])
    apart = [part - expected[start : start + len(part), None] for start, part in zip(around, shuffled, strict=False)]
    second, third = (sum(float((part**power).mean(axis=1).sum()) / n**power for part in apart) for power in (2, 3))
    return Null(_limit(mean, second, third), mean, 0.0)


def _limit(mean: float, variance: float, third: float) -> Floats:
    """Quantiles of a mean with this expectation, variance and third central moment."""
    z = ndtri((np.arange(MEANS) + 0.5) / MEANS)
    bend = third / (6 * variance**1.5) if variance > 0 else 0.0
    return np.asarray(mean + np.sqrt(variance) * (z + bend * (z**2 - 1)))
