"""Logistic regression on counts, its errors clustered: what rows have in common is counted once.

Rows with the same covariates are one pattern. Likelihood, scores and sandwich are sums over patterns and clusters, so
that a hundred million rows cost what their few patterns do; statsmodels on the rows themselves gives the same.

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
# A smaller standard error is rounding: it would take a million million rows.
LEAST_ERROR = 1e-6


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
        coefficient: None where the data don't tell it, or where it is not finite.
        standard_error: clustered; None without an interval.
        interval: of the coefficient.
        p_value: two-sided, of no effect.
        effect: average over the rows of P(y | 1) - P(y | 0), all else as it was; None for the intercept. Also where the
            coefficient is infinite, as long as that settles every probability.
        effect_interval: by the delta method; none where the coefficient is infinite.
        reason: why something is None; None where nothing is.
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
    """The greatest likelihood's coefficients, or where it goes.

    Attributes:
        counts: the rows of patterns that occurred.
        known: columns with a coefficient of their own; what the others would add, these tell.
        beta: (known) their coefficients, from the patterns that are not separated.
        covariance: (known, known) of these.
        sure: patterns (q, k) -> what becomes of each, as `certainty`.
    """

    counts: Counts
    known: list[int]
    beta: Floats
    covariance: Floats
    sure: Callable[[Floats], Floats]


def fit(counts: Counts) -> tuple[Estimate, ...]:
    """Every term's estimate, in order.

    No coefficient for a term that is never 1, that is not told apart from others (every one of those), or whose
    likelihood rises without end (separation); what is finite beside those is still estimated. No interval with fewer
    than LEAST_CLUSTERS clusters, or where fewer have a row with a 1, or with a 0, of that term.
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
    """How many clusters have a row."""
    return int((counts.n.sum(axis=1) > 0).sum())


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
    """(k, k): covariance of the coefficients, robust to whatever ties the rows of one cluster; NaN of one cluster."""
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
    """Mean change of probability as term k turns from 0 to 1, and its gradient; None where one is not told."""
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
    """Its root; what rounding leaves below 0 is 0."""
    return math.sqrt(max(0.0, variance))


def _around(middle: float, half: float) -> Interval:
    return Interval(middle - half, middle + half, "clustered t")


def _undefined(reason: str, *, effect: float | None = None) -> Estimate:
    none = Interval(None, None, reason)
    return Estimate(None, None, none, None, effect, none, reason)


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
