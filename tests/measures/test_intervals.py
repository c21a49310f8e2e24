import pytest
from scipy import stats

from di_assets.measures.intervals import percentile_bootstrap, studentized_bootstrap, t_interval, welch_interval
from di_assets.measures.lift import holm, paired_lift, sign_flip_p

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


def test_five_pairs_cannot_get_below_one_in_sixteen():
    assert sign_flip_p([5.0, 4.0, 3.0, 6.0, 1.0]) == 0.0625


def test_the_sign_flip_test_agrees_with_scipy():
    gaps = [3.0, -1.0, 4.0, 1.0, -5.0, 9.0, 2.0, 6.0]
    theirs = stats.permutation_test(
        (gaps,), lambda x, axis: x.sum(axis=axis), permutation_type="samples", vectorized=True
    )
    assert sign_flip_p(gaps) == pytest.approx(theirs.pvalue)


def test_pairs_have_a_lift_and_a_correlation():
    result = paired_lift([10.0, 12.0, 15.0], [4.0, 7.0, 8.0])
    assert result.lift == 6.0
    assert result.correlation == pytest.approx(stats.pearsonr([10, 12, 15], [4, 7, 8]).statistic)


def test_holm_steps_down():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
