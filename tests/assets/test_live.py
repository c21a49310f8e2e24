"""How often a batch tells of itself, on a clock that the test turns."""

from collections import Counter

import dagster as dg
import pytest

from di_assets.assets.home import Home
from di_assets.assets.live import Live, Standing
from di_assets.calls.tally import Tally
from di_assets.control_room.instance import instance_of
from di_assets.control_room.runs import materialise_batches
from di_assets.tables import Warehouse
from tests.play.hostility import KEY, hostile, hostile_configs


def test_nothing_is_told_before_ten_seconds_and_then_a_line_every_thirty():
    now, told, when = [100.0], [], []

    def tell(standing):
        told.append(standing)
        when.append(now[0] - 100)

    live, tally = Live("talk--b00", tell, clock=lambda: now[0]), Tally()
    for second in range(100):
        now[0] = 100.0 + second
        for _ in range(50):  # however often it is heard
            tally.calls += 1
            live(second, 99, tally)
    assert when == [10, 40, 70]
    assert [standing.done for standing in told] == [10, 40, 70]


def test_a_batch_that_is_quick_tells_nothing():
    told = []
    live = Live("talk--b00", told.append, clock=lambda: 5.0)
    live(6, 6, Tally(calls=900))
    assert told == []


def test_what_is_told_gives_episodes_calls_rate_cost_failures_and_faults():
    told, now = [], [0.0]
    live = Live("talk--b00", told.append, clock=lambda: now[0])
    now[0] = 20.0
    live(2, 6, Tally(calls=250, cost_usd=1.25, failed=1, faults=Counter(invalid=2, timeout=1)))
    now[0] = 60.0
    live(4, 6, Tally(calls=450, cost_usd=2.0, failed=1))
    assert told[0] == Standing("talk--b00", 2, 6, failed=1, calls=250, calls_per_s=12.5, cost_usd=1.25, faults=3)
    assert told[1].calls_per_s == 5.0  # of the forty seconds since, not of all
    event = told[0].event()
    assert (event.asset_key, event.partition) == (dg.AssetKey("episodes"), "talk--b00")
    assert {name: value.value for name, value in event.metadata.items()} == {
        "episodes done": 2,
        "episodes to play": 6,
        "episodes failed": 1,
        "calls": 250,
        "calls per second": 12.5,
        "faults": 3,
        "spend, USD": 1.25,
    }


def observed(home):
    with instance_of(home) as instance:
        (run,) = instance.get_runs()
        events = [e.dagster_event for e in instance.all_logs(run.run_id) if e.dagster_event]
        return [e.asset_observation_data.asset_observation for e in events if e.is_asset_observation]


def test_it_stands_among_the_events_of_the_run_that_plays(small_configs, tmp_path, monkeypatch):
    monkeypatch.setattr("di_assets.assets.live.FIRST_S", 0.0)
    heard = []
    home = Home(warehouse=Warehouse(tmp_path), configs=small_configs, progress=lambda *told: heard.append(told[1:3]))
    materialise_batches(home, ["talk--b00"], limit=3)
    (told,) = observed(home)  # the next is due in half a minute
    assert (told.metadata["episodes done"].value, told.metadata["episodes to play"].value) == (1, 3)
    assert heard == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.slow
def test_models_are_told_of_before_their_first_episode_ends(tmp_path, monkeypatch):
    monkeypatch.setenv("PLANTED_KEY", KEY)
    monkeypatch.setattr("di_assets.assets.live.FIRST_S", 0.0)
    monkeypatch.setattr("di_assets.assets.live.EVERY_S", 0.0)
    monkeypatch.setattr("di_assets.play.journaled.BEAT_S", 0.2)
    with hostile(latency=0.15) as url:
        configs = hostile_configs(tmp_path / "configs", url, episodes=2, timeout_s=60)
        home = Home(warehouse=Warehouse(tmp_path / "w"), configs=configs)
        materialise_batches(home, ["hard--b00"])
    told = [{name: value.value for name, value in one.metadata.items()} for one in observed(home)]
    during = [one for one in told if one["episodes done"] == 0]
    assert during
    assert during[-1]["calls"] > 0
    assert [one["calls"] for one in told] == sorted(one["calls"] for one in told)
    assert told[-1]["calls"] == home.warehouse.read("calls").height
    assert told[-1]["spend, USD"] == pytest.approx(home.warehouse.read("calls")["cost_usd"].sum(), abs=1e-5)
