"""A backfill of many small batches on a cluster, through which a run, a worker and the daemon are killed."""

import os
import re
import time

import dagster as dg
import polars as pl
import psutil
import pytest

from di_assets.arms import batches, load_configs
from di_assets.calls.call import FAULTS
from di_assets.calls.costing import most_it_can_cost
from di_assets.play.batch import play_batch
from di_assets.tables import Warehouse
from di_assets.tables.words import INTERRUPTED
from tests.conftest import bytes_of
from tests.control_room.served import BACKFILLS_ENDED, control_room, wait_for
from tests.play.clusters import dask_cluster
from tests.play.hostility import KEY, charged, hostile, hostile_configs, leaks, noted, served

# `make survive` asks for 40; it takes too long for every push.
BATCHES = int(os.environ.get("SURVIVAL_BATCHES", "0"))
EVENTS = ("messages", "pulls", "seats", "edges")
# Tokens of a request in a usage of either dialect.
SENT = ("prompt_tokens", "input_tokens", "cache_read_input_tokens")


def small_batches(folder, url):
    """An arm of batches of two episodes, each played by models."""
    hostile_configs(folder, url, episodes=2 * BATCHES, rounds=2, retries=6, timeout_s=8)
    text = (folder / "hard.yaml").read_text().replace("batch_size: 1000", "batch_size: 2")
    (folder / "hard.yaml").write_text(text)
    return load_configs(folder)


def lines(ledger):
    return ledger.read_bytes().count(b"\n") if ledger.exists() else 0


def process_of_a_run(warehouse):
    """A process that plays a run now."""
    with dg.DagsterInstance.from_config(str(warehouse / "dagster")) as instance:
        for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
            for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT):
                found = re.search(r"Started process for run \(pid: (\d+)\)", entry.user_message + entry.message)
                if found and psutil.pid_exists(int(found[1])):
                    return psutil.Process(int(found[1]))
    raise ValueError("no run has a process now")


def daemon_of(room):
    [daemon] = [
        one
        for one in psutil.Process(room.process.pid).children(recursive=True)
        if any("dagster-daemon" in word for word in one.cmdline())
    ]
    return daemon


def failed_batches(warehouse):
    """Batches of which an episode failed, in order."""
    episodes = Warehouse(warehouse).read("episodes")
    return sorted(set(episodes.filter(status="failed")["batch"]))


@pytest.mark.slow
@pytest.mark.skipif(not BATCHES, reason="takes minutes: `make survive`")
def test_every_episode_is_there_once_whoever_is_killed(tmp_path, monkeypatch):
    monkeypatch.setenv("PLANTED_KEY", KEY)
    ledger, warehouse, configs = tmp_path / "ledger", tmp_path / "warehouse", tmp_path / "configs"
    with (
        dask_cluster(tmp_path / "cluster", PLANTED_KEY=KEY) as cluster,
        hostile(ledger, latency=0.15, transient=0.05) as url,
    ):
        known = small_batches(configs, url)
        partitions = batches(known.arm("hard"))
        assert len(partitions) == BATCHES
        calls = BATCHES * 2 * 2 * 5 * 2
        engine = {"DI_ENGINE": "dask", "DI_DASK_SCHEDULER": cluster.address}
        started = time.monotonic()
        with control_room(warehouse, configs, **engine) as room:
            by_batch = [name for name, asset in room.assets().items() if asset["partitionStats"]]
            backfill = room.backfill(by_batch, partitions)
            wait_for(lambda: lines(ledger) > calls // 8, 240)
            wait_for(lambda: process_of_a_run(warehouse), 60).kill()
            wait_for(lambda: lines(ledger) > calls // 4, 240)
            cluster.kill_worker_mid_call(0)
            cluster.start_worker()
            wait_for(lambda: lines(ledger) > calls // 2, 600)
            cluster.kill_worker_mid_call(1)
            cluster.start_worker()
            daemon_of(room).kill()
            room.process.wait(timeout=90)  # what it started ends with it
            assert room.process.returncode == 1
        with control_room(warehouse, configs, **engine) as room:
            wait_for(lambda: room.status_of_backfill(backfill) in BACKFILLS_ENDED, 1200)
            assert room.status_of_backfill(backfill) == "COMPLETED_SUCCESS"
            runs = room.runs()
            assets = room.assets()
            # A server that says nothing until the deadline fails an episode; the next backfill plays those on.
            resumed = 0
            while unfinished := failed_batches(warehouse):
                resumed += 1
                assert resumed < 5
                backfill = room.backfill(by_batch, unfinished)
                wait_for(lambda one=backfill: room.status_of_backfill(one) in BACKFILLS_ENDED, 600)
        took = time.monotonic() - started
    whole = Warehouse(tmp_path / "whole")
    with hostile() as calm:
        without = small_batches(tmp_path / "calm", calm)
        for batch in partitions:
            play_batch(without, without.arm("hard"), batch, whole)
    killed = Warehouse(warehouse)
    for name in by_batch:
        assert assets[name]["partitionStats"]["numMaterialized"] == BATCHES, name
    episodes = killed.read("episodes")
    assert episodes["episode_id"].to_list() == whole.read("episodes")["episode_id"].to_list()
    assert episodes.height == 2 * BATCHES == episodes["episode_id"].n_unique()
    assert set(episodes["status"]) == {"complete"}
    for table in EVENTS:
        assert bytes_of(killed, table) == bytes_of(whole, table), table
    stored = killed.read("calls")
    paid, faults = len(served(ledger)), len(noted(ledger)) - len(served(ledger))
    replied = stored.filter(~pl.col("status").is_in(list(FAULTS))).height
    interrupted = stored.filter(status=INTERRUPTED).height
    assert interrupted > 0  # the kills hit calls
    assert 0 <= paid - replied <= interrupted
    bill, cost = charged(ledger), stored["cost_usd"].sum()
    # Beyond the bill stands only what was sent and not read: a fault or a kill each, at what one call can cost at most.
    most = most_of_a_call(known, ledger)
    assert bill <= cost + 1e-9
    assert cost <= bill + (faults + interrupted) * most
    failed = [tags for status, tags in runs.values() if status == "FAILURE"]
    assert failed
    assert leaks(warehouse, KEY) == []
    print(
        f"\nsurvival: {BATCHES} batches in {took:.0f} s; {len(runs)} runs, {len(failed)} of them killed; {replied} replies, "
        f"{faults} faults, {interrupted} interrupted, {paid - replied} paid for twice, {resumed} backfills of what failed; "
        f"billed ${bill:.4f}, stored ${cost:.4f}, at most ${bill + (faults + interrupted) * most:.4f}"
    )


def most_of_a_call(known, ledger):
    """US dollars that the longest request of all can have cost: its bytes as tokens, and all the tokens it may be answered with."""
    # The server charges a token for four bytes of a body, which holds the text and more.
    longest = 4 * (
        1 + max(sum(v for k, v in line["usage"].items() if k in SENT) for line in noted(ledger) if line["usage"])
    )
    models = (known.models[name] for name in ("o", "a"))
    return max(most_it_can_cost(model, longest, turns=20) for model in models)
