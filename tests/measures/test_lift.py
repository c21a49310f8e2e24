"""Points and lift across episodes: blocks, pairs, what is compared with what, and what is still missing."""

import polars as pl
import pytest

from di_assets.measures.intervals import t_interval, welch_interval
from di_assets.measures.lift import lift
from di_assets.measures.points import model_points
from di_assets.measures.sign_flips import sign_flip_p
from di_assets.tables import TABLES

MIRRORS = {"mute": "talk"}
FOCAL = {"talk": ["m", "n"], "mute": ["m", "n"]}
ON, OFF = [40, 55, 61, 48, 70], [20, 31, 25, 28, 22]


def played(arm, points, *, model="m", seeds=None, launch="", topology="complete", rounds=25, scripted=False):
    """One focal episode a value: (episodes, episode_measures) rows as dicts."""
    channel = "none" if arm == "mute" else "open"
    condition = f"{topology}/pure/msg-{'off' if channel == 'none' else 'on'}"
    for k, got in enumerate(points):
        seed = seeds[k] if seeds else k
        yield {
            "episode_id": f"{arm}{launch}--{model}_r{k}",
            "arm": arm,
            "launch": launch or None,
            "condition": condition,
            "topology": topology,
            "payoff": "pure",
            "channel": channel,
            "focal_model": model,
            "focal_seat": 0,
            "replicate": k,
            "seed": seed,
            "n_seats": 5,
            "n_rounds": rounds,
            "scripted": scripted,
            "status": "complete",
            "focal_points": got,
            "focal_floor_points": got / 2,
            "focal_capture": got / 200,
        }


def tables(*parts):
    rows = [row for part in parts for row in part]
    frame = pl.DataFrame(rows, schema_overrides={"launch": pl.String})
    return (
        frame.select(c for c in TABLES["episodes"].schema if c in frame.columns),
        frame.select(c for c in TABLES["episode_measures"].schema if c in frame.columns),
    )


def lift_rows(*parts):
    frame = lift(*tables(*parts), mirrors=MIRRORS, focal=FOCAL)
    return {row["model"]: row for row in frame.iter_rows(named=True)}


def test_matched_pairs_give_a_paired_t_and_a_sign_flip_p():
    row = lift_rows(played("talk", ON), played("mute", OFF))["m"]
    gaps = [a - b for a, b in zip(ON, OFF, strict=True)]
    expected = t_interval(gaps)
    assert (row["n_on"], row["n_off"], row["n_pairs"]) == (5, 5, 5)
    assert (row["lift"], row["ci_low"], row["ci_high"]) == pytest.approx((29.6, expected.low, expected.high))
    assert (row["ci_method"], row["p_value"], row["needs"]) == ("paired t", sign_flip_p(gaps), None)


def test_relaunches_of_the_same_seeds_add_no_pairs_and_no_certainty():
    once = lift_rows(played("talk", ON), played("mute", OFF))["m"]
    again = lift_rows(*(played(arm, p, launch=k) for arm, p in (("talk", ON), ("mute", OFF)) for k in "123"))["m"]
    assert (again["n_on"], again["n_off"]) == (15, 15)
    for name in ("n_pairs", "lift", "ci_low", "ci_high", "p_value"):
        assert again[name] == once[name]


def test_a_half_played_control_is_compared_with_its_own_pairs():
    row = lift_rows(played("talk", ON), played("mute", OFF[:3]))["m"]
    assert (row["n_on"], row["n_off"], row["n_pairs"]) == (5, 3, 3)
    assert row["points_on"] == pytest.approx(sum(ON[:3]) / 3)
    assert row["lift"] == pytest.approx(row["points_on"] - row["points_off"])


def test_without_pairs_it_is_welch():
    row = lift_rows(played("talk", ON), played("mute", OFF, seeds=[90, 91, 92, 93, 94]))["m"]
    interval, p_value = welch_interval(ON, OFF)
    assert row["n_pairs"] == 0
    assert (row["ci_low"], row["ci_high"], row["p_value"]) == pytest.approx((interval.low, interval.high, p_value))
    assert row["ci_method"] == "Welch t"


def test_without_a_control_there_is_no_lift_and_the_control_is_named():
    row = lift_rows(played("talk", ON))["m"]
    assert (row["points_on"], row["points_off"], row["lift"], row["p_value"]) == (54.8, None, None, None)
    assert (row["ci_method"], row["needs"]) == ("no control", "mute")


def test_an_arm_of_the_same_game_stands_in_for_one_not_yet_played():
    before = lift_rows(played("calibration", ON))["m"]
    after = lift_rows(played("calibration", ON), played("mute", OFF))["m"]
    assert (before["points_on"], before["needs"]) == (54.8, "mute")
    assert (after["lift"], after["ci_method"], after["needs"]) == (pytest.approx(29.6), "Welch t", "talk")


@pytest.mark.parametrize("game", [{"topology": "ring"}, {"rounds": 8}])
def test_another_game_is_never_compared_with_a_control(game):
    row = lift_rows(played("other", ON, **game), played("mute", OFF))["m"]
    assert (row["n_on"], row["points_on"], row["lift"], row["p_value"]) == (0, None, None, None)
    assert (row["ci_method"], row["needs"]) == ("no messages-on arm", "talk")


def test_one_pair_has_a_lift_without_an_interval():
    row = lift_rows(played("talk", ON[:1]), played("mute", OFF[:1]))["m"]
    assert (row["lift"], row["ci_low"], row["ci_high"], row["ci_method"]) == (20.0, None, None, "one episode")


def test_holm_counts_the_models_but_never_the_scripted_agents_with_them():
    both = [*played("talk", ON), *played("mute", OFF), *played("talk", ON, model="n"), *played("mute", OFF, model="n")]
    rows = lift_rows(both)
    assert rows["m"]["p_holm"] == pytest.approx(2 * rows["m"]["p_value"])
    rows = lift_rows([{**row, "scripted": row["focal_model"] == "n"} for row in both])
    assert rows["m"]["p_holm"] == rows["m"]["p_value"]


def test_the_order_of_rows_changes_no_bit():
    parts = [*played("talk", ON, launch="1"), *played("talk", ON[::-1], launch="2"), *played("mute", OFF)]
    one, other = (lift(*tables(rows), mirrors=MIRRORS, focal=FOCAL) for rows in (parts, parts[::-1]))
    assert one.equals(other)
    assert model_points(*tables(parts)).equals(model_points(*tables(parts[::-1])))


def test_model_points_are_students_t_over_independent_episodes():
    row = model_points(*tables(played("talk", ON))).row(0, named=True)
    expected = t_interval(ON)
    assert (row["n"], row["points_mean"], row["floor_points_mean"], row["ci_method"]) == (5, 54.8, 27.4, "t")
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((expected.low, expected.high))
    assert (row["capture_ci_low"], row["capture_ci_high"]) == pytest.approx((expected.low / 200, expected.high / 200))


def test_a_relaunched_seed_counts_once_in_model_points():
    row = model_points(*tables(played("talk", [10, 20], launch="1"), played("talk", [30, 40], launch="2")))
    assert row.select("n", "points_mean").rows() == [(2, 25.0)]
    single = model_points(*tables(played("talk", [10]))).row(0, named=True)
    assert (single["n"], single["ci_low"], single["ci_high"], single["ci_method"]) == (1, None, None, "one episode")
