"""Logistic regression on counts, its errors clustered: what rows have in common is counted once.

Rows with the same covariates are one pattern. Likelihood, scores and sandwich are sums over patterns and clusters, so
that a hundred million rows cost what their few patterns do; statsmodels on the rows themselves gives the same.

Sources: the sandwich of Liang & Zeger (1986), Biometrika 73, 13-22, with the correction G/(G-1) (N-1)/(N-k) and t with
G-1 degrees of freedom (Cameron & Miller 2015, Journal of Human Resources 50, 317-372). Separation: Albert & Anderson
(1984), Biometrika 71, 1-10, found by linear programming as in Konis (2007); what stays finite under it: Geyer (2009),
Electronic Journal of Statistics 3, 259-289.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import null_space
from scipy.optimize import linprog
from scipy.special import expit, stdtr, stdtrit

from di_assets.measures.dense import Bools, Floats
from di_assets.measures.intervals import LEVEL, Interval

LEAST_CLUSTERS = 5
NEVER, SEPARATED, NO_VARIANCE = "never so", "separated: no finite estimate", "no variance"
FEW, FEW_SO = f"fewer than {LEAST_CLUSTERS} seeds", f"so, or not so, in fewer than {LEAST_CLUSTERS} seeds"
NO_CONVERGENCE = "no convergence"
MOST_STEPS, CONVERGED, LONGEST_STEP = 100, 1e-10, 2.0
CLOSE = 1e-8


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows of a logistic regression as counts; its covariates are 0 or 1.

    Attributes:
        terms: names of the columns of x; the first is the intercept.
        x: (p, k) covariates of each pattern.
        offset: (p,) log odds of each pattern where every coefficient is 0.
        n: (g, p) rows of each pattern in each cluster.
        y: (g, p) those of them with a 1.
    """

    terms: tuple[str, ...]
    x: Floats
    offset: Floats
    n: Floats
    y: Floats


@dataclass(frozen=True, slots=True)
class Estimate:
    """One coefficient in log odds, and what it means in probability.

    Attributes:
        coefficient: None where the data don't tell it.
        standard_error: clustered; None without an interval.
        interval: of the coefficient.
        p_value: two-sided, of no effect.
        effect: average over the rows of P(y | 1) - P(y | 0), all else as it was; None for the intercept.
        effect_interval: by the delta method.
        reason: why something is None; None where nothing is.
    """

    coefficient: float | None
    standard_error: float | None
    interval: Interval
    p_value: float | None
    effect: float | None
    effect_interval: Interval
    reason: str | None


def fit(counts: Counts) -> tuple[Estimate, ...]:
    """Every term's estimate, in order.

    No coefficient for a term that is never 1, that is not told apart from others (every one of those), or whose
    likelihood rises without end (separation); what is finite beside those is still estimated. No interval with fewer
    than LEAST_CLUSTERS clusters, or where fewer have a row with a 1, or with a 0, of that term.
    """
    x, n, y = counts.x, counts.n.sum(axis=0), counts.y.sum(axis=0)
    seen = n > 0
    mixed = seen.copy()
    mixed[seen] = overlapping(x[seen], n[seen], y[seen])
    confused, unbounded = _undetermined(x[seen]), _undetermined(x[mixed])
    reasons = [_why(counts.terms, k, x[seen], confused, unbounded) for k in range(len(counts.terms))]
    known = _independent(x[mixed])
    if not known:
        return tuple(_undefined(reason or SEPARATED) for reason in reasons)
    cut = Counts(
        terms=tuple(counts.terms[k] for k in known),
        x=x[np.ix_(mixed, known)],
        offset=counts.offset[mixed],
        n=counts.n[:, mixed],
        y=counts.y[:, mixed],
    )
    beta = maximised(cut)
    if beta is None:
        return tuple(_undefined(reason or NO_CONVERGENCE) for reason in reasons)
    clusters = int((counts.n.sum(axis=1) > 0).sum())
    # Singular with one cluster; then no interval is given, and none of it is used.
    covariance = clustered(cut, beta, clusters=clusters) if clusters > 1 else np.zeros((len(known), len(known)))
    made = []
    for k, reason in enumerate(reasons):
        if reason is not None:
            made.append(_undefined(reason))
            continue
        few = _few(counts, k, clusters)
        made.append(_estimate(cut, beta, covariance, known.index(k), rows=float(n.sum()), clusters=clusters, few=few))
    return tuple(made)


def overlapping(x: Floats, n: Floats, y: Floats) -> Bools:
    """(p,): patterns that no coefficients can drive to certainty at no cost to any other; all, where nothing separates.

    One linear programme: the most patterns that some direction separates, each with a margin of up to 1. Directions
    add up, so that one separates all that can be.
    """
    sided = (y == 0) | (y == n)
    if not sided.any():
        return np.ones(len(x), dtype=bool)
    (m, k), signed = (int(sided.sum()), x.shape[1]), np.where(y > 0, 1.0, -1.0)[sided, None] * x[sided]
    solved = linprog(
        np.concatenate([np.zeros(k), -np.ones(m)]),
        A_ub=np.hstack([-signed, np.eye(m)]),
        b_ub=np.zeros(m),
        A_eq=np.hstack([x[~sided], np.zeros((int((~sided).sum()), m))]),
        b_eq=np.zeros(int((~sided).sum())),
        bounds=[(None, None)] * k + [(0.0, 1.0)] * m,
    )
    if solved.x is None:
        raise ArithmeticError(f"separation of {len(x)} patterns: {solved.message}")
    overlap = np.ones(len(x), dtype=bool)
    overlap[sided] = solved.x[k:] < 0.5
    return overlap


def maximised(counts: Counts) -> Floats | None:
    """Coefficients of the greatest likelihood, by Newton's method; None where it does not converge."""
    x, n, y = counts.x, counts.n.sum(axis=0), counts.y.sum(axis=0)
    beta = np.zeros(x.shape[1])
    for _ in range(MOST_STEPS):
        mean = expit(counts.offset + x @ beta)
        step = np.linalg.solve(_information(x, n, mean), x.T @ (y - n * mean))
        far = float(np.abs(x @ step).max(initial=0.0))
        # Far out the curve is flat, and a full step would overshoot.
        beta = beta + step * min(1.0, LONGEST_STEP / max(far, LONGEST_STEP))
        if far < CONVERGED:
            return beta
    return None


def clustered(counts: Counts, beta: Floats, *, clusters: int) -> Floats:
    """(k, k): covariance of the coefficients, robust to whatever ties the rows of one cluster."""
    mean = expit(counts.offset + counts.x @ beta)
    bread = np.linalg.inv(_information(counts.x, counts.n.sum(axis=0), mean))
    scores = (counts.y - counts.n * mean) @ counts.x
    rows = float(counts.n.sum())
    correction = clusters / (clusters - 1) * (rows - 1) / (rows - len(beta))
    return np.asarray(correction * bread @ (scores.T @ scores) @ bread)


def _information(x: Floats, n: Floats, mean: Floats) -> Floats:
    return np.asarray((x.T * (n * mean * (1 - mean))) @ x)


def _estimate(
    counts: Counts, beta: Floats, covariance: Floats, k: int, *, rows: float, clusters: int, few: str | None
) -> Estimate:
    coefficient, effect = float(beta[k]), None
    error = math.sqrt(max(0.0, float(covariance[k, k])))
    effect_error = 0.0
    if k > 0:
        effect, slope = _effect(counts, beta, k, rows=rows)
        effect_error = math.sqrt(max(0.0, float(slope @ covariance @ slope)))
    reason = few or (NO_VARIANCE if error < CLOSE else None)
    if reason is not None:
        none = Interval(None, None, reason)
        return Estimate(coefficient, None, none, None, effect, none, reason)
    width = float(stdtrit(clusters - 1, 0.5 + LEVEL / 2))
    around = _around(effect, width * effect_error) if effect is not None else Interval(None, None, "intercept")
    p_value = float(2 * stdtr(clusters - 1, -abs(coefficient) / error))
    return Estimate(coefficient, error, _around(coefficient, width * error), p_value, effect, around, None)


def _effect(counts: Counts, beta: Floats, k: int, *, rows: float) -> tuple[float, Floats]:
    """Mean change of probability as term k turns from 0 to 1, and its gradient; `rows` counts separated ones too.

    Those are certain whatever a term that stays finite says: they change by 0.
    """
    change, slope = 0.0, np.zeros(len(beta))
    weight = counts.n.sum(axis=0) / rows
    for sign, value in ((1.0, 1.0), (-1.0, 0.0)):
        x = counts.x.copy()
        x[:, k] = value
        mean = expit(counts.offset + x @ beta)
        change += sign * float(weight @ mean)
        slope += sign * (weight * mean * (1 - mean)) @ x
    return change, slope


def _around(middle: float, half: float) -> Interval:
    return Interval(middle - half, middle + half, "clustered t")


def _undefined(reason: str) -> Estimate:
    none = Interval(None, None, reason)
    return Estimate(None, None, none, None, None, none, reason)


def _few(counts: Counts, k: int, clusters: int) -> str | None:
    """Why there is no interval: too few clusters, in all or on one side of the term."""
    if clusters < LEAST_CLUSTERS:
        return FEW
    so = counts.x[:, k] > 0
    sides = [counts.n[:, so]] if k == 0 else [counts.n[:, so], counts.n[:, ~so]]
    return FEW_SO if min(int((side.sum(axis=1) > 0).sum()) for side in sides) < LEAST_CLUSTERS else None


def _why(terms: Sequence[str], k: int, x: Floats, confused: Bools, unbounded: Bools) -> str | None:
    """Why term k has no coefficient; None where it has one."""
    if not x[:, k].any():
        return NEVER
    if confused[k]:
        others = [name for j, name in enumerate(terms) if j != k and confused[j] and x[:, j].any()]
        return f"not told apart from {', '.join(others)}"
    return SEPARATED if unbounded[k] else None


def _undetermined(x: Floats) -> Bools:
    """(k,): terms that can change, others making up for them, without any row's sum changing."""
    if len(x) == 0:
        return np.ones(x.shape[1], dtype=bool)
    return np.asarray((np.abs(null_space(x)) > CLOSE).any(axis=1))


def _independent(x: Floats) -> list[int]:
    """The first columns that span them all."""
    kept: list[int] = []
    for k in range(x.shape[1]):
        if len(x) and int(np.linalg.matrix_rank(x[:, [*kept, k]])) > len(kept):
            kept.append(k)
    return kept
