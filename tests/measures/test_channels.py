"""Whose talk buys what: contrasts of channels over the seeds on which all their arms are played."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from di_assets.measures.channels import CONTRASTS, channel_lift
from di_assets.measures.intervals import t_interval
from di_assets.measures.lift import holm, lift
from di_assets.measures.sign_flips import sign_flip_p
from di_assets.tables import TABLES

CHANNEL = {"talk": "open", "mute": "none", "hush": "focal_muted", "solo": "rivals_muted", "sham": "placebo"}
CONTROLS = {"talk": {arm: channel for arm, channel in CHANNEL.items() if arm != "talk"}}
POINTS = {
    "talk": [40, 55, 61, 48, 70],
    "mute": [20, 31, 25, 28, 22],
    "hush": [18, 25, 24, 30, 15],
    "solo": [50, 58, 60, 55, 71],
    "sham": [21, 33, 27, 26, 24],
}


def played(arm, points, *, model="m", launch="", topology="complete", first=0):
    """One focal episode a value, on seeds from `first`: rows of both tables at once."""
    for k, got in enumerate(points, start=first):
        yield {
            "episode_id": f"{arm}{launch}--{model}_r{k}",
            "arm": arm,
            "condition": f"{topology}/pure/x",
            "topology": topology,
            "payoff": "pure",
            "channel": CHANNEL.get(arm, "open"),
            "focal_model": model,
            "replicate": k,
            "seed": 100 + k,
            "n_seats": 5,
            "n_rounds": 25,
            "scripted": False,
            "focal_points": got,
        }


def tables(rows):
    frame = pl.DataFrame(list(rows))
    return (
        frame.select(c for c in TABLES["episodes"].schema if c in frame.columns),
        frame.select(c for c in TABLES["episode_measures"].schema if c in frame.columns),
    )


def everything(**other):
    return [row for arm, points in {**POINTS, **other}.items() for row in played(arm, points)]


def contrasts(rows, controls=CONTROLS):
    frame = channel_lift(*tables(rows), controls=controls)
    return {(row["model"], row["contrast"]): row for row in frame.iter_rows(named=True)}


@pytest.mark.parametrize(
    ("contrast", "formula", "heard", "unheard"),
    [
        ("total_talk", "open - none", "talk", "mute"),
        ("focal_talk", "open - focal_muted", "talk", "hush"),
        ("rivals_talk", "open - rivals_muted", "talk", "solo"),
        ("content", "open - placebo", "talk", "sham"),
        ("focal_talk_alone", "rivals_muted - none", "solo", "mute"),
        ("rivals_talk_alone", "focal_muted - none", "hush", "mute"),
    ],
)
def test_a_contrast_of_two_channels_is_their_matched_difference(contrast, formula, heard, unheard):
    row = contrasts(everything())["m", contrast]
    gaps = [a - b for a, b in zip(POINTS[heard], POINTS[unheard], strict=True)]
    expected = t_interval(gaps)
    assert (row["arm"], row["game"], row["formula"], row["n_pairs"]) == ("talk", "complete/pure", formula, 5)
    assert row["points_heard"] == pytest.approx(sum(POINTS[heard]) / 5)
    assert row["points_unheard"] == pytest.approx(sum(POINTS[unheard]) / 5)
    assert (row["difference"], row["ci_low"], row["ci_high"]) == pytest.approx(
        (sum(gaps) / 5, expected.low, expected.high)
    )
    assert (row["ci_method"], row["p_value"], row["needs"]) == ("paired t", sign_flip_p(gaps), None)


def test_the_interaction_is_what_the_focals_talk_buys_more_where_rivals_talk():
    rows = contrasts(everything())
    # (40-18)-(50-20), (55-25)-(58-31), (61-24)-(60-25), (48-30)-(55-28), (70-15)-(71-22)
    gaps = [-8, 3, 2, -9, 6]
    row = rows["m", "interaction"]
    assert row["formula"] == "open + none - focal_muted - rivals_muted"
    assert row["difference"] == pytest.approx(-1.2)
    assert (row["ci_low"], row["ci_high"]) == pytest.approx((t_interval(gaps).low, t_interval(gaps).high))
    assert row["p_value"] == sign_flip_p(gaps)
    assert (row["points_heard"], row["points_unheard"], row["n_pairs"]) == (None, None, 5)


points = st.lists(st.integers(0, 100), min_size=3, max_size=3)


@settings(max_examples=25)
@given(st.fixed_dictionaries(dict.fromkeys(POINTS, points)))
def test_over_the_same_seeds_the_parts_add_up_to_the_whole(drawn):
    got = {name: row["difference"] for (_, name), row in contrasts(everything(**drawn)).items()}
    assert got["total_talk"] == pytest.approx(
        got["focal_talk_alone"] + got["rivals_talk_alone"] + got["interaction"], abs=1e-9
    )
    assert got["interaction"] == pytest.approx(got["focal_talk"] - got["focal_talk_alone"], abs=1e-9)
    assert got["interaction"] == pytest.approx(got["rivals_talk"] - got["rivals_talk_alone"], abs=1e-9)


def test_total_talk_is_the_lift_and_the_lift_knows_no_other_channel():
    frames = tables(everything())
    row = lift(*frames, mirrors={"mute": "talk"}, focal={}).row(0, named=True)
    total = contrasts(everything())["m", "total_talk"]
    names = {"lift": "difference", "ci_low": "ci_low", "ci_high": "ci_high", "p_value": "p_value", "n_pairs": "n_pairs"}
    assert {name: row[name] for name in names} == {name: total[other] for name, other in names.items()}
    assert (row["n_on"], row["n_off"]) == (5, 5)
    without = tables([*played("talk", POINTS["talk"]), *played("mute", POINTS["mute"])])
    assert lift(*frames, mirrors={"mute": "talk"}, focal={}).equals(lift(*without, mirrors={"mute": "talk"}, focal={}))


def test_holm_is_over_the_contrasts_of_one_model_and_no_other_models():
    rows = contrasts([*everything(), *(row for arm in ("talk", "mute") for row in played(arm, [9, 8, 7], model="n"))])
    of_m = [rows["m", c.name] for c in CONTRASTS]
    assert [row["p_holm"] for row in of_m] == holm([row["p_value"] for row in of_m])
    assert rows["n", "total_talk"]["p_holm"] == rows["n", "total_talk"]["p_value"]


def test_each_contrast_takes_the_seeds_on_which_its_own_arms_are_played():
    rows = contrasts(everything(hush=POINTS["hush"][:2], solo=POINTS["solo"][:3]))
    counts = {name: row["n_pairs"] for (_, name), row in rows.items()}
    assert counts == {
        "total_talk": 5,
        "focal_talk": 2,
        "rivals_talk": 3,
        "content": 5,
        "focal_talk_alone": 3,
        "rivals_talk_alone": 2,
        "interaction": 2,
    }


def test_what_is_not_played_is_null_and_the_arm_to_play_is_named():
    controls = {"talk": {arm: channel for arm, channel in CONTROLS["talk"].items() if arm != "sham"}}
    rows = contrasts([*played("talk", POINTS["talk"]), *played("mute", POINTS["mute"])], controls)
    assert {name: row["needs"] for (_, name), row in rows.items()} == {
        "total_talk": None,
        "focal_talk": "hush",
        "rivals_talk": "solo",
        "content": "a control with channel placebo",
        "focal_talk_alone": "solo",
        "rivals_talk_alone": "hush",
        "interaction": "hush",
    }
    row = rows["m", "content"]
    nothing = ("points_heard", "points_unheard", "difference", "ci_low", "ci_high", "p_value", "p_holm")
    assert {row[name] for name in nothing} == {None}
    assert (row["n_pairs"], row["ci_method"]) == (0, "no pairs")
    assert contrasts(played("hush", [1, 2]))["m", "focal_talk"]["needs"] == "talk"


def test_arms_without_a_common_seed_make_no_pairs():
    row = contrasts([*played("talk", [5, 6]), *played("hush", [1, 2], first=7)])["m", "focal_talk"]
    assert (row["n_pairs"], row["difference"], row["ci_method"], row["needs"]) == (0, None, "no pairs", None)


def test_one_seed_has_a_difference_without_an_interval():
    row = contrasts([*played("talk", [50]), *played("sham", [20])])["m", "content"]
    assert (row["difference"], row["ci_low"], row["ci_high"], row["ci_method"]) == (30.0, None, None, "one episode")


def test_relaunches_of_the_same_seeds_add_no_pairs_and_no_certainty():
    again = [row for arm, got in POINTS.items() for launch in "12" for row in played(arm, got, launch=launch)]
    assert contrasts(again) == contrasts(everything())


def test_two_games_are_never_pooled():
    loop = [row for arm in ("loop", "still") for row in played(arm, [3, 5, 4], topology="ring")]
    for row in loop:
        row["channel"] = "none" if row["arm"] == "still" else "open"
    frame = channel_lift(*tables([*everything(), *loop]), controls={**CONTROLS, "loop": {"still": "none"}})
    assert frame.group_by("arm", "game").len().sort("arm").rows() == [
        ("loop", "ring/pure", 7),
        ("talk", "complete/pure", 7),
    ]
    assert frame.filter(arm="talk").equals(channel_lift(*tables(everything()), controls=CONTROLS))


def test_the_order_of_rows_changes_no_bit_and_nothing_played_gives_no_rows():
    rows = everything()
    one, other = (channel_lift(*tables(order), controls=CONTROLS) for order in (rows, rows[::-1]))
    assert one.equals(other)
    nothing = (TABLES[name].empty() for name in ("episodes", "episode_measures"))
    assert channel_lift(*nothing, controls=CONTROLS).is_empty()
