"""An episode's pulls in other orders of rounds: what a shuffle keeps, and its exact mean over all orders."""

import itertools

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from di_assets.measures import shuffles as of_shuffles
from di_assets.measures.dense import NOBODY, cascades, floor_points, paybacks
from di_assets.measures.dense import given as pulls_given
from di_assets.measures.shuffle_means import mean_cascades, mean_floor_points, mean_paybacks
from di_assets.measures.shuffles import FEW, FIRST_REPLICATES, MANY, shuffled, shuffles
from tests.measures.test_invariants import random_vector
from tests.measures.test_vectors import EXAMPLE, frames_of, tables_of, together

N, ROUNDS = 5, 25
KEYS = np.arange(12, dtype=np.uint64)


def table_of(tables):
    return shuffles(tables["episodes"], tables["edges"], tables["pulls"])


def test_a_shuffle_keeps_every_pull_with_its_puller():
    targets = np.random.default_rng(5).integers(NOBODY, N, size=(12, ROUNDS, N))
    once = shuffled(targets, KEYS, np.ones(12, dtype=np.int64))
    assert (np.sort(once, axis=1) == np.sort(targets, axis=1)).all()
    assert (once != targets).any()
    # Pullers are shuffled apart: what they did in one round is not kept together.
    rows = {tuple(row) for row in targets.reshape(-1, N)}
    assert any(tuple(row) not in rows for row in once.reshape(-1, N))


def test_every_order_is_as_likely_as_every_other():
    targets = np.broadcast_to(np.arange(3)[None, :, None], (6_000, 3, 2))
    keys = np.arange(6_000, dtype=np.uint64) * np.uint64(2**40)
    orders, counts = np.unique(
        shuffled(targets, keys, np.full(6_000, 7)).reshape(6_000, -1), axis=0, return_counts=True
    )
    assert len(orders) == 36
    assert np.abs(counts - 6_000 / 36).max() < 5 * np.sqrt(6_000 / 36)


def test_an_order_depends_on_the_block_and_its_number_alone():
    targets = np.broadcast_to(np.random.default_rng(5).integers(0, N, size=(ROUNDS, N)), (4, ROUNDS, N))
    one, other, again, fresh = shuffled(targets, KEYS[[3, 4, 3, 3]], np.array([1, 1, 1, 2]))
    assert (one == again).all()
    assert (one != other).any()
    assert (one != fresh).any()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.integers(3, 4), st.integers(1, 3))
def test_the_means_are_those_over_all_orders(seed, n, n_rounds):
    rng = np.random.default_rng(seed)
    adjacent = np.triu(rng.random((n, n)) < 0.8, 1)
    adjacent[0] = ~np.eye(n, dtype=bool)[0]
    adjacent |= adjacent.T
    targets = np.array([[rng.choice([NOBODY, *np.flatnonzero(row)]) for row in adjacent] for _ in range(n_rounds)])
    every = itertools.product(itertools.permutations(range(n_rounds)), repeat=n)
    all_orders = np.array([[targets[list(order), i] for i, order in enumerate(orders)] for orders in every])
    all_orders = all_orders.swapaxes(1, 2)
    graphs = np.broadcast_to(adjacent, (len(all_orders), n, n))
    pulls = pulls_given(targets[None])
    assert mean_cascades(pulls, adjacent[None], n_rounds) == pytest.approx(cascades(all_orders, graphs).mean())
    paid = paybacks(all_orders, window=3).sum(axis=(1, 2)).mean()
    assert mean_paybacks(pulls, n_rounds, window=3) == pytest.approx(paid)
    floors = floor_points(all_orders, graphs).mean(axis=0)
    for seat in range(n):
        assert mean_floor_points(pulls, adjacent[None], n_rounds, np.array([seat])) == pytest.approx(floors[seat])


def test_a_window_of_two_rounds_and_many_rounds_agree_with_random_orders():
    targets = np.random.default_rng(1).integers(NOBODY, N, size=(1, ROUNDS, N))
    targets[targets == np.arange(N)] = NOBODY
    many = shuffled(np.repeat(targets, 4_000, axis=0), np.repeat(KEYS[:1], 4_000), np.arange(1, 4_001))
    for window in (1, 2, 6):
        paid = paybacks(many, window=window).sum(axis=(1, 2))
        expected = mean_paybacks(pulls_given(targets), ROUNDS, window=window)[0]
        assert abs(paid.mean() - expected) < 4 * paid.std() / np.sqrt(len(paid))


def test_the_first_replicates_have_many_orders_and_the_others_a_few():
    early, late = (tables_of(EXAMPLE, episode_id=one) for one in "ab")
    late["episodes"] = late["episodes"].with_columns(replicate=pl.lit(FIRST_REPLICATES, dtype=pl.Int64))
    made = table_of(together(early, late))
    assert made.group_by("episode_id").len().sort("episode_id")["len"].to_list() == [MANY + 1, FEW + 1]
    assert made["shuffle"].to_list() == [*range(MANY + 1), *range(FEW + 1)]
    # Of one block: the orders are alike.
    columns = [made.filter(pl.col("episode_id") == one, pl.col("shuffle") <= FEW).drop("episode_id") for one in "ab"]
    assert columns[0].equals(columns[1])


def test_a_shuffled_episode_has_the_measures_of_an_episode_of_these_pulls(monkeypatch):
    monkeypatch.setattr(of_shuffles, "shuffled", lambda targets, *_: targets)
    for seed, topology in enumerate(["complete", "ring", "star"]):
        vector = random_vector(seed, topology)
        made = table_of(tables_of(vector)).filter(pl.col("shuffle") == 1)
        whole = frames_of(vector)["whole"]
        for name in ("cascades", "payback_rate", "focal_floor_points"):
            assert made[name][0] == pytest.approx(whole[name][0])


def test_an_episode_is_shuffled_in_a_batch_as_it_is_alone(monkeypatch):
    alone = [tables_of(random_vector(k, "ring"), episode_id=f"e{k}") for k in range(4)]
    expected = pl.concat([table_of(tables) for tables in alone])
    monkeypatch.setattr(of_shuffles, "MOST_CELLS", 1)
    assert table_of(together(*reversed(alone))).equals(expected)


def test_without_a_focal_seat_or_a_valid_pull_the_measure_is_null():
    forfeited = {**EXAMPLE, "pulls": [{**pull, "target": None} for pull in EXAMPLE["pulls"]]}
    tables = tables_of(forfeited)
    tables["episodes"] = tables["episodes"].with_columns(focal_seat=None, focal_model=None)
    made = table_of(tables)
    assert made["payback_rate"].null_count() == made["focal_floor_points"].null_count() == made.height
    assert made["cascades"].unique().to_list() == [0.0]
