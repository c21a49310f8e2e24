"""Simulated once per game: which episodes are of one game, and that a game gives the same null wherever it is played."""

import numpy as np
import pytest

from di_assets.game import edges
from di_assets.measures.talkless import games_of, mixture, null_of, pool
from tests.measures.test_vectors import tables_of, together


def game(topology="complete", *, n=5, rounds=25, seat=0, seed=0):
    vector = {"n_seats": n, "n_rounds": rounds, "edges": edges(topology, n, seed=seed), "asks": [], "pulls": []}
    tables = tables_of(vector, focal_seat=seat)
    return games_of(tables["episodes"], tables["edges"])["e"]


def test_seats_are_alike_where_the_graph_can_be_turned():
    for topology in ("complete", "ring"):
        assert game(topology, seat=3) == game(topology, seat=0)
    assert game("star", seat=3) != game("star", seat=0)


def test_another_graph_size_or_length_is_another_game():
    assert len({game(), game("ring"), game(n=4), game(rounds=8)}) == 4


def test_a_mixed_arm_has_no_seat():
    assert game(seat=None).seat == -1
    assert np.isnan(pool(((game(seat=None), 1),))["focal_points"]).all()


def test_games_are_those_of_each_episode_in_any_order_of_rows():
    vectors = {
        f"{topology}{n}": {"n_seats": n, "n_rounds": 4, "edges": edges(topology, n, seed=0), "asks": [], "pulls": []}
        for topology in ("star", "complete")
        for n in (4, 5)
    }
    tables = together(*(tables_of(vector, episode_id=one) for one, vector in vectors.items()))
    found = games_of(tables["episodes"].reverse(), tables["edges"].sample(fraction=1, shuffle=True, seed=1))
    assert found == {
        f"{topology}{n}": game(topology, n=n, rounds=4) for topology in ("star", "complete") for n in (4, 5)
    }
    assert found["star4"].adjacent.sum() == 2 * 3


def test_a_mixture_is_the_same_for_any_multiple():
    one, other = game("star", seat=0), game("star", seat=1)
    assert mixture({one: 4, other: 6}) == mixture({other: 3, one: 2})
    assert mixture({one: 4, other: 6}) != mixture({one: 1, other: 1})


def test_games_are_simulated_in_their_proportions():
    hub, leaf = game("star", seat=0), game("star", seat=1)
    points = pool(mixture({hub: 1, leaf: 3}))["focal_points"]
    means = [pool(((one, 1),))["focal_points"].mean() for one in (hub, leaf)]
    assert len(points) == 10_000
    assert points.mean() == pytest.approx((means[0] + 3 * means[1]) / 4, abs=0.3)
    assert means[0] > 2 * means[1]


def test_the_same_game_has_the_same_null_in_every_process():
    first = null_of(((game(), 1),), "cascades", 5)
    null_of.cache_clear()
    pool.cache_clear()
    again = null_of(((game(), 1),), "cascades", 5)
    assert (first.means == again.means).all()
    assert (first.mean, first.error) == (again.mean, again.error)
