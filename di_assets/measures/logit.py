"""Logistic regression on counts with clustered errors: equal rows are counted once.

Rows with the same covariates form one pattern. Likelihood, scores and sandwich are sums over patterns and clusters, so
a hundred million rows cost only as much as their few patterns. statsmodels on the single rows gives the same results.

The sandwich is that of Liang & Zeger (1986), Biometrika 73, 13-22, with the correction G/(G-1) (N-1)/(N-k) and t with
G-1 degrees of freedom (Cameron & Miller 2015, Journal of Human Resources 50, 317-372).
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg import null_space
from scipy.special import expit, stdtr, stdtrit

from di_assets.measures.dense import Bools, Floats
from di_assets.measures.intervals import LEVEL, Interval
from di_assets.measures.separation import certainty, recession, separated

LEAST_CLUSTERS = 5
NEVER, SEPARATED, NO_VARIANCE = "never so", "separated: no finite coefficient", "no variance"
FEW, FEW_SO = f"fewer than {LEAST_CLUSTERS} seeds", f"so, or not so, in fewer than {LEAST_CLUSTERS} seeds"
NO_CONVERGENCE = "no convergence"
MOST_STEPS, CONVERGED, LONGEST_STEP = 100, 1e-10, 2.0
CLOSE = 1e-8
# A smaller standard error is rounding: a real one would need 10^12 rows.
LEAST_ERROR = 1e-6


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows of a logistic regression as counts. All covariates are 0 or 1.

    Attributes:
        terms: names of the columns of x; the first is the intercept.
        x: (p, k) covariates of each pattern.
        offset: (p,) log odds of each pattern if every coefficient is 0.
        n: (g, p) number of rows of each pattern in each cluster.
        y: (g, p) number of those rows with outcome 1.
    """

    terms: tuple[str, ...]
    x: Floats
    offset: Floats
    n: Floats
    y: Floats


@dataclass(frozen=True, slots=True)
class Estimate:
    """One coefficient in log odds, and its meaning in probability.

    Attributes:
        coefficient: None if the data do not determine it, or if it is not finite.
        standard_error: clustered; None without an interval.
        interval: interval of the coefficient.
        p_value: two-sided, of no effect.
        effect: average over the rows of P(y | 1) - P(y | 0), with all other terms unchanged; None for the intercept. It
            is also given for an infinite coefficient, if that determines every probability.
        effect_interval: by the delta method; none if the coefficient is infinite.
        reason: why something is None; None if nothing is.
    """

    coefficient: float | None
    standard_error: float | None
    interval: Interval
    p_value: float | None
    effect: float | None
    effect_interval: Interval
    reason: str | None


@dataclass(frozen=True, slots=True)
class Fitted:
    """The maximum-likelihood coefficients, or the direction in which the likelihood rises without end.

    Attributes:
        counts: the rows of patterns that occurred.
        known: columns with a coefficient of their own; all other columns depend linearly on these.
        beta: (known) their coefficients, from the patterns that are not separated.
        covariance: (known, known) covariance of the coefficients.
        sure: patterns (q, k) -> what happens to the probability of each, see `certainty`.
    """

    counts: Counts
    known: list[int]
    beta: Floats
    covariance: Floats
    sure: Callable[[Floats], Floats]


def fit(counts: Counts) -> tuple[Estimate, ...]:
    """The estimate of every term, in order.

    A term has no coefficient if it is never 1, if it cannot be told apart from others (then none of these has one), or
    if its likelihood rises without end (separation). The finite ones are still estimated. There is no interval with
    fewer than LEAST_CLUSTERS clusters, or if fewer clusters have a row with a 1 of that term, or with a 0.
    """
    seen = counts.n.sum(axis=0) > 0
    counts = Counts(counts.terms, counts.x[seen], counts.offset[seen], counts.n[:, seen], counts.y[:, seen])
    x, n, y = counts.x, counts.n.sum(axis=0), counts.y.sum(axis=0)
    cone, mixed = recession(x, n, y), np.ones(len(x), dtype=bool)
    mixed[(y == 0) | (y == n)] = ~separated(cone)
    confused, unbounded = _undetermined(x), _undetermined(x[mixed])
    reasons = [_why(counts.terms, k, x, confused, unbounded) for k in range(len(counts.terms))]
    known = _independent(x[mixed])
    cut = Counts(
        terms=tuple(counts.terms[k] for k in known),
        x=x[mixed][:, known],
        offset=counts.offset[mixed],
        n=counts.n[:, mixed],
        y=counts.y[:, mixed],
    )
    beta = maximised(cut)
    if beta is None:
        return tuple(_undefined(reason or NO_CONVERGENCE) for reason in reasons)
    settled = mixed.all()
    fitted = Fitted(
        counts=counts,
        known=known,
        beta=beta,
        covariance=clustered(cut, beta, clusters=clusters_of(counts)),
        sure=lambda points: np.zeros(len(points)) if settled else certainty(cone, points),
    )
    return tuple(_estimate(fitted, k, reason) for k, reason in enumerate(reasons))


def clusters_of(counts: Counts) -> int:
    """The number of clusters with at least one row."""
    return int((counts.n.sum(axis=1) > 0).sum())


def maximised(counts: Counts) -> Floats | None:
    """The maximum-likelihood coefficients, by Newton's method; None if it does not converge."""
    x, n, y = counts.x, counts.n.sum(axis=0), counts.y.sum(axis=0)
    beta = np.zeros(x.shape[1])
    for _ in range(MOST_STEPS):
        mean = expit(counts.offset + x @ beta)
        step = np.linalg.solve(_information(x, n, mean), x.T @ (y - n * mean))
        far = float(np.abs(x @ step).max(initial=0.0))
        # Far from the maximum the curve is flat, and a full step would overshoot.
        beta = beta + step * min(1.0, LONGEST_STEP / max(far, LONGEST_STEP))
        if far < CONVERGED:
            return beta
    return None


def clustered(counts: Counts, beta: Floats, *, clusters: int) -> Floats:
    """(k, k): covariance of the coefficients, robust to dependence of rows in one cluster; NaN with one cluster."""
    rows = float(counts.n.sum())
    if clusters < 2 or len(beta) == 0:
        return np.full((len(beta), len(beta)), np.nan)
    mean = expit(counts.offset + counts.x @ beta)
    bread = np.linalg.inv(_information(counts.x, counts.n.sum(axis=0), mean))
    scores = (counts.y - counts.n * mean) @ counts.x
    correction = clusters / (clusters - 1) * (rows - 1) / (rows - len(beta))
    return np.asarray(correction * bread @ (scores.T @ scores) @ bread)


def _information(x: Floats, n: Floats, mean: Floats) -> Floats:
    return np.asarray((x.T * (n * mean * (1 - mean))) @ x)


def _estimate(fitted: Fitted, k: int, reason: str | None) -> Estimate:
    if reason is not None and reason != SEPARATED:
        return _undefined(reason)
    effect, slope = _effect(fitted, k) if k > 0 else (None, np.zeros(len(fitted.beta)))
    if reason is not None:
        return _undefined(reason, effect=effect)
    at, clusters = fitted.known.index(k), clusters_of(fitted.counts)
    coefficient, error = float(fitted.beta[at]), _error(float(fitted.covariance[at, at]))
    reason = _few(fitted.counts, k, clusters) or (NO_VARIANCE if error < LEAST_ERROR else None)
    if reason is not None:
        none = Interval(None, None, reason)
        return Estimate(coefficient, None, none, None, effect, none, reason)
    width = float(stdtrit(clusters - 1, 0.5 + LEVEL / 2))
    spread = _error(float(slope @ fitted.covariance @ slope))
    around = Interval(None, None, "none of the intercept") if effect is None else _around(effect, width * spread)
    p_value = float(2 * stdtr(clusters - 1, -abs(coefficient) / error))
    return Estimate(coefficient, error, _around(coefficient, width * error), p_value, effect, around, None)


def _effect(fitted: Fitted, k: int) -> tuple[float | None, Floats]:
    """Mean change of probability if term k turns from 0 to 1, and its gradient; None if one is undetermined."""
    change, slope = 0.0, np.zeros(len(fitted.beta))
    n = fitted.counts.n.sum(axis=0)
    for sign, value in ((1.0, 1.0), (-1.0, 0.0)):
        x = fitted.counts.x.copy()
        x[:, k] = value
        sure = fitted.sure(x)
        mean = np.where(sure == 0, expit(fitted.counts.offset + x[:, fitted.known] @ fitted.beta), (1 + sure) / 2)
        change += sign * float(n @ mean) / float(n.sum())
        slope += sign * (n * mean * (1 - mean)) @ x[:, fitted.known] / float(n.sum())
    return (None if math.isnan(change) else change), slope


def _error(variance: float) -> float:
    """The square root of a variance; a value below 0 is rounding and gives 0."""
    return math.sqrt(max(0.0, variance))


def _around(middle: float, half: float) -> Interval:
    return Interval(middle - half, middle + half, "clustered t")


def _undefined(reason: str, *, effect: float | None = None) -> Estimate:
    none = Interval(None, None, reason)
    return Estimate(None, None, none, None, effect, none, reason)


def _few(counts: Counts, k: int, clusters: int) -> str | None:
    """Why there is no interval: too few clusters, in total or on one side of the term; None if there are enough."""
    if clusters < LEAST_CLUSTERS:
        return FEW
    so = counts.x[:, k] > 0
    sides = [counts.n[:, so]] if k == 0 else [counts.n[:, so], counts.n[:, ~so]]
    return FEW_SO if min(int((side.sum(axis=1) > 0).sum()) for side in sides) < LEAST_CLUSTERS else None


def _why(terms: Sequence[str], k: int, x: Floats, confused: Bools, unbounded: Bools) -> str | None:
    """Why term k has no coefficient; None if it has one."""
    if not x[:, k].any():
        return NEVER
    if confused[k]:
        others = [name for j, name in enumerate(terms) if j != k and confused[j] and x[:, j].any()]
        return f"not told apart from {', '.join(others)}"
    return SEPARATED if unbounded[k] else None


def _undetermined(x: Floats) -> Bools:
    """(k,): terms whose coefficient can change, with others compensating, so that no row's sum changes."""
    if len(x) == 0:
        return np.ones(x.shape[1], dtype=bool)
    return np.asarray((np.abs(null_space(x)) > CLOSE).any(axis=1))


def _independent(x: Floats) -> list[int]:
    """The first columns that span all columns."""
    independent: list[int] = []
    for k in range(x.shape[1]):
        if len(x) and int(np.linalg.matrix_rank(x[:, [*independent, k]])) > len(independent):
            independent.append(k)
    return independent
