"""Separation in logistic regression: directions in which the likelihood rises without end, and what is certain then.

A direction of the coefficients is one of recession if no row's own outcome becomes less likely along it. If some row's
outcome becomes more likely, there is no finite best estimate; along such a direction the fitted probabilities go to 0
or 1 (Albert & Anderson 1984, Biometrika 71, 1-10; found by linear programming as in Konis 2007; what stays finite:
Geyer 2009, Electronic Journal of Statistics 3, 259-289).
"""

from dataclasses import dataclass

import numpy as np
import scipy  # scipy.optimize is loaded at its first use, because the import takes half a second

from di_assets.measures.dense import Bools, Floats

CLOSE = 1e-7


@dataclass(frozen=True, slots=True)
class Recession:
    """Directions d with `rising` d >= 0 and `level` d = 0.

    Attributes:
        rising: (m, k) covariates of patterns with only one outcome, negated if that outcome is 0.
        level: (r, k) covariates of patterns with both outcomes.
    """

    rising: Floats
    level: Floats


def recession(x: Floats, n: Floats, y: Floats) -> Recession:
    """The directions for patterns x (p, k) with n rows each, y of them with outcome 1."""
    ones = (y == n)[:, None]
    sided = (y == 0) | (y == n)
    return Recession(rising=np.where(ones, x, -x)[sided], level=x[~sided])


def separated(cone: Recession) -> Bools:
    """(m,): which of the `rising` patterns are raised by some direction.

    One linear programme: it raises as many patterns as possible, each by up to 1. Directions can be added, so one
    direction raises all patterns that any direction raises.
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
    """(q,): what happens to the probability of each pattern (q, k).

    1: directions only raise it (it goes to 1). -1: they only lower it (it goes to 0). 0: none changes it (it stays
    finite). NaN: some raise it and some lower it (it is undetermined).
    """
    found, at = np.unique(points, axis=0, return_inverse=True)
    return np.array([_certainty(cone, point) for point in found])[at.ravel()]


def _certainty(cone: Recession, point: Floats) -> float:
    raised, lowered = (float(along @ _furthest(cone, along)) > CLOSE for along in (point, -point))
    if raised and lowered:
        return float("nan")
    return float(raised) - float(lowered)


def _furthest(cone: Recession, along: Floats) -> Floats:
    """The direction, with no coordinate beyond 1, that goes furthest along this one."""
    m, r = len(cone.rising), len(cone.level)
    solved = scipy.optimize.linprog(
        -along, A_ub=-cone.rising, b_ub=np.zeros(m), A_eq=cone.level, b_eq=np.zeros(r), bounds=(-1.0, 1.0)
    )
    return _solution(solved.x)


def _solution(found: Floats | None) -> Floats:
    """The solution of a programme.

    There is always one: both programmes are bounded, and the zero direction is allowed.
    """
    if found is None:
        raise ArithmeticError("a linear programme of separation was not solved")
    return found
