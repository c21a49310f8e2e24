"""How many matched pairs a lift needs: for an interval of a wanted width, and for a wanted power against an effect.

Both are of the paired t over all planned pairs. Looks on the way cost little of it (see `sequential`).
"""

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit
from statsmodels.stats.power import TTestPower

from di_assets.measures.intervals import LEVEL

# Fewest episodes whose standard deviation is taken: that of four is less than half the truth one time in seven.
LEAST_EPISODES = 5
# Correlation of on with off where no pair is played yet: none, the careful side. In the demo it is 0.34 to 0.74.
ASSUMED_CORRELATION = 0.0
# Standard deviation where nothing is played yet, points: the widest of the demo's five agents.
PRIOR_SD = 10.2
# More than anyone will play.
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
    """Matched pairs that one model needs.

    Attributes:
        spread: what is assumed of the pairs.
        for_precision: pairs for the wanted half-width; None where none is wanted, or it takes more than MOST_PAIRS.
        for_power: pairs for the wanted power; likewise.
        alpha: two-sided level that power is reckoned at.
    """

    spread: Spread
    for_precision: int | None
    for_power: int | None
    alpha: float


def spread_of(gaps: Sequence[float], points: Sequence[float]) -> Spread:
    """The best guess there is at the standard deviation of pair differences.

    That of the pairs played so far; else of the mirrored arm's points, the control's taken to vary as much and to be
    correlated by ASSUMED_CORRELATION: sd sqrt(2 (1 - r)); else PRIOR_SD. What does not vary tells nothing and is passed
    over.

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
    """Pairs for a half-width of `precision` points, and for `power` against `effect` points at 5% over all comparisons.

    Power pays for the arm's models by Bonferroni, of which Holm never asks more; the interval is each model's own 95%.
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
    """Fewest pairs, two or more, whose 95% paired t interval is at most `half_width` a side if they vary as planned."""

    def enough(n: int) -> bool:
        return float(stdtrit(n - 1, 0.5 + LEVEL / 2)) * sd / math.sqrt(n) <= half_width

    return _fewest(enough)


def pairs_for_power(effect: float, *, sd: float, power: float, alpha: float) -> int | None:
    """Fewest pairs, two or more, with which a two-sided paired t test finds `effect` with chance `power`.

    Exact by the noncentral t distribution.
    """
    test = TTestPower()

    def enough(n: int) -> bool:
        # The library's noncentral t is not a number where the chance is 1 but for rounding: that is not less either.
        return not float(test.power(abs(effect) / sd, n, alpha, alternative="two-sided")) < power

    return _fewest(enough)


def _sd(values: Sequence[float]) -> float | None:
    """None where there are too few, or where they do not vary."""
    sd = float(np.std(np.sort(values), ddof=1)) if len(values) >= LEAST_EPISODES else 0.0
    return sd if sd > 0 else None


def _fewest(enough: Callable[[int], bool]) -> int | None:
    """The least n >= 2 that is enough, where every larger one is too; None beyond MOST_PAIRS."""
    if not enough(MOST_PAIRS):
        return None
    return bisect_left(range(MOST_PAIRS), True, lo=2, key=enough)
