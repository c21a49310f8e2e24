import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.multitest import multipletests

from di_assets.measures import intervals
from di_assets.measures.intervals import (
    clustered_t,
    percentile_bootstrap,
    studentized_bootstrap,
    t_interval,
    t_p,
    welch_interval,
)
from di_assets.measures.lift import holm, paired_lift

# Captures of the report page's calibration episodes, by focal model.
PAGE = {
    "sonnet-4.6": ([0.18, 0.187, 0.172, 0.17, 0.129], "+0.17"),
    "gemma-3-4b": ([0.268, 0.154, 0.142, 0.0489, 0.00401], "+0.12"),
    "opus-4.8": ([0.0931, 0.0814, 0.0407, 0.118, 0.18], "+0.10"),
    "qwen3-235b-thinking": ([0.0378, 0.0392, -0.0135, 0.163, 0.00106], "+0.05"),
    "gpt-5.4-mini": ([0.0398, -0.0193, 0.0168, 0.0146, -0.00468], "+0.01"),
}


@pytest.mark.parametrize("model", PAGE)
def test_published_mean_captures_come_out(model):
    values, printed = PAGE[model]
    assert f"{sum(values) / len(values):+.2f}" == printed


def test_the_published_percentile_interval_comes_out_by_exact_enumeration():
    interval = percentile_bootstrap(PAGE["sonnet-4.6"][0])
    assert (round(interval.low, 4), round(interval.high, 4)) == (0.1474, 0.1814)
    assert "exact" in interval.method


def test_t_and_welch_agree_with_scipy():
    on, off = [55.0, 68.0, 76.0, 79.0, 83.0], [20.0, 31.0, 25.0, 28.0]
    low, high = stats.t.interval(0.95, 4, loc=stats.tmean(on), scale=stats.sem(on))
    assert (t_interval(on).low, t_interval(on).high) == pytest.approx((low, high))
    assert t_p(off) == pytest.approx(stats.ttest_1samp(off, 0).pvalue)
    assert t_p([3.0]) is None
    interval, p_value = welch_interval(on, off)
    theirs = stats.ttest_ind(on, off, equal_var=False)
    assert p_value == pytest.approx(theirs.pvalue)
    assert (interval.low, interval.high) == pytest.approx(tuple(theirs.confidence_interval()))


@pytest.mark.parametrize(
    ("values", "reason"), [([], "no episode"), ([3.0], "one episode"), ([2.0, 2.0, 2.0], "no variance")]
)
def test_a_degenerate_interval_is_null_with_its_reason(values, reason):
    for method in (t_interval, percentile_bootstrap, studentized_bootstrap):
        interval = method(values)
        assert (interval.low, interval.high, interval.method) == (None, None, reason)


def test_the_same_data_give_the_same_interval_in_any_order():
    values = [float(v * v % 17) for v in range(20)]
    assert studentized_bootstrap(values) == studentized_bootstrap(values[::-1])
    assert percentile_bootstrap(values) == percentile_bootstrap(values[::-1])


def test_pairs_have_a_lift_and_a_correlation():
    result = paired_lift([10.0, 12.0, 15.0], [4.0, 7.0, 8.0])
    assert result.lift == 6.0
    assert result.correlation == pytest.approx(stats.pearsonr([10, 12, 15], [4, 7, 8]).statistic)


def test_holm_steps_down():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@settings(max_examples=6)
@given(st.lists(st.floats(1e-6, 1), min_size=1, max_size=8))
def test_holm_agrees_with_statsmodels(p_values):
    assert holm(p_values) == pytest.approx(list(multipletests(p_values, method="holm")[1]))


SEEDS = [41, 41, 42, 43, 42, 41, 43, 43, 43]
RATES = [0.71, 0.74, 0.52, 0.90, 0.55, 0.69, 0.88, 0.91, 0.87]


def test_relaunches_of_a_seed_are_one_block_as_statsmodels_clusters_them():
    """Its small-sample factor has (N - 1) / (N - 1) besides for a mean, so that both are the same number."""
    fitted = OLS(RATES, np.ones(len(RATES))).fit(cov_type="cluster", cov_kwds={"groups": SEEDS}, use_t=True)
    interval = clustered_t(RATES, SEEDS)
    assert (interval.low, interval.high) == pytest.approx(tuple(fitted.conf_int()[0]))
    assert (interval.method, interval.n) == ("t clustered by seed", 3)


def test_with_one_episode_a_seed_clusters_are_students_t():
    plain, clustered = t_interval(RATES), clustered_t(RATES, range(9))
    assert (clustered.low, clustered.high, clustered.n) == pytest.approx((plain.low, plain.high, plain.n))


@pytest.mark.parametrize(
    ("values", "seeds", "reason"),
    [
        ([], [], "no episode"),
        ([0.5, 0.7], [41, 41], "one seed block"),
        ([0.1, 0.3, 0.3, 0.1], [1, 1, 2, 2], "no variance"),
    ],
)
def test_clusters_that_tell_nothing_have_no_interval(values, seeds, reason):
    interval = clustered_t(values, seeds)
    assert (interval.low, interval.high, interval.method) == (None, None, reason)


@pytest.mark.parametrize("values", [RATES[:5], RATES, [3.0, 4.0, 4.0, 9.0, 10.0, 17.0, 3.0, 4.0, 9.0, 10.0] * 3])
def test_scipys_bootstrap_agrees_where_it_draws_what_is_enumerated_or_drawn_here(values):
    """A bound may lie one resample apart: scipy draws where we enumerate, and interpolates between order statistics."""
    theirs = stats.bootstrap((values,), np.mean, n_resamples=50_000, method="percentile", rng=np.random.default_rng(1))
    ours = percentile_bootstrap(values)
    close = {"abs": 0.03 * np.ptp(values)}
    assert (ours.low, ours.high) == pytest.approx(tuple(theirs.confidence_interval), **close)


def test_the_studentized_bootstrap_is_that_of_its_textbook():
    """Efron & Tibshirani's recipe in plain loops over all 5^5 resamples. scipy has no studentized bootstrap."""
    x = np.sort(RATES[:5])
    error, t_values = x.std(ddof=1) / 5**0.5, []
    for picked in np.ndindex(*(5,) * 5):
        y = x[list(picked)]
        spread = y.std(ddof=1) / 5**0.5
        flat = np.sign(y.mean() - x.mean()) * 1e300
        t_values.append((y.mean() - x.mean()) / spread if spread > 1e-12 else flat)
    low, high = np.quantile(t_values, [0.025, 0.975], method="inverted_cdf")
    ours = studentized_bootstrap(list(x))
    assert (ours.low, ours.high) == pytest.approx((x.mean() - high * error, x.mean() - low * error))


@pytest.mark.parametrize("name", ["poisson", "exponential", "normal"])
def test_beyond_a_thousand_episodes_a_bootstrap_is_the_limit_of_what_it_draws(name, monkeypatch):
    values = getattr(np.random.default_rng(1), name)(size=1_001).tolist()
    limits = [method(values) for method in (percentile_bootstrap, studentized_bootstrap)]
    monkeypatch.setattr(intervals, "MOST_RESAMPLED", 2_000)
    error = np.std(values) / 1_001**0.5
    for limit, drawn in zip(limits, (percentile_bootstrap(values), studentized_bootstrap(values)), strict=True):
        assert limit.method.endswith(", limit of all draws")
        assert drawn.method.endswith(", 10,000 draws")
        # The error of a 2.5% quantile of 10,000 draws is 0.027 standard errors of the mean.
        assert (limit.low, limit.high) == pytest.approx((drawn.low, drawn.high), abs=4 * 0.027 * error)


def test_an_outlier_that_makes_the_mean_skewed_is_drawn_however_many_the_episodes():
    assert percentile_bootstrap([0.0, 1.0] * 750 + [1_000.0]).method.endswith("10,000 draws")


def test_every_interval_says_its_method_and_how_many_it_rests_on():
    for method, name in (
        (t_interval, "t"),
        (percentile_bootstrap, "percentile"),
        (studentized_bootstrap, "studentized"),
    ):
        interval = method(RATES)
        assert (interval.method.startswith(name), interval.n) == (True, 9)
    assert welch_interval(RATES, RATES[:4])[0].n == 4


def test_students_t_covers_normal_means_where_the_percentile_bootstrap_of_five_does_not():
    data = np.random.default_rng(7).normal(size=(1_500, 5)).tolist()
    rates = {}
    for method in (t_interval, percentile_bootstrap):
        intervals = [method(x) for x in data]
        rates[method.__name__] = np.mean([i.low <= 0 <= i.high for i in intervals])
    assert rates["t_interval"] > 0.93
    assert rates["percentile_bootstrap"] < 0.87
