"""Boundaries as published, and intervals that hold however often a lift is looked at."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from di_assets.measures.alpha_spending import boundaries, crossing, obrien_fleming
from di_assets.measures.intervals import t_interval
from di_assets.measures.sequential import confidence_sequence, look_at, looking_interval, looking_p

GAPS = [12.0, -3.0, 8.0, 15.0, 4.0, 9.0, -1.0, 7.0, 11.0, 2.0, 6.0, 13.0, 5.0, 10.0, 0.0]
FIFTHS = (0.2, 0.4, 0.6, 0.8, 1.0)


@pytest.mark.parametrize(
    ("spending", "looks", "published"),
    [
        # Lan & DeMets' spending functions, two-sided 5%, as tabulated by Reboussin, DeMets, Kim & Lan (2000, Controlled
        # Clinical Trials 21:190) and printed by the R packages ldbounds and gsDesign.
        (obrien_fleming, FIFTHS, [4.877, 3.357, 2.680, 2.290, 2.031]),
        (obrien_fleming, (1 / 3, 2 / 3, 1.0), [3.710, 2.511, 1.993]),
    ],
)
def test_spending_boundaries_are_those_published(spending, looks, published):
    found = boundaries(looks, tuple(spending(t, 0.05) for t in looks))
    assert found == pytest.approx(published, abs=6e-4)
    assert crossing(looks, found)[-1] == pytest.approx(0.05, abs=1e-12)


@pytest.mark.parametrize(
    ("bounds", "chance"),
    [
        # O'Brien & Fleming's and Pocock's own boundaries (Jennison & Turnbull 2000, tables 2.1 and 2.3).
        ([2.040 * math.sqrt(5 / k) for k in range(1, 6)], 0.05),
        ([2.413] * 5, 0.05),
        ([2.555] * 10, 0.05),
        # Naive peeking at 1.96 (Armitage, McPherson & Rowe 1969, table 2).
        ([1.96] * 2, 0.083),
        ([1.96] * 5, 0.142),
        ([1.96] * 10, 0.193),
    ],
)
def test_chances_to_cross_are_those_published(bounds, chance):
    assert crossing(range(1, len(bounds) + 1), bounds)[-1] == pytest.approx(chance, abs=5e-4)


def test_chances_to_cross_agree_with_a_multivariate_normal():
    information, bounds = (3.0, 4.0, 9.0), (2.5, 1.8, 2.1)
    covariance = [[math.sqrt(min(a, b) / max(a, b)) for b in information] for a in information]
    inside = stats.multivariate_normal([0.0] * 3, covariance).cdf(bounds, lower_limit=[-b for b in bounds])
    assert crossing(information, bounds)[-1] == pytest.approx(1 - inside, abs=1e-5)


def test_a_complete_plan_that_nobody_looked_at_has_the_paired_t():
    plain, found = t_interval(GAPS), looking_interval(GAPS, planned=15, looks=[])
    assert (found.low, found.high, found.method) == (plain.low, plain.high, "paired t")
    assert looking_p(GAPS, planned=15, looks=[]) == pytest.approx(stats.ttest_1samp(GAPS, 0).pvalue, rel=1e-5)


def test_looks_are_paid_for_at_the_end_and_before():
    last = looking_interval(GAPS, planned=15, looks=[3, 6, 9, 12])
    assert last.method == "alpha spending t, look 5, 15 of 15 pairs"
    nominal = 2 * stats.norm.sf(boundaries(FIFTHS, tuple(obrien_fleming(t, 0.05) for t in FIFTHS))[-1])
    low, high = stats.t.interval(1 - nominal, 14, loc=np.mean(GAPS), scale=stats.sem(GAPS))
    assert (last.low, last.high) == pytest.approx((low, high))
    early = looking_interval(GAPS[:9], planned=15, looks=[3, 6])
    assert early.high - early.low > 1.4 * (t_interval(GAPS[:9]).high - t_interval(GAPS[:9]).low)


def test_a_look_recorded_already_is_this_look_and_later_ones_do_not_matter():
    once = looking_interval(GAPS[:9], planned=15, looks=[3, 6])
    assert looking_interval(GAPS[:9], planned=15, looks=[12, 9, 6, 3]) == once


def test_an_arm_made_longer_after_a_look_keeps_what_it_spent():
    """Half of 10 pairs is as much as half of 20: what five pairs spent of ten is not given back."""
    longer = look_at(20, planned=20, looks=[5], plans=[10])
    assert longer.alpha < look_at(20, planned=20, looks=[5]).alpha
    spent = (obrien_fleming(0.5, 0.05), 0.05)
    assert longer.alpha == pytest.approx(2 * stats.norm.sf(boundaries((5.0, 20.0), spent)[-1]))


def test_beyond_a_plan_that_was_complete_when_looked_at_there_is_only_the_confidence_sequence():
    found = looking_interval(GAPS, planned=30, looks=[5, 10], plans=[10, 10])
    assert found == confidence_sequence(GAPS)
    assert found == looking_interval(GAPS, planned=0, looks=[])
    assert found.method == "t-mixture confidence sequence, 15 pairs"


@pytest.mark.parametrize(
    ("gaps", "planned", "reason"),
    [
        ([], 15, "no episode"),
        ([3.0], 15, "one episode"),
        ([2.0, 2.0, 2.0], 15, "no variance"),
        ([2.0, 3.0], 75, "too early: look 1, 2 of 75 pairs"),
        ([2.0, 3.0, 7.0], 15, "too early: look 1, 3 of 15 pairs"),  # 963 standard errors a side
        ([2.0, 3.0], 0, "too early for a confidence sequence: 2 pairs"),
    ],
)
def test_where_there_is_no_interval_the_reason_is_given(gaps, planned, reason):
    found = looking_interval(gaps, planned=planned, looks=[])
    assert (found.low, found.high, found.method) == (None, None, reason)
    p_value = looking_p(gaps, planned=planned, looks=[])
    assert p_value is None if len(set(gaps)) < 2 else p_value > 0.05


def test_the_ends_of_a_confidence_sequence_are_where_the_evidence_is_twenty_to_one():
    """The evidence by numerical integration over effects, straight from the noncentral t."""
    found = confidence_sequence(GAPS)
    n, t = len(GAPS), (np.mean(GAPS) - found.low) / stats.sem(GAPS)
    mixed = integrate.quad(lambda d: stats.nct.pdf(t, n - 1, d * math.sqrt(n)) * stats.norm.pdf(d), -6, 6)[0]
    assert mixed / stats.t.pdf(t, n - 1) == pytest.approx(20, rel=1e-6)


gap_lists = st.lists(st.integers(-100, 100).map(float), min_size=2, max_size=20)
look_lists = st.lists(st.integers(2, 25), max_size=6, unique=True)


@settings(max_examples=60)
@given(gap_lists, look_lists, st.integers(0, 30), st.data())
def test_a_looking_interval_is_never_narrower_than_the_paired_t(gaps, looks, planned, data):
    plans = data.draw(st.lists(st.integers(0, 30), min_size=len(looks), max_size=len(looks)))
    plain, found = t_interval(gaps), looking_interval(gaps, planned=planned, looks=looks, plans=plans)
    if found.low is None:
        assert found.method == plain.method or found.method.startswith("too early")
    else:
        assert found.low <= plain.low + 1e-9
        assert found.high >= plain.high - 1e-9


@settings(max_examples=30)
@given(gap_lists, look_lists, st.integers(1, 30))
def test_p_is_below_five_percent_just_where_the_interval_leaves_zero_out(gaps, looks, planned):
    found, p_value = (f(gaps, planned=planned, looks=looks) for f in (looking_interval, looking_p))
    if found.low is not None and abs(p_value - 0.05) > 1e-6:
        assert (p_value < 0.05) == (found.low > 0 or found.high < 0)


@settings(max_examples=30)
@given(gap_lists, look_lists, st.integers(0, 30), st.randoms(use_true_random=False))
def test_order_changes_no_bit_and_sign_turns_the_interval_round(gaps, looks, planned, random):
    found = looking_interval(gaps, planned=planned, looks=looks)
    shuffled, turned = random.sample(gaps, len(gaps)), [-gap for gap in gaps]
    assert looking_interval(shuffled, planned=planned, looks=looks[::-1]) == found
    back = looking_interval(turned, planned=planned, looks=looks)
    assert (back.low is None) == (found.low is None)
    if found.low is not None:
        assert (-back.high, -back.low) == pytest.approx((found.low, found.high), abs=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("planned", "looks", "experiments", "most"),
    [
        (15, range(2, 16), 200_000, 0.057),
        (15, range(3, 16, 3), 200_000, 0.0545),
        (75, range(5, 76, 5), 40_000, 0.0535),
        (75, range(2, 76), 40_000, 0.0555),
    ],
)
def test_brute_force_experiments_without_effect_err_as_often_as_said(planned, looks, experiments, most):
    """Normal pairs; t at a normal boundary's level errs a little too often where pairs are few."""
    n = np.array(looks)
    x = np.random.default_rng(7).normal(size=(experiments, planned))
    sums, squares = x.cumsum(axis=1)[:, n - 1], (x**2).cumsum(axis=1)[:, n - 1]
    t = np.abs(sums / n) / np.sqrt((squares - sums**2 / n) / (n - 1) / n)
    levels = np.array([look_at(k, planned=planned, looks=looks).alpha for k in looks])
    p_values = 2 * stats.t.sf(t, n - 1)
    assert 0.047 < (p_values <= levels).any(axis=1).mean() < most


@pytest.mark.slow
def test_a_confidence_sequence_that_is_looked_at_two_hundred_times_errs_in_at_most_one_of_twenty():
    unit = np.array([-1.0, 1.0])  # standard deviation and spread are known: half-widths in standard errors follow
    n = np.arange(2, 201)
    critical = []
    for k in n:
        found = confidence_sequence([*np.tile(unit, k // 2), *([0.0] * (k % 2))])
        error = stats.sem([*np.tile(unit, k // 2), *([0.0] * (k % 2))])
        critical.append(math.inf if found.low is None else found.high / error)
    x = np.random.default_rng(8).normal(size=(40_000, 200))
    sums, squares = x.cumsum(axis=1)[:, n - 1], (x**2).cumsum(axis=1)[:, n - 1]
    t = np.abs(sums / n) / np.sqrt((squares - sums**2 / n) / (n - 1) / n)
    assert 0.02 < (t >= np.array(critical)).any(axis=1).mean() <= 0.05
