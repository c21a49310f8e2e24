"""Looks: what counts as one, and what each leaves behind."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from scipy import stats

from di_assets.measures.intervals import t_interval
from di_assets.measures.looks import looks
from di_assets.measures.sequential import looking_interval
from di_assets.tables import TABLES
from tests.measures.test_lift import MIRRORS, OFF, ON, played, tables

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
GAPS = [a - b for a, b in zip(ON, OFF, strict=True)]
NONE = TABLES["looks"].empty()


def seen(count, before=NONE, *, planned=5, now=NOON, more=(), mirrors=MIRRORS):
    """The looks after so many pairs of m are played."""
    parts = [played("talk", ON[:count]), played("mute", OFF[:count]), *more]
    return looks(*tables(*parts), before, mirrors=mirrors, planned={"mute": planned}, now=now)


def test_a_look_at_a_complete_plan_is_one_too_and_the_paired_t():
    plain = t_interval(GAPS)
    (row,) = seen(5).rows()
    assert row[:8] == ("mute", "m", 1, 5, 5, 1.0, NOON, pytest.approx(29.6))
    assert row[8:12] == (pytest.approx(0.05), plain.low, plain.high, "paired t")
    assert row[12] == pytest.approx(stats.ttest_1samp(GAPS, 0).pvalue, rel=1e-5)


def test_each_look_answers_for_those_before_it():
    found, later = NONE, NOON
    for count in (2, 3, 5):
        found, later = seen(count, found, now=later), later + timedelta(days=1)
    assert found.select("look", "n_pairs", "fraction").rows() == [(1, 2, 0.4), (2, 3, 0.6), (3, 5, 1.0)]
    assert found["looked_at"].to_list() == [NOON, NOON + timedelta(days=1), NOON + timedelta(days=2)]
    expected = looking_interval(GAPS, planned=5, looks=[2, 3])
    last = found.row(2, named=True)
    assert (last["ci_low"], last["ci_high"], last["ci_method"]) == (expected.low, expected.high, expected.method)
    assert found["alpha"].is_sorted()
    assert last["alpha"] < 0.05


def test_the_same_pairs_seen_again_are_no_new_look():
    once = seen(3)
    again = seen(3, once, now=NOON + timedelta(days=1))
    assert again.equals(once)
    assert seen(2, once, now=NOON + timedelta(days=1)).equals(once)


def test_the_same_pairs_with_other_points_are_looked_at_again_at_no_further_cost():
    corrected = [played("talk", [x - 7 for x in ON[:3]]), played("mute", OFF[:3])]
    once = seen(3)
    again = looks(*tables(*corrected), once, mirrors=MIRRORS, planned={"mute": 5}, now=NOON)
    before, after = again.rows(named=True)
    assert (after["look"], after["n_pairs"], after["alpha"]) == (2, 3, before["alpha"])
    for of in ("lift", "ci_low", "ci_high"):
        assert after[of] == pytest.approx(before[of] - 7)


def test_less_than_two_pairs_are_nothing_to_look_at():
    for count in (0, 1):
        assert seen(count, more=[played("talk", ON, model="n")]).equals(NONE)


def test_each_model_and_each_control_is_looked_at_on_its_own():
    more = [played("talk", ON, model="n"), played("mute", OFF, model="n")]
    found = seen(3, seen(2), more=more)
    assert found.select("arm", "model", "look", "n_pairs").rows() == [
        ("mute", "m", 1, 2),
        ("mute", "m", 2, 3),
        ("mute", "n", 1, 5),
    ]
    apart = seen(3, mirrors={"mute": "talk", "quiet": "elsewhere"})
    assert apart["arm"].to_list() == ["mute"]


def test_relaunches_of_the_same_seeds_are_no_new_pairs():
    once = seen(3)
    again = [*played("talk", ON[:3], launch="2"), *played("mute", OFF[:3], launch="2")]
    assert seen(3, once, more=[again], now=NOON + timedelta(days=1)).equals(once)


def test_a_longer_plan_does_not_give_back_what_was_spent():
    complete = seen(3, planned=3)
    longer = seen(5, complete, planned=5).row(1, named=True)
    assert (longer["planned"], longer["alpha"], longer["fraction"]) == (5, None, 1.0)
    assert longer["ci_method"].startswith("t-mixture confidence sequence")


def test_pairs_that_do_not_vary_are_a_look_without_an_interval():
    parts = [played("talk", [40, 50]), played("mute", [30, 40])]
    (row,) = looks(*tables(*parts), NONE, mirrors=MIRRORS, planned={"mute": 5}, now=NOON).iter_rows(named=True)
    assert (row["lift"], row["ci_low"], row["p_value"], row["ci_method"]) == (10.0, None, None, "no variance")


def test_a_model_that_the_plan_no_longer_has_keeps_its_looks_and_has_no_fraction():
    found = looks(*tables(played("talk", ON), played("mute", OFF)), NONE, mirrors=MIRRORS, planned={}, now=NOON)
    assert found.select("planned", "fraction", "alpha").rows() == [(0, None, None)]
    gone = looks(*tables(played("talk", ON), played("mute", OFF)), found, mirrors={}, planned={}, now=NOON)
    assert gone.equals(found)


def test_the_order_of_rows_changes_no_bit():
    episodes, measures = tables(played("talk", ON), played("mute", OFF))
    one = looks(episodes, measures, NONE, mirrors=MIRRORS, planned={"mute": 9}, now=NOON)
    other = looks(episodes.reverse(), measures.reverse(), NONE, mirrors=MIRRORS, planned={"mute": 9}, now=NOON)
    assert one.equals(other)
    assert one.schema == pl.Schema(TABLES["looks"].schema)
