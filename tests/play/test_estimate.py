"""What an arm still needs: rehearsed where nobody has played, measured where somebody has."""

import itertools

import polars as pl
import pytest

from di_assets.arms import load_configs, plan
from di_assets.play.batch import play_batch
from di_assets.play.estimate import REHEARSED, estimate
from di_assets.play.rehearsal import rehearse
from di_assets.tables import Warehouse
from tests.play.hostility import KEY, hostile, hostile_configs


def test_the_calls_of_an_arm_are_seats_times_rounds_times_phases(configs, tmp_path):
    need = estimate(configs, configs.arm("04_attack_complete"), Warehouse(tmp_path))
    assert (need.planned, need.left) == (375, 375)
    assert sum(one.calls for one in need.needs) == 375 * 5 * 25 * 2
    assert {one.basis for one in need.needs} == {REHEARSED}
    silent = estimate(configs, configs.arm("05_attack_nomsg"), Warehouse(tmp_path))
    assert sum(one.calls for one in silent.needs) == 375 * 5 * 25
    assert silent.cost_usd < need.cost_usd
    muted = estimate(configs, configs.arm("06_focal_muted"), Warehouse(tmp_path))
    assert sum(one.calls for one in muted.needs) == 375 * (5 + 4) * 25
    assert muted.cost_usd < need.cost_usd


def test_scripted_agents_need_nothing(configs, tmp_path):
    need = estimate(configs, configs.arm("demo_attack"), Warehouse(tmp_path))
    assert (need.left, need.needs, need.cost_usd, need.hours) == (75, (), 0.0, 0.0)


def test_what_a_seat_has_seen_stands_first_word_for_word_in_all_it_is_sent(configs):
    arm = configs.arm("04_attack_complete")
    prompts = rehearse(plan(arm)[0], arm, configs)
    assert set(prompts) == set(range(5))
    for seat in prompts.values():
        assert len(seat) == 50
        for before, after in itertools.pairwise(seat):
            assert before.request.system == after.request.system
            # The seat's own reply and a new turn follow; nothing before them has changed.
            assert after.request.turns[: len(before.request.turns)] == before.request.turns
            assert 0 < after.seen_bytes <= after.sent_bytes


@pytest.fixture(scope="module")
def quiet():
    with hostile(latency=0.02) as url:
        yield url


def test_a_played_model_is_measured_and_what_is_left_shrinks(quiet, tmp_path, monkeypatch):
    monkeypatch.setenv("PLANTED_KEY", KEY)
    configs, warehouse = hostile_configs(tmp_path / "configs", quiet, episodes=8), Warehouse(tmp_path / "w")
    arm = configs.arm("hard")
    play_batch(configs, arm, "hard--b00", warehouse, limit=6)
    need = estimate(configs, arm, warehouse)
    assert (need.planned, need.left) == (8, 2)
    assert {one.basis for one in need.needs} == {"measured in 6 episodes of this arm"}
    cost = warehouse.read("calls").group_by("model").agg(pl.len(), pl.col("cost_usd").sum())
    seats = dict(warehouse.read("seats").group_by("model").len().iter_rows())
    for model, calls, dollars in cost.iter_rows():
        one = next(one for one in need.needs if one.model == model)
        assert one.calls == round(calls / seats[model] * one.seats)
        assert one.cost_usd == pytest.approx(dollars / seats[model] * one.seats)
        assert one.seconds_per_call >= 0.01
    other = arm.model_copy(update={"name": "other", "id": "other--{focal}_r{replicate}"})
    assert {one.basis for one in estimate(configs, other, warehouse).needs} == {"measured in 6 episodes of other arms"}


def test_limits_set_the_least_hours(tmp_path):
    folder = tmp_path / "configs"
    configs = hostile_configs(folder, "http://127.0.0.1:1", episodes=200, in_flight=1000, concurrency=1000)
    arm, nothing = configs.arm("hard"), Warehouse(tmp_path)
    free = estimate(configs, arm, nothing)
    calls = sum(one.calls for one in free.needs)
    text = (folder / "models.yaml").read_text()
    (folder / "models.yaml").write_text(text + "accounts:\n  127.0.0.1:1: {requests_per_minute: 10}\n")
    assert estimate(load_configs(folder), arm, nothing).hours == pytest.approx(calls / 10 / 60)
    (folder / "models.yaml").write_text(text + "accounts:\n  127.0.0.1:1: {concurrency: 2}\n")
    assert estimate(load_configs(folder), arm, nothing).hours == pytest.approx(calls * 3 / 2 / 3600)
