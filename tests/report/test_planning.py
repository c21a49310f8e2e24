"""Lifts planned for: pairs that are there, pairs that are missing, and what those would cost in both arms."""

import math
from dataclasses import replace
from datetime import UTC, datetime

import polars as pl
import pytest

from di_assets.arms import load_configs
from di_assets.measures.power import PRIOR_SD
from di_assets.play.estimate import estimate
from di_assets.report.progress.pairs_needed import LiftNeed, lift_needs, lift_plans, no_lift
from di_assets.tables import TABLES, Warehouse
from di_assets.tables.contract import TIME
from tests.conftest import write_small_configs
from tests.measures.test_lift import played as rows_of
from tests.measures.test_lift import tables

MODELS = """models:
  dear: {provider: openai, id: dear, base_url: "http://127.0.0.1:1/v1", key: none, price: {input: 1000, output: 4000}}
  cheap: {provider: openai, id: cheap, base_url: "http://127.0.0.1:1/v1", key: none, price: {input: 10, output: 40}}
"""
PAID = """title: Paid
id: paid--{focal}_r{replicate}
focal: [dear, cheap]
background: [gullible, tit_for_tat, bandwagon, cheap]
episodes: 4
rounds: 3
budget_usd: 900
"""
QUIET = "title: Quiet\nid: quiet--{focal}_r{replicate}\nmirrors: paid\nchannel: none\nbudget_usd: 900\n"


@pytest.fixture(scope="module")
def paid(tmp_path_factory):
    """An arm of two models at very different prices, and its control."""
    folder = tmp_path_factory.mktemp("paid")
    write_small_configs(folder)
    for name, text in (("models", MODELS), ("paid", PAID), ("quiet", QUIET)):
        (folder / f"{name}.yaml").write_text(text)
    return load_configs(folder)


def plans(configs, name, warehouse, *, precision=None, effect=None, power=None):
    found = lift_plans(configs, configs.arm(name), warehouse, precision=precision, effect=effect, power=power)
    return {one.model: one for one in found}


def test_what_is_played_says_how_pairs_vary(played):
    found = plans(played.configs, "talk", played.warehouse, precision=2.0, effect=2.0, power=0.8)
    assert found == plans(played.configs, "mute", played.warehouse, precision=2.0, effect=2.0, power=0.8)
    lifts = {row["model"]: row for row in played.warehouse.read("lift").iter_rows(named=True)}
    for model, one in found.items():
        assert (one.scripted, one.basis, one.planned, one.complete, one.alpha) == (True, "6 pairs", 6, 6, 0.025)
        half = (lifts[model]["ci_high"] - lifts[model]["ci_low"]) / 2
        assert one.sd == pytest.approx(half / 2.570582 * math.sqrt(6), rel=1e-5)  # t(5)
        assert (one.for_precision <= 6) == (half <= 2.0)
        assert one.missing == max(0, max(one.for_precision, one.for_power) - 6)
        assert (one.cost_usd, one.hours) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("arm", "told"),
    [("loop", "loop has no focal model"), ("talk", None), ("mute", None)],
)
def test_arms_without_a_lift_say_why(small_configs, tmp_path, arm, told):
    why = no_lift(small_configs, small_configs.arm(arm))
    assert why is None if told is None else why.startswith(told)
    assert bool(plans(small_configs, arm, Warehouse(tmp_path), precision=5.0)) == (told is None)


@pytest.mark.parametrize("precision", [0.1, 0.5, 50.0])
def test_what_arms_still_need_is_what_their_plans_lack(played, precision):
    report = played.configs.report.model_copy(update={"precision": precision})
    needs = lift_needs(replace(played.configs, report=report), played.warehouse)
    missing = sum(one.missing for one in plans(played.configs, "talk", played.warehouse, precision=precision).values())
    assert needs == dict.fromkeys(("talk", "mute"), LiftNeed(precision, missing))
    assert (missing == 0) == (precision == 50.0)


def test_a_precision_that_nobody_plays_for_is_not_counted_in_pairs(paid, tmp_path):
    report = paid.report.model_copy(update={"precision": 1e-3})
    assert lift_needs(replace(paid, report=report), Warehouse(tmp_path))["quiet"] == LiftNeed(1e-3, None)


def test_an_arm_that_nothing_mirrors_has_no_lift(configs):
    assert no_lift(configs, configs.arm("01_calibration")).startswith("no arm mirrors 01_calibration")


def test_missing_pairs_cost_what_their_episodes_cost_in_both_arms(paid, tmp_path):
    """Four pairs each, the planned ones, where nothing is played: together what the two arms still need."""
    warehouse = Warehouse(tmp_path)
    found = plans(paid, "paid", warehouse, precision=PRIOR_SD * 3.1824464 / 2 + 1e-6)  # t(3) sd / sqrt(4)
    assert {(one.for_precision, one.missing, one.basis) for one in found.values()} == {(4, 4, "prior")}
    both = [estimate(paid, paid.arm(name), warehouse) for name in ("paid", "quiet")]
    assert sum(one.cost_usd for one in found.values()) == pytest.approx(sum(need.cost_usd for need in both))
    assert sum(one.hours for one in found.values()) == pytest.approx(sum(need.hours for need in both))
    assert found["dear"].cost_usd > 10 * found["cheap"].cost_usd > 0


def test_a_longer_plan_than_the_arms_own_costs_in_proportion(paid, tmp_path):
    warehouse = Warehouse(tmp_path)
    four = plans(paid, "paid", warehouse, precision=PRIOR_SD * 3.1824464 / 2 + 1e-6)["dear"]
    nine = plans(paid, "paid", warehouse, precision=PRIOR_SD * 2.3060041 / 3 + 1e-6)["dear"]  # t(8) sd / sqrt(9)
    assert (nine.planned, nine.missing) == (4, 9)
    assert nine.cost_usd == pytest.approx(four.cost_usd * 9 / 4)


def test_the_mirrored_arms_points_stand_in_while_the_control_is_not_played(paid, tmp_path):
    warehouse, points = Warehouse(tmp_path), [40, 55, 61, 48, 70]
    rows = [{**row, "arm": "paid"} for row in rows_of("talk", points, model="dear")]
    episodes, measures = tables(rows)
    for name, frame in (("episodes", episodes), ("episode_measures", measures)):
        warehouse.write(name, filled(frame, TABLES[name]), "paid--b00")
    one = plans(paid, "quiet", warehouse, precision=5.0)["dear"]
    assert (one.basis, one.complete) == ("5 episodes on", 0)
    assert one.sd == pytest.approx(math.sqrt(2 * 133.7))


def test_what_nobody_plays_has_no_cost(paid, tmp_path):
    one = plans(paid, "paid", Warehouse(tmp_path), precision=0.001)["dear"]
    assert (one.for_precision, one.missing, one.cost_usd, one.hours) == (None, None, None, None)


def filled(frame, table):
    """A frame with the rest of its table's columns: null, or a value of the type where that may not be."""
    some = {
        pl.String(): "x",
        pl.Int64(): 0,
        pl.Float64(): 0.0,
        pl.Boolean(): False,
        TIME: datetime(2026, 7, 1, tzinfo=UTC),
    }
    rest = [column for column in table.columns if column.name not in frame.columns]
    return frame.with_columns(pl.lit(None if c.nullable else some[c.dtype], c.dtype).alias(c.name) for c in rest)
