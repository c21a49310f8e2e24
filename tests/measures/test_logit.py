"""Clustered logistic regression on counts: statsmodels on the rows themselves, separation, what the data can't tell."""

import itertools
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit

from di_assets.measures.logit import (
    FEW,
    FEW_SO,
    LEAST_CLUSTERS,
    NEVER,
    NO_VARIANCE,
    SEPARATED,
    Counts,
    fit,
)
from di_assets.measures.separation import certainty, recession, separated

PATTERNS = np.array([(1.0, *facts) for facts in itertools.product((0.0, 1.0), repeat=3)])
TERMS = ("intercept", "a", "b", "c")


def counts(n, y, *, x=PATTERNS, offset=None, terms=TERMS):
    n, y = np.asarray(n, dtype=float), np.asarray(y, dtype=float)
    return Counts(terms=terms, x=x, offset=np.zeros(len(x)) if offset is None else offset, n=n, y=y)


def world(rng, *, clusters, rows, beta, offset=0.0, spread=0.5):
    """Counts of rows whose cluster has a level of its own."""
    n = rng.multinomial(rows, np.full(len(PATTERNS), 1 / len(PATTERNS)), size=clusters)
    level = rng.normal(0, spread, size=(clusters, 1))
    return n, rng.binomial(n, expit(offset + PATTERNS @ beta + level))


def as_rows(made):
    """(x, y, offset, cluster) row by row."""
    parts = []
    for g, p in np.ndindex(made.n.shape):
        ones, all_of_it = int(made.y[g, p]), int(made.n[g, p])
        parts += [(g, p, 1)] * ones + [(g, p, 0)] * (all_of_it - ones)
    g, p, y = np.array(parts).T
    return made.x[p], y, made.offset[p], g


def by_statsmodels(made, **more):
    import statsmodels.api as sm  # seconds, for whoever runs these tests alone

    x, y, offset, cluster = as_rows(made)
    model = sm.GLM(y, x, family=sm.families.Binomial(), offset=offset)
    return model.fit(cov_type="cluster", cov_kwds={"groups": cluster}, use_t=True, tol=1e-12, **more)


@pytest.mark.parametrize("seed", range(4))
def test_counts_give_what_statsmodels_gives_on_the_rows(seed):
    rng = np.random.default_rng(seed)
    n, y = world(rng, clusters=9, rows=60, beta=np.array([-0.5, 1.0, 0.0, -0.7]), offset=-1.0)
    made = counts(n, y, offset=rng.choice((logit(1 / 4), logit(1 / 2)), size=len(PATTERNS)))
    expected, estimates = by_statsmodels(made), fit(made)
    close = {"rel": 1e-7, "abs": 1e-9}
    assert [e.coefficient for e in estimates] == pytest.approx(expected.params, **close)
    assert [e.standard_error for e in estimates] == pytest.approx(expected.bse, **close)
    assert [e.p_value for e in estimates] == pytest.approx(expected.pvalues, **close)
    bounds = [(e.interval.low, e.interval.high) for e in estimates]
    assert np.array(bounds) == pytest.approx(expected.conf_int(), **close)
    assert [e.reason for e in estimates] == [None] * 4


def test_effects_are_statsmodels_average_marginal_effects_of_dummies():
    rng = np.random.default_rng(7)
    n, y = world(rng, clusters=12, rows=50, beta=np.array([-1.0, 1.5, 0.2, -0.7]))
    made = counts(n, y)
    import statsmodels.api as sm

    x, ones, _, cluster = as_rows(made)
    model = sm.Logit(ones, x).fit(
        disp=0, cov_type="cluster", cov_kwds={"groups": cluster}, use_t=True, tol=1e-12, maxiter=100
    )
    expected = model.get_margeff(at="overall", dummy=True)
    estimates = fit(made)[1:]
    assert [e.effect for e in estimates] == pytest.approx(expected.margeff, rel=1e-6)
    half = [(e.effect_interval.high - e.effect_interval.low) / 2 for e in estimates]
    # Student's t with one degree of freedom less than there are clusters.
    assert half == pytest.approx(expected.margeff_se * 2.200985160082949, rel=1e-6)
    assert fit(made)[0].effect is None


def test_a_term_that_decides_every_row_has_no_finite_estimate_and_no_huge_number():
    from statsmodels.tools.sm_exceptions import PerfectSeparationWarning

    x = np.array([[1.0, 0.0], [1.0, 1.0]])
    made = counts([[5, 5]] * 6, [[0, 5]] * 6, x=x, terms=("intercept", "a"))
    with warnings.catch_warnings():
        warnings.simplefilter("error", PerfectSeparationWarning)
        with pytest.raises(PerfectSeparationWarning):
            by_statsmodels(made)
    for estimate in fit(made):
        assert (estimate.coefficient, estimate.standard_error, estimate.p_value) == (None, None, None)
        assert (estimate.interval.low, estimate.effect_interval.low, estimate.reason) == (None, None, SEPARATED)
    # What it does to the probability is certain all the same.
    assert [e.effect for e in fit(made)] == [None, 1.0]


def test_what_separation_leaves_finite_is_estimated_from_the_rows_that_overlap():
    rng = np.random.default_rng(3)
    n, y = world(rng, clusters=10, rows=80, beta=np.array([-0.5, 1.0, 0.5, 0.0]))
    never = PATTERNS[:, 3] == 1
    y[:, never] = 0  # with c, never; all else as before
    made = counts(n, y)
    estimates = fit(made)
    assert [e.reason for e in estimates] == [None, None, None, SEPARATED]
    without = counts(n[:, ~never], y[:, ~never], x=PATTERNS[~never][:, :3], terms=TERMS[:3])
    expected = fit(without)
    for estimate, other in zip(estimates, expected, strict=False):
        assert estimate.coefficient == pytest.approx(other.coefficient, abs=1e-9)
        assert estimate.standard_error == pytest.approx(other.standard_error, rel=1e-9)
    # Rows that are certain do not change: the effect is over all rows.
    share = n[:, ~never].sum() / n.sum()
    assert estimates[1].effect == pytest.approx(expected[1].effect * share, abs=1e-12)
    # A fit that runs on for long goes to the same limit.
    far = by_statsmodels(made, maxiter=30)
    assert far.params[:3] == pytest.approx([e.coefficient for e in estimates[:3]], abs=1e-6)
    assert far.params[3] < -15


def by_trying(x, n, y):
    """The directions of small integers in which no pattern's own outcome becomes less likely."""
    tried = np.array(list(itertools.product(range(-3, 4), repeat=x.shape[1])))
    along = x @ tried.T
    only_0, only_1 = (y == 0)[:, None], (y == n)[:, None]
    wrong = (only_0 & (along > 0)) | (only_1 & (along < 0)) | (~only_0 & ~only_1 & (along != 0))
    return tried[~wrong.any(axis=0)]


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.integers(0, 7), st.sampled_from((0, 1, 2))), min_size=1, max_size=8, unique_by=lambda v: v[0])
)
def test_linear_programmes_find_what_trying_every_direction_finds(drawn):
    x = PATTERNS[[p for p, _ in drawn]]
    n, y = np.full(len(x), 2.0), np.array([float(ones) for _, ones in drawn])
    directions = by_trying(x, n, y)
    cone = recession(x, n, y)
    sided = (y == 0) | (y == n)
    assert separated(cone).tolist() == (x[sided] @ directions.T != 0).any(axis=1).tolist()
    along = PATTERNS @ directions.T
    raised, lowered = (along > 0).any(axis=1), (along < 0).any(axis=1)
    expected = np.where(raised & lowered, np.nan, raised.astype(float) - lowered)
    np.testing.assert_array_equal(certainty(cone, PATTERNS), expected)


def test_a_term_that_is_never_so_is_null_and_changes_nothing_else():
    rng = np.random.default_rng(5)
    n, y = world(rng, clusters=8, rows=60, beta=np.array([-0.5, 1.0, 0.5, 0.0]))
    never = PATTERNS[:, 3] == 1
    n[:, never] = y[:, never] = 0
    estimates = fit(counts(n, y))
    assert [e.reason for e in estimates] == [None, None, None, NEVER]
    expected = by_statsmodels(counts(n[:, ~never], y[:, ~never], x=PATTERNS[~never][:, :3]))
    assert [e.coefficient for e in estimates[:3]] == pytest.approx(expected.params, rel=1e-7)
    assert [e.standard_error for e in estimates[:3]] == pytest.approx(expected.bse, rel=1e-7)


def test_terms_that_always_go_together_are_not_told_apart_and_the_others_are():
    rng = np.random.default_rng(6)
    n, y = world(rng, clusters=8, rows=90, beta=np.array([-0.5, 1.0, 0.5, 0.0]))
    apart = PATTERNS[:, 2] != PATTERNS[:, 3]
    n[:, apart] = y[:, apart] = 0
    estimates = fit(counts(n, y))
    assert [e.reason for e in estimates] == [None, None, "not told apart from c", "not told apart from b"]
    assert [e.coefficient is None for e in estimates] == [False, False, True, True]
    # One that is always so is not told apart from the intercept.
    always = PATTERNS[:, 3] == 1
    n, y = world(rng, clusters=8, rows=90, beta=np.array([-0.5, 1.0, 0.5, 0.0]))
    n[:, ~always] = y[:, ~always] = 0
    assert [e.reason for e in fit(counts(n, y))] == [
        "not told apart from c",
        None,
        None,
        "not told apart from intercept",
    ]


def test_few_clusters_give_a_coefficient_and_no_interval():
    rng = np.random.default_rng(8)
    n, y = world(rng, clusters=LEAST_CLUSTERS, rows=200, beta=np.array([-0.5, 1.0, 0.5, 0.0]))
    assert all(e.interval.low < e.coefficient < e.interval.high for e in fit(counts(n, y)))
    for clusters in (1, LEAST_CLUSTERS - 1):
        few = fit(counts(n[:clusters], y[:clusters]))
        assert {e.reason for e in few} == {FEW}
        assert all(e.coefficient is not None for e in few)
        assert {(e.standard_error, e.interval.low, e.p_value, e.effect_interval.high) for e in few} == {(None,) * 4}


def test_a_term_that_is_so_in_few_clusters_has_no_interval_though_the_others_have():
    rng = np.random.default_rng(9)
    n, y = world(rng, clusters=30, rows=200, beta=np.array([-0.5, 1.0, 0.5, 0.0]))
    so = PATTERNS[:, 3] == 1
    n[LEAST_CLUSTERS - 1 :, so] = y[LEAST_CLUSTERS - 1 :, so] = 0
    assert [e.reason for e in fit(counts(n, y))] == [None, None, None, FEW_SO]


def test_clusters_that_are_all_alike_have_no_variance():
    x = np.array([[1.0, 0.0], [1.0, 1.0]])
    made = fit(counts([[10, 10]] * 6, [[2, 7]] * 6, x=x, terms=("intercept", "a")))
    assert [e.reason for e in made] == [NO_VARIANCE] * 2
    assert [e.coefficient for e in made] == pytest.approx([logit(0.2), logit(0.7) - logit(0.2)])
    assert made[1].effect == pytest.approx(0.5)


def test_the_order_of_clusters_and_patterns_is_of_no_account():
    rng = np.random.default_rng(10)
    n, y = world(rng, clusters=9, rows=60, beta=np.array([-0.5, 1.0, 0.0, -0.7]))
    g, p = rng.permutation(9), rng.permutation(len(PATTERNS))
    one, other = fit(counts(n, y)), fit(counts(n[g][:, p], y[g][:, p], x=PATTERNS[p]))
    assert [e.coefficient for e in one] == pytest.approx([e.coefficient for e in other], abs=1e-12)
    assert [e.standard_error for e in one] == pytest.approx([e.standard_error for e in other], rel=1e-9)


def test_intervals_cover_planted_coefficients_as_often_as_they_say():
    beta, rng, held = np.array([-0.3, 1.2, 0.0, -0.5]), np.random.default_rng(11), np.zeros(4)
    for _ in range(500):
        n, y = world(rng, clusters=40, rows=100, beta=beta, offset=logit(1 / 4), spread=0.0)
        made = counts(n, y, offset=np.full(len(PATTERNS), logit(1 / 4)))
        held += [e.interval.low <= b <= e.interval.high for e, b in zip(fit(made), beta, strict=True)]
    assert (held >= 0.93 * 500).all(), held
    assert (held <= 0.97 * 500).all(), held


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(1, 8), st.sampled_from((1, 3, 20)), st.floats(0, 1))
def test_whatever_the_counts_every_number_is_finite_or_null_with_a_reason(seed, clusters, rows, certain):
    rng = np.random.default_rng(seed)
    n, y = world(rng, clusters=clusters, rows=rows, beta=rng.normal(0, 2, size=4))
    y = np.where(rng.random(len(PATTERNS)) < certain, rng.integers(2, size=len(PATTERNS)) * n, y)
    for name, estimate in zip(TERMS, fit(counts(n, y)), strict=True):
        inner, outer = estimate.interval, estimate.effect_interval
        told = [estimate.coefficient, estimate.standard_error, inner.low, inner.high, estimate.p_value]
        told += [estimate.effect, outer.low, outer.high] if name != "intercept" else []
        assert all(value is None or np.isfinite(value) for value in told)
        assert (None in told) == (estimate.reason is not None)
        assert estimate.effect is None or -1 <= estimate.effect <= 1
        assert estimate.coefficient is None or abs(estimate.coefficient) < 50
