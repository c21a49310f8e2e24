"""Compares an observed mean with the means that a null model gives for the same number of independent episodes.

A null is an array of equally likely means. For few episodes they are drawn. For more than MOST_DRAWN episodes the mean
is practically normal, and the array holds the quantiles of that normal, so the work does not grow with the episodes.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtri

from di_assets.measures.dense import Floats

# Number of means in an array; the largest number of independent episodes for which they are drawn.
MEANS, MOST_DRAWN = 10_000, 1_000
CLOSE = 1e-12


@dataclass(frozen=True, slots=True)
class Held:
    """An observed mean compared with a null. Without a defined value, or without a null, all but n is None.

    Attributes:
        n: number of independent episodes with a defined value.
        observed_mean: the mean over them.
        null_mean: mean of the null's means.
        null_low: 2.5% point of the null's means.
        null_high: 97.5% point of the null's means.
        null_place: share of the null's means below the observed mean, with ties counted half (mid-rank), in [0, 1].
        p_value: two-sided: twice the smaller tail, including the observed mean; never 0.
    """

    n: int
    observed_mean: float | None
    null_mean: float | None
    null_low: float | None
    null_high: float | None
    null_place: float | None
    p_value: float | None


def held_against(observed: Floats, null: Floats) -> Held:
    """Compares values of independent episodes (NaN: undefined) with the null's means of as many episodes."""
    values = observed[~np.isnan(observed)]
    if len(values) == 0 or len(null) == 0:
        return Held(len(values), None, None, None, None, None, None)
    mean = float(values.mean())
    low, high = (float(q) for q in np.quantile(null, (0.025, 0.975)))
    above, below = int((null > mean + CLOSE).sum()), int((null < mean - CLOSE).sum())
    equal = len(null) - above - below
    return Held(
        n=len(values),
        observed_mean=mean,
        null_mean=float(null.mean()),
        null_low=low,
        null_high=high,
        null_place=(below + equal / 2) / len(null),
        p_value=min(1.0, 2 * (1 + min(above, below) + equal) / (1 + len(null))),
    )


def means_of_draws(pool: Floats, *, n: int, rng: np.random.Generator) -> Floats:
    """Means of n values drawn from a pool of simulated ones (NaN: undefined); empty if the pool is empty.

    For more than MOST_DRAWN values, the error of the pool itself is no longer small and is added: variance / n +
    variance / pool.
    """
    values = pool[~np.isnan(pool)]
    if n == 0 or len(values) == 0:
        return np.array([])
    if n > MOST_DRAWN:
        return _normal(float(values.mean()), float(values.std()) * np.sqrt(1 / n + 1 / len(values)))
    means = np.zeros(MEANS)
    for _ in range(n):
        means += values[rng.integers(len(values), size=MEANS)]
    return means / n


def means_of_shuffles(shuffled: Floats) -> Floats:
    """Means over episodes for each shuffle, from values (n, shuffles). Empty if no value is defined.

    For an episode, either all values are defined or none. For more than MOST_DRAWN episodes, the means are computed
    from each episode's mean and variance over k shuffles, and the error of those means is added: a factor of 1 + 1 / k.
    """
    values = shuffled[~np.isnan(shuffled).any(axis=1)]
    n, k = values.shape
    if n == 0:
        return np.array([])
    if n <= MOST_DRAWN:
        return np.asarray(values.mean(axis=0))
    variance = float(values.var(axis=1, ddof=1).sum()) / n**2
    return _normal(float(values.mean()), np.sqrt(variance * (1 + 1 / k)))


def _normal(mean: float, deviation: float) -> Floats:
    return np.asarray(mean + deviation * ndtri((np.arange(MEANS) + 0.5) / MEANS))
