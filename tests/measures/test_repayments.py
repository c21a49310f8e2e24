"""Propensities to repay and the floors they give: by hand, at the forecast's own world, and in worlds between."""

import numpy as np
import polars as pl
import pytest

from di_assets.measures.choices import choices
from di_assets.measures.intervals import t_interval
from di_assets.measures.logit import FEW, NO_VARIANCE
from di_assets.measures.repayments import NO_CHOICE, NOTHING_OWED, estimated_floors, repayments
from di_assets.measures.talkless import simulate
from di_assets.tables import TABLES
from tests.measures.test_invariants import random_vector
from tests.measures.test_vectors import EXAMPLE, measured, tables_of, together

N = 5
COMPLETE = [(a, b) for a in range(N) for b in range(a + 1, N)]


def vector_of(targets, graph=COMPLETE):
    rounds, n = targets.shape
    pulls = [{"round": t + 1, "puller": i, "target": int(targets[t, i])} for t in range(rounds) for i in range(n)]
    return {"n_seats": n, "n_rounds": rounds, "edges": graph, "pulls": pulls, "asks": []}


def played(vectors, *, seeds=None):
    tables = together(*(tables_of(v, episode_id=f"e{k:03}") for k, v in enumerate(vectors)))
    tables["episodes"] = tables["episodes"].with_columns(seed=pl.Series(seeds or list(range(len(vectors)))))
    return tables


def counted(tables):
    return choices(*(tables[name] for name in ("episodes", "seats", "edges", "messages", "pulls", "labels")))


def owed_in(tables):
    return tables["episodes"], counted(tables)


def floors(tables):
    made = counted(tables)
    repaid = repayments(tables["episodes"], made)
    return estimated_floors(tables["episodes"], measured(tables)["whole"], made, repaid)


def repayers(n, *, w, seed, rounds=25):
    """Games of five who repay with probability w (of all, or of each seat), else pull anyone."""
    w = np.broadcast_to(w, N)
    rng = np.random.default_rng(seed)
    games = np.zeros((n, rounds, N), dtype=np.int64)
    for game in games:
        for t in range(rounds):
            for i in range(N):
                last = [j for j in range(N) if t and game[t - 1, j] == i]
                near = [j for j in range(N) if j != i]
                game[t, i] = rng.choice(last if last and rng.random() < w[i] else near)
    return games


def test_the_worked_example_by_hand():
    tables = played([EXAMPLE])
    (row,) = repayments(*owed_in(tables)).iter_rows(named=True)
    # Owed: 0->1 and 1->0 in round 2, 0->2 and 1->0 in round 3; all but 0->2 repay. By chance: 0 owes both its neighbours
    # in round 2, 1 both in round 3, and one of two the other times: 1 + 1/2 + 1/2 + 1.
    assert (row["n_owed"], row["repaid_share"], row["chance_share"]) == (4, 3 / 4, 3 / 4)
    assert (row["propensity"], row["ci_low"], row["ci_method"]) == (0, None, FEW)
    (row,) = floors(tables).iter_rows(named=True)
    # With a propensity of 0 seat 0's floor is chance: two rivals of two neighbours each, three rounds.
    assert (row["n"], row["points_mean"], row["floor_points_mean"]) == (1, 5, 3.5)
    assert row["estimated_floor_points_mean"] == pytest.approx(3)
    assert row["above_mean"] == pytest.approx(2)
    assert (row["ci_low"], row["ci_method"]) == (None, "one episode")


def test_where_everybody_repays_the_estimated_floor_is_the_assumed_one():
    adjacent = np.broadcast_to(~np.eye(N, dtype=bool), (8, N, N))
    tables = played([vector_of(y) for y in simulate(adjacent, 25, rng=np.random.default_rng(1))])
    (row,) = repayments(*owed_in(tables)).iter_rows(named=True)
    assert (row["propensity"], row["repaid_share"], row["ci_method"]) == (1, 1, NO_VARIANCE)
    (row,) = floors(tables).iter_rows(named=True)
    assert row["estimated_floor_points_mean"] == pytest.approx(row["floor_points_mean"], abs=1e-9)
    whole = measured(tables)["whole"]
    expected = t_interval((whole["focal_points"] - whole["focal_floor_points"]).to_list())
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((expected.low, expected.high), abs=1e-9)


@pytest.mark.parametrize("w", [0.0, 0.4, 0.8])
def test_a_planted_propensity_is_found_and_points_stand_at_the_floor_it_gives(w):
    tables = played([vector_of(y) for y in repayers(60, w=w, seed=2)])
    (row,) = repayments(*owed_in(tables)).iter_rows(named=True)
    assert row["ci_low"] < w < row["ci_high"]
    assert row["ci_high"] - row["ci_low"] < 0.1
    assert row["ci_method"] == "clustered t"
    (row,) = floors(tables).iter_rows(named=True)
    assert row["ci_low"] < 0 < row["ci_high"]


def test_who_avoids_whom_it_owes_is_below_chance_and_lends_the_floor_nothing():
    # Everyone pulls the next seat, then the next but one, and so on: never one that pulled it last.
    targets = np.array([[(i + 1 + t % 2) % N for i in range(N)] for t in range(20)])
    tables = played([vector_of(targets)] * 6)
    (row,) = repayments(*owed_in(tables)).iter_rows(named=True)
    assert row["propensity"] == pytest.approx(-1 / 3)
    (row,) = floors(tables).iter_rows(named=True)
    assert row["estimated_floor_points_mean"] == pytest.approx(20)


def test_each_rival_model_lends_its_own_propensity():
    tables = played([vector_of(y) for y in repayers(60, w=(1.0, 1.0, 1.0, 1.0, 0.0), seed=3)])
    last = pl.when(pl.col("seat") == 4).then(pl.lit("k")).otherwise(pl.col("model"))
    tables["seats"] = tables["seats"].with_columns(model=last)
    rows = {row["model"]: row for row in repayments(*owed_in(tables)).iter_rows(named=True)}
    assert rows["m"]["propensity"] == 1
    assert rows["k"]["ci_low"] < 0 < rows["k"]["ci_high"]
    (row,) = floors(tables).iter_rows(named=True)
    assert row["ci_low"] < 0 < row["ci_high"]


def test_what_is_never_owed_or_leaves_no_choice_has_no_propensity_and_a_floor_all_the_same():
    (row,) = repayments(*owed_in(played([vector_of(np.array([[1, 2, 3, 4, 0]]))]))).iter_rows(named=True)
    assert (row["n_owed"], row["repaid_share"], row["propensity"], row["ci_method"]) == (0, None, None, NOTHING_OWED)
    pair = played([vector_of(np.array([[1, 0]] * 4), [(0, 1)])])
    (row,) = repayments(*owed_in(pair)).iter_rows(named=True)
    assert (row["n_owed"], row["repaid_share"], row["propensity"], row["ci_method"]) == (6, 1, None, NO_CHOICE)
    (row,) = floors(pair).iter_rows(named=True)
    assert (row["points_mean"], row["floor_points_mean"], row["estimated_floor_points_mean"]) == (4, 4, 4)


def test_relaunches_of_a_seed_are_one_episode_and_forfeits_alone_have_a_floor_of_nothing():
    vectors = [random_vector(k) for k in range(6)]
    (row,) = floors(played(vectors, seeds=[1, 1, 2, 2, 3, 3])).iter_rows(named=True)
    assert (row["n"], row["ci_method"]) == (3, "t")
    lost = {**vectors[0], "pulls": [{**p, "target": None} for p in vectors[0]["pulls"]]}
    made = floors(played([lost, lost]))
    assert made.select("n", "points_mean", "estimated_floor_points_mean", "above_mean", "ci_method").rows() == [
        (2, 0.0, 0.0, 0.0, "no variance")
    ]


def test_nothing_is_nothing_and_row_order_changes_no_bit():
    tables = played([random_vector(k, topology) for k, topology in enumerate(["complete", "ring", "star", "complete"])])
    made = floors(tables)
    shuffled = {name: frame.sample(fraction=1, shuffle=True, seed=1) for name, frame in tables.items()}
    assert floors(shuffled).equals(made)
    assert repayments(*owed_in(shuffled)).equals(repayments(*owed_in(tables)))
    empty = {name: frame.clear() for name, frame in tables.items()}
    assert floors(empty).equals(TABLES["estimated_floors"].empty())
    assert repayments(*owed_in(empty)).equals(TABLES["repayments"].empty())


def test_an_episode_whose_choices_are_not_counted_yet_is_left_out():
    tables = played([random_vector(k) for k in range(3)])
    made = counted(tables).filter(pl.col("episode_id") != "e001")
    repaid = repayments(tables["episodes"], made)
    (row,) = estimated_floors(tables["episodes"], measured(tables)["whole"], made, repaid).iter_rows(named=True)
    assert row["n"] == 2
