"""Matched pairs of two sides, against pairs made by hand."""

import polars as pl

from di_assets.measures.matched import by_seed, matched


def side(*rows):
    """(episode_id, seed, model, points, launch)"""
    columns = ("episode_id", "seed", "focal_model", "focal_points", "launch")
    schema = dict(zip(columns, (pl.String, pl.Int64, pl.String, pl.Int64, pl.String), strict=True))
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(focal_capture=pl.lit(0.1))


def ids(pairs):
    return pairs.select("episode_id_left", "episode_id_right", "gap").rows()


LEFT = side(("l3", 2, "m", 20, None), ("l1", 1, "m", 30, None), ("l2", 1, "n", 10, None))
RIGHT = side(("r1", 1, "m", 25, None), ("r2", 1, "n", 12, None), ("r9", 9, "m", 1, None))


def test_episodes_of_one_seed_and_model_are_pairs():
    assert ids(matched(LEFT, RIGHT, across_models=False)) == [("l1", "r1", 5), ("l2", "r2", -2)]


def test_across_models_the_seed_alone_makes_a_pair():
    left, right = LEFT.filter(focal_model="m"), RIGHT.filter(focal_model="n")
    assert ids(matched(left, right, across_models=True)) == [("l1", "r2", 18)]
    assert ids(matched(left, right, across_models=False)) == []


def test_the_kth_launch_of_a_seed_is_set_against_the_kth_and_counts_once():
    left = side(("b", 1, "m", 20, "2026-02"), ("a", 1, "m", 10, "2026-01"), ("c", 2, "m", 7, None))
    right = side(
        ("x", 1, "m", 1, "2026-03"), ("y", 1, "m", 2, "2026-04"), ("z", 1, "m", 3, "2026-05"), ("w", 2, "m", 7, None)
    )
    pairs = matched(left, right, across_models=False)
    assert ids(pairs) == [("a", "x", 9), ("b", "y", 18), ("c", "w", 0)]
    assert by_seed(pairs).rows() == [(1, 15.0, 1.5), (2, 7.0, 7.0)]


def test_the_order_of_rows_changes_nothing():
    pairs = matched(LEFT, RIGHT, across_models=False)
    assert matched(LEFT.reverse(), RIGHT.reverse(), across_models=False).equals(pairs)
