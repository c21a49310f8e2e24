"""Pairs for a wanted precision or power: figures known from elsewhere, and the least number that is enough."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.power import TTestPower

from di_assets.measures.power import MOST_PAIRS, PRIOR_SD, pair_plan, pairs_for_power, pairs_for_precision, spread_of

TEN = [4.0, 11.0, 7.0, -2.0, 9.0, 15.0, 3.0, 8.0, 6.0, 10.0]


@pytest.mark.parametrize(
    ("effect", "alpha", "pairs"), [(0.2, 0.05, 199), (0.5, 0.05, 34), (0.8, 0.05, 15), (0.5, 0.01, 51)]
)
def test_eighty_percent_power_takes_the_pairs_that_are_known_for_it(effect, alpha, pairs):
    """G*Power's figures for small, medium and large effects, two-sided; the last from statsmodels."""
    assert pairs_for_power(effect * 10, sd=10, power=0.8, alpha=alpha) == pairs
    assert math.ceil(TTestPower().solve_power(effect, power=0.8, alpha=alpha)) == pairs


def test_a_half_width_takes_the_pairs_that_students_t_asks_for():
    """t(14) 10 / sqrt(15) = 5.54, t(17) 10 / sqrt(18) = 4.97, t(16) 10 / sqrt(17) = 5.14."""
    assert pairs_for_precision(5.6, sd=10) == 15
    assert pairs_for_precision(5.0, sd=10) == 18


@settings(max_examples=60)
@given(st.floats(1, 60), st.floats(0.5, 30))
def test_one_pair_fewer_would_be_too_wide(half_width, sd):
    n = pairs_for_precision(half_width, sd=sd)
    width = {k: stats.t.ppf(0.975, k - 1) * sd / math.sqrt(k) for k in (n - 1, n) if k > 1}
    assert width[n] <= half_width * (1 + 1e-9)
    assert n == 2 or width[n - 1] > half_width


@settings(max_examples=60)
@given(st.floats(0.05, 1e6), st.floats(0.5, 0.99), st.sampled_from([0.05, 0.01]))
def test_one_pair_fewer_would_be_too_weak(ratio, power, alpha):
    n = pairs_for_power(ratio, sd=1.0, power=power, alpha=alpha)
    assert 2 <= n <= MOST_PAIRS
    assert n == 2 or TTestPower().power(ratio, n - 1, alpha) < power
    assert not TTestPower().power(ratio, n, alpha) < power


def test_more_than_anyone_plays_is_no_number():
    assert pairs_for_precision(0.01, sd=10) is None
    assert pairs_for_power(0.01, sd=10, power=0.8, alpha=0.05) is None


@pytest.mark.parametrize(
    ("gaps", "points", "sd", "basis"),
    [
        (TEN, TEN, np.std(TEN, ddof=1), "10 pairs"),
        (TEN[:4], TEN, np.std(TEN, ddof=1) * math.sqrt(2), "10 episodes on"),
        ([0.0] * 10, TEN, np.std(TEN, ddof=1) * math.sqrt(2), "10 episodes on"),
        ([], [7.0] * 10, PRIOR_SD, "prior"),
        ([], [], PRIOR_SD, "prior"),
    ],
)
def test_the_spread_is_the_best_guess_there_is(gaps, points, sd, basis):
    found = spread_of(gaps, points)
    assert (found.sd, found.basis) == (pytest.approx(sd), basis)


def test_power_pays_for_every_model_and_precision_for_none():
    spread = spread_of([], [])
    one, five = (pair_plan(spread, precision=5, effect=5, power=0.8, comparisons=k) for k in (1, 5))
    assert (one.alpha, five.alpha) == pytest.approx((0.05, 0.01))
    assert (one.for_precision, five.for_precision) == (19, 19)
    assert (one.for_power, five.for_power) == (35, 52)
    nothing = pair_plan(spread, precision=None, effect=5, power=None, comparisons=1)
    assert (nothing.for_precision, nothing.for_power) == (None, None)
