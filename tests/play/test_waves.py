"""Play by the providers' batch interfaces: the same tables as live, at the price of batches, whatever ends a run."""

import os
import random
import subprocess
import sys
import threading
import time

import polars as pl
import pytest

from di_assets.arms import load_configs
from di_assets.calls.call import FAULTS
from di_assets.calls.stopping import Stop
from di_assets.play.batch import play_batch
from di_assets.play.charged import charged_calls
from di_assets.play.spent import spent_so_far
from di_assets.tables import Warehouse
from tests.conftest import ROOT, bytes_of
from tests.providers.batching import batching, noted

KEY = "sk-planted-0123456789-never-to-be-seen"
EVENTS = ("messages", "pulls", "seats", "edges")
# Kills of one run; each takes some seconds.
KILLS = int(os.environ.get("WAVE_KILLS", "4"))
# What differs between a reply by a batch and a live one.
OWN = ("engine", "latency_s", "started_at", "cost_usd", "bound_usd", "request_id", "retried", "call_id")


@pytest.fixture(autouse=True)
def _keyed(monkeypatch):
    monkeypatch.setenv("PLANTED_KEY", KEY)


def configs_of(folder, url, *, engine="batch", episodes=4, rounds=2, budget=1000.0, reask="wave", retries=4, live="l"):
    """An arm of both dialects, and its control. The model `l` has no batch interface."""
    folder.mkdir(parents=True)
    (folder / "prompts").symlink_to(ROOT / "configs" / "prompts")
    half = "batch: {input: 1.5, cached: 0.15, output: 7.5}"
    common = f"id: x, key: PLANTED_KEY, timeout_s: 20, max_retries: {retries}, max_tokens: 300"
    price = "price: {input: 3, cached: 0.3, output: 15"
    (folder / "models.yaml").write_text(
        f"models:\n  o: {{provider: openai, base_url: '{url}/v1', {common}, {price}, {half}}}}}\n"
        f"  a: {{provider: anthropic, base_url: '{url}', {common}, {price}, {half}}}}}\n"
        f"  l: {{provider: openai, base_url: '{url}/v1', {common}, {price}}}}}\n"
    )
    (folder / "talk.yaml").write_text(
        "title: Talk\nid: talk--{focal}_r{replicate}\nfocal: [o, a]\nbackground: [o, a, LIVE, promiser]\n"
        f"episodes: {episodes // 2}\nrounds: {rounds}\nbudget_usd: {budget}\nin_flight: 2\nengine: {engine}\n".replace(
            "LIVE", live
        )
    )
    (folder / "mute.yaml").write_text(
        f"title: Mute\nid: mute--{{focal}}_r{{replicate}}\nmirrors: talk\nchannel: none\nbudget_usd: {budget}\n"
    )
    (folder / "play.yaml").write_text(f"batch: {{poll_s: 0.02, longest_poll_s: 0.05, reask: {reask}}}\n")
    return load_configs(folder)


def play(configs, warehouse, **more):
    return play_batch(configs, configs.arm("talk"), "talk--b00", warehouse, **more)


def replies(warehouse):
    calls = warehouse.read("calls")
    return calls.filter(~pl.col("status").is_in(list(FAULTS))).drop(*OWN)


def charged(ledger):
    return sum(line["charged"] for line in noted(ledger, "charged"))


@pytest.mark.parametrize("failing", [0.0, 0.15])
def test_batch_play_gives_the_tables_of_live_play(tmp_path, failing):
    with batching(tmp_path / "live", strange=0.1) as one, batching(tmp_path / "wave", strange=0.1, failing=failing) as two:  # fmt: skip
        homes = {name: Warehouse(tmp_path / f"w-{name}") for name in ("live", "batch")}
        results = {
            name: play(configs_of(tmp_path / f"c-{name}", url, engine=name), homes[name])
            for name, url in (("live", one), ("batch", two))
        }
    live, waves = homes["live"], homes["batch"]
    assert {name: (r.complete, r.failed, r.stopped) for name, r in results.items()} == dict.fromkeys(
        homes, (4, 0, None)
    )
    for table in EVENTS:
        assert bytes_of(live, table) == bytes_of(waves, table)
    assert replies(live).equals(replies(waves))
    calls = waves.read("calls")
    engines = calls.group_by("model").agg(pl.col("engine").unique()).sort("model")
    assert dict(engines.iter_rows()) == {"a": ["batch"], "l": ["live"], "o": ["batch"], "promiser": [None]}
    assert calls["cost_usd"].sum() == pytest.approx(charged(tmp_path / "wave"))
    half = live.read("calls").filter(pl.col("model") != "l")["cost_usd"].sum() / 2
    assert calls.filter(pl.col("model") != "l")["cost_usd"].sum() == pytest.approx(half)
    assert bool(failing) == bool(calls["retried"].drop_nulls().len())
    assert not list(waves.journal.rglob("*.wave"))


PLAY = """
import sys
from pathlib import Path
from di_assets.arms import load_configs
from di_assets.play.batch import play_batch
from di_assets.tables import Warehouse
configs = load_configs(Path(sys.argv[1]))
result = play_batch(configs, configs.arm("talk"), "talk--b00", Warehouse(Path(sys.argv[2])))
sys.exit(result.left)
"""


def killed_again_and_again(configs, warehouse, ledger, kills):
    """Plays in processes that are killed at random steps, and then to the end. Returns the number of kills."""
    rng, killed = random.Random(kills), 0
    while True:
        process = subprocess.Popen([sys.executable, "-c", PLAY, configs.root, warehouse.root], cwd=ROOT)
        try:
            if killed < kills:
                wanted = len(noted(ledger, "step")) + rng.randrange(1, 12)
                while process.poll() is None and len(noted(ledger, "step")) < wanted:
                    time.sleep(0.002)
                time.sleep(rng.random() * 0.05)
            elif process.wait() == 0:
                return killed
        finally:
            killed += process.poll() is None
            process.kill()
            process.wait()
        # Whatever the moment: what is counted as spent is never below the provider's bill.
        assert spent_so_far(warehouse, configs.arm("talk")) >= charged(ledger) - 1e-9
        assert charged_calls(configs, warehouse)["cost_usd"].sum() >= charged(ledger) - 1e-9


@pytest.mark.slow
def test_kills_at_any_step_lose_nothing_and_pay_nothing_twice(tmp_path):
    ledger, more = tmp_path / "ledger", {"rounds": max(3, KILLS // 3), "live": "o"}
    with batching(tmp_path / "quiet", strange=0.1) as one, batching(ledger, strange=0.1, failing=0.15, latency=0.02) as two:  # fmt: skip
        live, hard = Warehouse(tmp_path / "live"), Warehouse(tmp_path / "hard")
        play(configs_of(tmp_path / "a", one, engine="live", **more), live)
        configs = configs_of(tmp_path / "b", two, **more)
        assert killed_again_and_again(configs, hard, ledger, KILLS) == KILLS
    for table in EVENTS:
        assert bytes_of(live, table) == bytes_of(hard, table)
    assert replies(live).equals(replies(hard))
    bills = noted(ledger, "charged")
    assert len({line["custom_id"] for line in bills}) == len(bills) == hard.read("calls")["cost_usd"].gt(0).sum()
    assert hard.read("calls")["cost_usd"].sum() == pytest.approx(charged(ledger))
    assert not list(hard.journal.rglob("*.wave"))


def test_a_stop_leaves_the_wave_at_its_provider_and_the_next_run_fetches_it(tmp_path):
    ledger = tmp_path / "ledger"
    with batching(ledger, polls=15) as url:
        configs, warehouse, stop = configs_of(tmp_path / "c", url, live="o"), Warehouse(tmp_path / "w"), Stop()

        def ask():
            while len(noted(ledger, "charged")) < 16:
                time.sleep(0.01)
            stop.ask("enough")

        asking = threading.Thread(target=ask)
        asking.start()
        result = play(configs, warehouse, stop=stop)
        asking.join()
        assert (result.stopped, result.cost_usd, result.complete) == ("enough", 0, 0)
        # What is at the provider counts as the most it can cost.
        assert spent_so_far(warehouse, configs.arm("talk")) > charged(ledger) > 0
        # Also where the arm is live by now, the wave is fetched.
        live = configs.arm("talk").model_copy(update={"engine": "live"})
        again = play_batch(configs, live, "talk--b00", warehouse)
    assert (again.complete, again.stopped) == (4, None)
    calls = warehouse.read("calls")
    first = calls.filter((pl.col("round") == 1) & (pl.col("phase") == "message") & pl.col("engine").is_not_null())
    assert first["engine"].to_list() == ["batch"] * 16
    assert set(calls.filter(round=2)["engine"].drop_nulls()) == {"live"}
    assert calls["cost_usd"].sum() == pytest.approx(charged(ledger))
    assert set(warehouse.read("episodes")["engine"]) == {"batch"}


def test_invalid_replies_can_be_asked_again_live(tmp_path):
    with batching(tmp_path / "ledger", strange=0.15) as url:
        configs, warehouse = configs_of(tmp_path / "c", url, reask="live", live="o"), Warehouse(tmp_path / "w")
        assert play(configs, warehouse).complete == 4
    calls = warehouse.read("calls").filter(pl.col("engine").is_not_null())
    assert dict(calls.group_by(pl.col("attempt") > 0).agg(pl.col("engine").unique()).iter_rows()) == {
        False: ["batch"],
        True: ["live"],
    }


def test_a_budget_holds_over_waves_and_play_goes_on_with_more(tmp_path):
    ledger = tmp_path / "ledger"
    with batching(ledger) as url:
        configs, warehouse = configs_of(tmp_path / "c", url, budget=0.015, live="o"), Warehouse(tmp_path / "w")
        first = play(configs, warehouse)
        assert "budget of arm talk of $0.0" in first.stopped
        assert 0 < charged(ledger) <= 0.015
        assert spent_so_far(warehouse, configs.arm("talk")) == pytest.approx(charged(ledger))
        richer = configs.arm("talk").model_copy(update={"budget_usd": 100.0})
        assert play_batch(configs, richer, "talk--b00", warehouse).complete == 4
    assert warehouse.read("calls")["cost_usd"].sum() == pytest.approx(charged(ledger))


def test_what_no_batch_answers_fails_its_episode_as_a_fault_does(tmp_path):
    ledger = tmp_path / "ledger"
    with batching(ledger, failing=0.3) as url:
        configs, warehouse = configs_of(tmp_path / "c", url, retries=0, live="o"), Warehouse(tmp_path / "w")
        runs = [play(configs, warehouse)]
        assert runs[0].failed
        while runs[-1].left:
            runs.append(play(configs, warehouse))
            assert len(runs) < 40
    calls = warehouse.read("calls")
    assert {"timeout", "server_error"} & set(calls["status"])
    assert calls["cost_usd"].sum() == pytest.approx(charged(ledger))
