"""Play against a provider that fails in every way: what is kept, what is asked again, what it may cost."""

import os
import random

import polars as pl
import pytest

from di_assets.arms import load_configs
from di_assets.calls.call import FAULTS
from di_assets.play.batch import play_batch
from di_assets.tables import Warehouse
from tests.conftest import bytes_of
from tests.play.hostility import KEY, charged, hostile, hostile_configs, served

EVENTS = ("messages", "pulls", "seats", "edges")
# `make soak` asks for more.
BUDGETS = int(os.environ.get("SOAK_BUDGETS", "4"))
CLOCKS = ("latency_s", "started_at", "call_id")


@pytest.fixture(autouse=True)
def _keyed(monkeypatch):
    monkeypatch.setenv("PLANTED_KEY", KEY)
    monkeypatch.setattr("di_assets.calls.sending.FIRST_WAIT_S", 0.01)


def play_to_the_end(configs, warehouse, **options):
    results = []
    for _ in range(30):
        results.append(play_batch(configs, configs.arm("hard"), "hard--b00", warehouse, **options))
        if not results[-1].left:
            return results
    raise AssertionError(f"still {results[-1].left} left: {results[-1]}")


def replies(warehouse):
    """Calls that brought a reply, without what the clock, the weather and the tries before it put into them."""
    calls = warehouse.read("calls").filter(~pl.col("status").is_in(list(FAULTS)))
    return calls.drop(*CLOCKS, "retried", "cost_usd", "bound_usd", "request_id")


@pytest.mark.slow
def test_faults_of_line_and_server_leave_no_trace_in_the_events(tmp_path):
    ledger = tmp_path / "ledger"
    with hostile(model=0.1, latency=0.005) as calm, hostile(ledger, model=0.1, transient=0.15, latency=0.005) as storm:
        quiet, hard = Warehouse(tmp_path / "quiet"), Warehouse(tmp_path / "hard")
        play_to_the_end(hostile_configs(tmp_path / "a", calm, episodes=12), quiet)
        results = play_to_the_end(hostile_configs(tmp_path / "b", storm, episodes=12), hard)
    assert len(results) > 1  # some faults outlasted the retries
    for table in EVENTS:
        assert bytes_of(hard, table) == bytes_of(quiet, table), table
    assert replies(hard).equals(replies(quiet))
    assert len(served(ledger)) == replies(hard).height  # every reply that was sent whole is there, none was asked twice
    assert hard.read("calls")["retried"].drop_nulls().len() > 0
    assert not list(hard.journal.rglob("*.jsonl"))


def spend(tmp_path, url, ledger, number, rng):
    """One random budget: play until it stops, again under the same budget, then to the end under a larger one."""
    budget, model = rng.uniform(0.0, 0.6), f"x{number}"
    folder, warehouse = tmp_path / f"configs{number}", Warehouse(tmp_path / f"w{number}")
    configs = hostile_configs(folder, url, budget=budget, timeout_s=1, model_id=model)
    for _ in range(3):
        play_batch(configs, configs.arm("hard"), "hard--b00", warehouse)
    calls = warehouse.read("calls")
    assert charged(ledger, model) <= calls["cost_usd"].sum() + 1e-9 <= budget + 2e-9
    rich = hostile_configs(tmp_path / f"rich{number}", url, timeout_s=1, model_id=model)
    play_to_the_end(rich, warehouse)
    kept = calls.filter(~pl.col("status").is_in(list(FAULTS)))
    assert kept.join(warehouse.read("calls"), on=["episode_id", "request_hash", "reply_text"], how="anti").is_empty()
    return warehouse.read("pulls")


def mixed_configs(folder, url, **options):
    """The models' arm with scripted rivals beside them."""
    hostile_configs(folder, url, **options)
    text = (folder / "hard.yaml").read_text().replace("[o, a, o, a]", "[promiser, a, gullible, rule_breaker]")
    (folder / "hard.yaml").write_text(text)
    return load_configs(folder)


def test_scripted_rivals_of_a_model_go_on_as_they_began_when_play_is_resumed(tmp_path):
    ledger = tmp_path / "ledger"
    with hostile(ledger, latency=0.002) as url:
        once, again = Warehouse(tmp_path / "once"), Warehouse(tmp_path / "again")
        play_to_the_end(mixed_configs(tmp_path / "a", url, rounds=4), once)
        first, budget = len(served(ledger)), once.read("episodes")["cost_usd"].sum() / 2
        poor = mixed_configs(tmp_path / "b", url, rounds=4, budget=budget)
        stopped = play_batch(poor, poor.arm("hard"), "hard--b00", again)
        play_to_the_end(mixed_configs(tmp_path / "c", url, rounds=4), again)
    assert stopped.stopped
    assert stopped.calls
    assert len(served(ledger)) == 2 * first
    for table in EVENTS:
        assert bytes_of(once, table) == bytes_of(again, table), table


@pytest.mark.slow
def test_no_budget_is_overspent_and_no_episode_lost(tmp_path):
    ledger, rng = tmp_path / "ledger", random.Random(4)
    with hostile(ledger, model=0.1, transient=0.1, latency=0.002) as url:
        ends = [spend(tmp_path, url, ledger, number, rng) for number in range(BUDGETS)]
    assert {end.height for end in ends} == {4 * 2 * 5}
