"""A mean's place among a null's: counted by hand, and normal where there are many."""

import numpy as np
import pytest
from scipy.stats import norm

from di_assets.measures.null_means import MEANS, MOST_DRAWN, held_against, means_of_draws, means_of_shuffles


def test_a_place_is_the_share_below_with_equal_ones_half_and_p_counts_the_observed_one_in():
    held = held_against(np.array([1.0, 3.0, np.nan]), np.array([0.0, 1.0, 2.0, 2.0, 5.0]))
    assert (held.n, held.observed_mean, held.null_mean) == (2, 2.0, 2.0)
    # Two below, two equal, one above: the smaller tail is 1 + 2 of 5.
    assert held.null_place == pytest.approx(3 / 5)
    assert held.p_value == min(1.0, 2 * (1 + 3) / 6)


@pytest.mark.parametrize(("observed", "place"), [(-1.0, 0.0), (9.0, 1.0)])
def test_beyond_every_mean_of_the_null_p_is_the_least_it_can_be(observed, place):
    held = held_against(np.array([observed]), np.arange(0.0, 5.0))
    assert (held.null_place, held.p_value) == (place, 2 / 6)


def test_a_null_that_is_all_the_same_as_what_is_observed_is_no_evidence():
    held = held_against(np.array([0.5, 0.5]), np.full(200, 0.5))
    assert (held.null_place, held.p_value, held.null_low, held.null_high) == (0.5, 1.0, 0.5, 0.5)


def test_without_a_value_or_a_null_there_is_nothing_to_hold():
    for observed, null, n in ((np.array([np.nan]), np.ones(3), 0), (np.array([1.0]), np.array([]), 1)):
        held = held_against(observed, null)
        assert held.n == n
        assert {held.observed_mean, held.null_mean, held.null_place, held.p_value} == {None}
    assert len(means_of_draws(np.array([np.nan]), n=3, rng=np.random.default_rng(1))) == 0
    assert len(means_of_draws(np.ones(3), n=0, rng=np.random.default_rng(1))) == 0
    assert len(means_of_shuffles(np.full((2, 3), np.nan))) == 0


def test_means_of_many_draws_are_normal_with_the_pools_own_error_added():
    pool = np.random.default_rng(1).exponential(size=10_000)
    drawn = means_of_draws(pool, n=MOST_DRAWN, rng=np.random.default_rng(2))
    normal = means_of_draws(pool, n=MOST_DRAWN + 1, rng=np.random.default_rng(2))
    assert len(drawn) == len(normal) == MEANS
    assert normal.mean() == pytest.approx(pool.mean())
    error = pool.std() * np.sqrt(1 / (MOST_DRAWN + 1) + 1 / len(pool))
    assert np.quantile(normal, (0.025, 0.975)) == pytest.approx(norm.interval(0.95, pool.mean(), error), abs=error / 50)
    assert drawn.std() == pytest.approx(pool.std() / np.sqrt(MOST_DRAWN), rel=0.05)


def test_means_of_shuffles_of_many_are_normal_with_their_variances_over_shuffles():
    rng = np.random.default_rng(3)
    own = rng.normal(size=(MOST_DRAWN + 1, 1))
    few, many = (own + rng.normal(size=(MOST_DRAWN + 1, k)) for k in (2, 200))
    error = np.sqrt(1 / (MOST_DRAWN + 1))
    for values, factor in ((few, 1 + 1 / 2), (many, 1 + 1 / 200)):
        made = means_of_shuffles(values)
        assert made.mean() == pytest.approx(values.mean())
        assert made.std() == pytest.approx(error * np.sqrt(factor), rel=0.05)
    # Few are drawn as they are: one mean a shuffle, an episode without a value left out.
    values = np.array([[1.0, 2.0], [np.nan, np.nan], [3.0, 6.0]])
    assert means_of_shuffles(values).tolist() == [2.0, 4.0]


@pytest.mark.parametrize("n", [30, MOST_DRAWN + 1])
def test_a_mean_from_the_null_itself_has_a_uniform_place(n):
    rng, places = np.random.default_rng(4), []
    for _ in range(200):
        pool, observed = rng.exponential(size=2_000), rng.exponential(size=n)
        places.append(held_against(observed, means_of_draws(pool, n=n, rng=rng)).null_place)
    counts = np.histogram(places, bins=4, range=(0, 1))[0]
    assert (np.abs(counts - 50) < 25).all(), counts
