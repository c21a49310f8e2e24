"""Separation in logistic regression: where the likelihood rises without end, and what is certain there.

A direction of the coefficients in which no row's own outcome becomes less likely is one of recession. If any row's
becomes more likely, no finite estimate is the best; along such a direction the fitted probabilities go to 0 or 1
(Albert & Anderson 1984, Biometrika 71, 1-10; found by linear programming as in Konis 2007; what stays finite: Geyer
2009, Electronic Journal of Statistics 3, 259-289).
"""

from dataclasses import dataclass

import numpy as np
import scipy  # its optimize is loaded when it is first used: it takes half a second

from di_assets.measures.dense import Bools, Floats

CLOSE = 1e-7


@dataclass(frozen=True, slots=True)
class Recession:
    """Directions d with `rising` d >= 0 and `level` d = 0.

    Attributes:
        rising: (m, k) covariates of patterns with one outcome only, negated where that is 0.
        level: (r, k) covariates of patterns with both.
    """

    rising: Floats
    level: Floats


def recession(x: Floats, n: Floats, y: Floats) -> Recession:
    """The directions of patterns x (p, k) with n rows each, y of them with a 1."""
    ones = (y == n)[:, None]
    sided = (y == 0) | (y == n)
    return Recession(rising=np.where(ones, x, -x)[sided], level=x[~sided])


def separated(cone: Recession) -> Bools:
    """(m,): which of the `rising` patterns some direction raises.

    One linear programme: the most patterns raised, each by up to 1. Directions add up, so that one raises all that can
    be.
    """
    m, k = cone.rising.shape
    if m == 0:
        return np.zeros(0, dtype=bool)
    solved = scipy.optimize.linprog(
        np.concatenate([np.zeros(k), -np.ones(m)]),
        A_ub=np.hstack([-cone.rising, np.eye(m)]),
        b_ub=np.zeros(m),
        A_eq=np.hstack([cone.level, np.zeros((len(cone.level), m))]),
        b_eq=np.zeros(len(cone.level)),
        bounds=[(None, None)] * k + [(0.0, 1.0)] * m,
    )
    return np.asarray(_solution(solved.x)[k:] > 0.5)


def certainty(cone: Recession, points: Floats) -> Floats:
    """(q,): what becomes of the probability of each pattern (q, k).

    1 where directions only raise it (it goes to 1), -1 where they only lower it (to 0), 0 where none moves it (it stays
    finite), NaN where some raise and some lower it (it is not told).
    """
    found, at = np.unique(points, axis=0, return_inverse=True)
    return np.array([_certainty(cone, point) for point in found])[at.ravel()]


def _certainty(cone: Recession, point: Floats) -> float:
    raised, lowered = (float(along @ _furthest(cone, along)) > CLOSE for along in (point, -point))
    if raised and lowered:
        return float("nan")
    return float(raised) - float(lowered)


def _furthest(cone: Recession, along: Floats) -> Floats:
    """The direction, no coordinate beyond 1, that goes furthest along this one."""
    m, r = len(cone.rising), len(cone.level)
    solved = scipy.optimize.linprog(
        -along, A_ub=-cone.rising, b_ub=np.zeros(m), A_eq=cone.level, b_eq=np.zeros(r), bounds=(-1.0, 1.0)
    )
    return _solution(solved.x)


def _solution(found: Floats | None) -> Floats:
    """Both programmes are bounded, and no step at all is allowed: there is always one."""
    if found is None:
        raise ArithmeticError("a linear programme of separation was not solved")
    return found
