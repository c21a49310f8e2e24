"""A mean's place among a null's: counted by hand, and normal where there are many."""

import numpy as np
import pytest
from scipy.stats import gamma, norm

from di_assets.measures.null_means import MEANS, MOST_DRAWN, Null, held_against, means_of_draws, means_of_shuffles

N = 10 * MOST_DRAWN


def null(*means):
    return Null(np.array(means), float(np.mean(means)), 0.0)


def test_a_place_is_the_share_below_with_equal_ones_half_and_p_counts_the_observed_one_in():
    held = held_against(np.array([1.0, 3.0, np.nan]), null(0.0, 1.0, 2.0, 2.0, 5.0))
    assert (held.n, held.observed_mean, held.null_mean) == (2, 2.0, 2.0)
    # Two below, two equal, one above: the smaller tail is 1 + 2 of 5.
    assert held.null_place == pytest.approx(3 / 5)
    assert held.p_value == min(1.0, 2 * (1 + 3) / 6)


@pytest.mark.parametrize(("observed", "place"), [(-1.0, 0.0), (9.0, 1.0)])
def test_beyond_every_mean_of_the_null_p_is_the_least_it_can_be(observed, place):
    held = held_against(np.array([observed]), null(*np.arange(0.0, 5.0)))
    assert (held.null_place, held.p_value) == (place, 2 / 6)


def test_a_null_that_is_all_the_same_as_what_is_observed_is_no_evidence():
    held = held_against(np.array([0.5, 0.5]), null(*np.full(200, 0.5)))
    assert (held.null_place, held.p_value, held.null_low, held.null_high) == (0.5, 1.0, 0.5, 0.5)


def test_without_a_value_or_a_null_there_is_nothing_to_hold():
    rng = np.random.default_rng(1)
    none = (
        means_of_draws(np.array([np.nan]), n=3, rng=rng),
        means_of_draws(np.ones(3), n=0, rng=rng),
        means_of_shuffles(np.array([]), [], enough=2),
    )
    for observed, without, n in ((np.array([np.nan]), null(1.0), 0), *((np.array([1.0]), one, 1) for one in none)):
        held = held_against(observed, without)
        assert held.n == n
        assert {held.observed_mean, held.null_mean, held.null_error, held.null_place, held.p_value} == {None}


def test_means_of_many_draws_are_a_normal_with_the_pools_own_error_added():
    pool = np.random.default_rng(1).normal(size=10_000)
    many = means_of_draws(pool, n=N, rng=np.random.default_rng(2))
    assert len(many.means) == MEANS
    assert (many.mean, many.error) == pytest.approx((pool.mean(), pool.std() / 100))
    error = pool.std() * np.sqrt(1 / N + 1 / len(pool))
    assert np.quantile(many.means, (0.025, 0.975)) == pytest.approx(norm.interval(0.95, pool.mean(), error), abs=0.001)


def test_where_draws_end_their_limit_is_off_by_less_than_the_error_of_the_pool(monkeypatch):
    pool = np.random.default_rng(1).exponential(size=10_000)  # more skewed than any measure
    limit = means_of_draws(pool, n=MOST_DRAWN + 1, rng=np.random.default_rng(2))
    monkeypatch.setattr("di_assets.measures.null_means.MOST_DRAWN", N)
    drawn = means_of_draws(pool, n=MOST_DRAWN + 1, rng=np.random.default_rng(2))
    for share in (0.005, 0.025, 0.5, 0.975, 0.995):
        assert np.quantile(limit.means, share) == pytest.approx(np.quantile(drawn.means, share), abs=drawn.error)


def test_a_few_shuffles_of_many_episodes_give_the_spread_around_their_exact_means():
    rng = np.random.default_rng(3)
    own = rng.normal(size=N)
    parts = [
        own[start : start + size, None] + rng.exponential(size=(size, k)) - 1
        for start, size, k in ((0, 400, 2), (400, N - 400, 8))
    ]
    made = means_of_shuffles(own, parts, enough=8)
    assert (made.mean, made.error) == (own.mean(), 0)
    assert made.means.std() == pytest.approx(np.sqrt(1 / N), rel=0.1)
    # The sum of N exponentials is a gamma: its quantiles show that the skewness is kept.
    expected = own.mean() + gamma.ppf((0.005, 0.5, 0.995), N) / N - 1
    assert np.quantile(made.means, (0.005, 0.5, 0.995)) == pytest.approx(expected, abs=0.006)


def test_with_enough_shuffles_of_each_episode_there_is_a_mean_per_shuffle():
    made = means_of_shuffles(np.array([2.0, 4.0]), [np.array([[1.0, 2.0, 6.0], [3.0, 6.0, 0.0]])], enough=3)
    assert (made.means.tolist(), made.mean) == ([2.0, 4.0, 3.0], 3.0)


@pytest.mark.parametrize("n", [30, MOST_DRAWN + 1])
def test_a_mean_from_the_null_itself_has_a_uniform_place(n):
    rng, places = np.random.default_rng(4), []
    for _ in range(200):
        pool, observed = rng.exponential(size=2_000), rng.exponential(size=n)
        places.append(held_against(observed, means_of_draws(pool, n=n, rng=rng)).null_place)
    counts = np.histogram(places, bins=4, range=(0, 1))[0]
    assert (np.abs(counts - 50) < 25).all(), counts
