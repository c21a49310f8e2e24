"""How many matched pairs a lift needs: for an interval of a wanted width, and for a wanted power to detect an effect.

Both assume a paired t test over all planned pairs. Looks before the end reduce power only a little (see `sequential`).
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit
from statsmodels.stats.power import TTestPower

from di_assets.measures.intervals import LEVEL

# The fewest episodes whose standard deviation is used. With four, it is less than half the true one in 1 of 7 cases.
LEAST_EPISODES = 5
# Assumed correlation of on and off if no pair is played yet: none, to be careful. In the demo it is 0.34 to 0.74.
ASSUMED_CORRELATION = 0.0
# Standard deviation if nothing is played yet, points: the largest of the demo's five agents.
PRIOR_SD = 10.2
# More pairs than anyone will play.
MOST_PAIRS = 10_000
PAIRS, ON, PRIOR = "pairs", "episodes on", "prior"
SPREADS = {
    ON: f"{ON}: messages off taken to vary as much, and to be correlated with them by {ASSUMED_CORRELATION:g}",
    PRIOR: f"{PRIOR}: nothing is played yet; the widest of the demo's scripted agents",
}
"""What is assumed about a spread, by the word its basis ends with."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Standard deviation of pair differences, points, and where it comes from."""

    sd: float
    basis: str


@dataclass(frozen=True, slots=True)
class PairPlan:
    """The matched pairs that one model needs.

    Attributes:
        spread: the assumed standard deviation.
        for_precision: pairs for the wanted half-width; None if none is wanted, or if it needs more than MOST_PAIRS.
        for_power: pairs for the wanted power; None likewise.
        alpha: two-sided level for which power is computed.
    """

    spread: Spread
    for_precision: int | None
    for_power: int | None
    alpha: float


def spread_of(gaps: Sequence[float], points: Sequence[float]) -> Spread:
    """The best available guess at the standard deviation of pair differences.

    It is that of the pairs played so far. If there are too few: it is computed from the points in the mirrored arm, on
    the assumption that the control varies as much and that the two correlate by ASSUMED_CORRELATION: sd sqrt(2 (1 -
    r)). If there are too few of these: PRIOR_SD. Values that do not vary are ignored.

    Args:
        gaps: points on minus off of the model's pairs.
        points: its points in the mirrored arm, independent episodes.
    """
    if (sd := _sd(gaps)) is not None:
        return Spread(sd, f"{len(gaps)} {PAIRS}")
    if (sd := _sd(points)) is not None:
        return Spread(sd * math.sqrt(2 * (1 - ASSUMED_CORRELATION)), f"{len(points)} {ON}")
    return Spread(PRIOR_SD, PRIOR)


def pair_plan(
    spread: Spread, *, precision: float | None, effect: float | None, power: float | None, comparisons: int
) -> PairPlan:
    """Pairs for a half-width of `precision` points, and for `power` to detect `effect` at 5% over all comparisons.

    `effect` is in points. Power is computed with Bonferroni's correction for the arm's models; Holm's never needs more
    pairs. The interval is each model's own 95% interval.
    """
    alpha = round(1 - LEVEL, 12) / comparisons
    return PairPlan(
        spread=spread,
        for_precision=pairs_for_precision(precision, sd=spread.sd) if precision is not None else None,
        for_power=pairs_for_power(effect, sd=spread.sd, power=power, alpha=alpha)
        if power is not None and effect is not None
        else None,
        alpha=alpha,
    )


def pairs_for_precision(half_width: float, *, sd: float) -> int | None:
    """The fewest pairs, at least two, whose 95% paired t interval is at most `half_width` per side for this sd."""

    def enough(n: int) -> bool:
        return float(stdtrit(n - 1, 0.5 + LEVEL / 2)) * sd / math.sqrt(n) <= half_width

    return _fewest(enough)


def pairs_for_power(effect: float, *, sd: float, power: float, alpha: float) -> int | None:
    """The fewest pairs, at least two, with which a two-sided paired t test detects `effect` with probability `power`.

    Exact, by the noncentral t distribution.
    """
    test = TTestPower()

    def enough(n: int) -> bool:
        # The library returns NaN if the probability is 1 except for rounding, so NaN counts as enough.
        return not float(test.power(abs(effect) / sd, n, alpha, alternative="two-sided")) < power

    return _fewest(enough)


def _sd(values: Sequence[float]) -> float | None:
    """The standard deviation; None if there are too few values, or if they do not vary."""
    sd = float(np.std(np.sort(values), ddof=1)) if len(values) >= LEAST_EPISODES else 0.0
    return sd if sd > 0 else None


def _fewest(enough: Callable[[int], bool]) -> int | None:
    """The smallest n >= 2 that is enough, if every larger one is too; None if it is more than MOST_PAIRS."""
    if not enough(MOST_PAIRS):
        return None
    return bisect_left(range(MOST_PAIRS), True, lo=2, key=enough)
