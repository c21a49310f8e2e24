"""Alpha spending: critical values for several looks at growing data that limit the error of all looks together.

For the mean of normal data, by the recursion of Armitage, McPherson & Rowe (1969, JRSS A 132:235). The times of the
looks need not be known in advance, only how much alpha may be spent by each (Lan & DeMets 1983, Biometrika 70:659).
"""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
import scipy  # scipy.optimize is loaded at its first use, because the import takes half a second
from scipy.special import ndtr, ndtri

from di_assets.measures.intervals import Floats

# A look that may spend less than this spends nothing and leaves it to later looks, so no claim rests on so thin a tail.
LEAST_SPENT = 1e-10
# Paths further out than this many standard deviations are ignored.
FAR = 8.5

Spending = Callable[[float, float], float]
"""Fraction of the planned pairs, total two-sided alpha -> alpha spent by then."""


def obrien_fleming(fraction: float, alpha: float) -> float:
    """Spends little early: 4 (1 - Phi(z / sqrt(fraction))), z the upper alpha / 4 point (half of alpha per side)."""
    return 0.0 if fraction <= 0 else float(4 * ndtr(ndtri(alpha / 4) / math.sqrt(fraction)))


@lru_cache(maxsize=4096)
def boundaries(information: tuple[float, ...], spent: tuple[float, ...]) -> tuple[float, ...]:
    """Critical |z| of each look: without an effect, |z| has reached one of them by look k with probability `spent[k]`.

    Solved look by look. The density of the paths that have not stopped is computed by Gauss-Legendre quadrature
    (Armitage, McPherson & Rowe 1969). Infinite for a look that has less than LEAST_SPENT to spend.

    Args:
        information: at each look, strictly increasing, in any unit (pairs).
        spent: total alpha spent by each look, not decreasing.
    """
    found, used = [], 0.0
    paths = _Paths(information)
    for total, allowed in zip(information, spent, strict=True):
        bound = math.inf
        if allowed - used >= LEAST_SPENT:
            far = paths.furthest + 9 * paths.step
            bound = float(scipy.optimize.brentq(lambda b, due=allowed - used: paths.crossing(b) - due, 0.0, far))
            used = allowed
        found.append(bound / math.sqrt(total))
        paths.go_on(bound)
    return tuple(found)


def crossing(information: Sequence[float], bounds: Sequence[float]) -> list[float]:
    """For each look k, the probability, without an effect, that |z| has reached bounds[j] at some look j <= k."""
    chances, paths = [0.0], _Paths(information)
    for total, bound in zip(information, bounds, strict=True):
        chances.append(chances[-1] + paths.crossing(bound * math.sqrt(total)))
        paths.go_on(bound * math.sqrt(total))
    return chances[1:]


class _Paths:
    """Density of a random walk without drift, over the paths that no look has stopped; in units of the score."""

    def __init__(self, information: Sequence[float]) -> None:
        self._steps = np.sqrt(np.diff(np.asarray(information, dtype=float), prepend=0.0)).tolist()
        self._look, self._total = 0, 0.0
        self._at, self._mass = np.zeros(1), np.ones(1)

    @property
    def step(self) -> float:
        """Standard deviation of the step to the next look."""
        return float(self._steps[self._look])

    @property
    def furthest(self) -> float:
        """The furthest point that is computed."""
        return float(np.abs(self._at).max())

    def crossing(self, bound: float) -> float:
        """The probability of reaching +-bound or beyond at the next look, without having stopped before."""
        away = ndtr((self._at - bound) / self.step) + ndtr((-self._at - bound) / self.step)
        return float(self._mass @ away)

    def go_on(self, bound: float) -> None:
        """Goes to the next look. Paths at or beyond +-bound stop."""
        step = self.step
        self._total += step * step
        edge = min(bound, FAR * math.sqrt(self._total))
        at, weights = _nodes(edge, min(self._steps))
        density = np.exp(-0.5 * ((at[:, None] - self._at) / step) ** 2) @ self._mass / (step * math.sqrt(2 * math.pi))
        self._at, self._mass = at, weights * density
        self._look = min(self._look + 1, len(self._steps) - 1)


def _nodes(edge: float, finest: float) -> tuple[Floats, Floats]:
    """Nodes and weights over [-edge, edge], dense enough for normal densities with this standard deviation."""
    at, weights = _legendre(32 * math.ceil((24 + 5 * edge / finest) / 32))
    return at * edge, weights * edge


@lru_cache(maxsize=64)
def _legendre(n: int) -> tuple[Floats, Floats]:
    at, weights = np.polynomial.legendre.leggauss(n)
    return at, weights
