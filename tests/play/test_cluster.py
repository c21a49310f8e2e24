"""A batch on a Dask cluster, whose scheduler and workers are processes that are killed in the middle."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import polars as pl
import pytest
from click.testing import CliRunner

from di_assets.arms import load_configs, plan
from di_assets.arms.settings import PlaySettings
from di_assets.arms.yaml_files import ConfigError
from di_assets.calls.call import FAULTS
from di_assets.calls.in_flight import InFlight, Request, left_in_flight, move
from di_assets.calls.place import Place
from di_assets.cli.verbs import main
from di_assets.play import cluster
from di_assets.play.batch import play_batch
from di_assets.play.cluster import ClusterError, chunks_of
from di_assets.play.episode_locks import lock_of
from di_assets.tables import Warehouse
from di_assets.tables.locks import all_let_go, locked_in_loop
from di_assets.tables.words import INTERRUPTED
from tests.calls.test_budget import arm_over
from tests.conftest import ROOT, bytes_of
from tests.play.clusters import dask_cluster
from tests.play.hostility import KEY, charged, hostile, hostile_configs, leaks, noted, served

EVENTS = ("messages", "pulls", "seats", "edges")
CLOCKS = ("latency_s", "started_at", "call_id")


def on(cluster, configs, chunk=2):
    return replace(configs, play=PlaySettings(engine="dask", scheduler=cluster.address, chunk=chunk))


def hard(configs, warehouse, **options):
    return play_batch(configs, configs.arm("hard"), "hard--b00", warehouse, **options)


def replies(warehouse):
    calls = warehouse.read("calls").filter(~pl.col("status").is_in(list(FAULTS)))
    return calls.drop(*CLOCKS, "retried", "cost_usd", "bound_usd", "request_id")


def test_chunks_hold_every_episode_once_in_order(small_configs):
    todo = plan(small_configs.arm("talk"))
    groups = chunks_of(todo, 5)
    assert [len(group) for group in groups] == [5, 5, 2]
    assert [one for group in groups for one in group] == list(todo)
    assert chunks_of([], 5) == []


@pytest.mark.parametrize(
    ("text", "environment", "said"),
    [
        ("engine: dask\n", {}, "scheduler: dask needs one, such as tcp://127.0.0.1:8786"),
        ("engine: desk\n", {}, "play.yaml:1: engine"),
        ("chunk: 0\n", {}, "play.yaml:1: chunk"),
        ("", {"DI_ENGINE": "desk"}, "DI_ENGINE: 'desk' is none (did you mean 'dask'?)"),
        ("", {"DI_ENGINE": "dask"}, "or DI_DASK_SCHEDULER"),
    ],
)
def test_settings_that_cannot_be_are_said_in_one_line(small_configs, tmp_path, monkeypatch, text, environment, said):
    for link in small_configs.root.iterdir():
        (tmp_path / link.name).symlink_to(link)
    if text:
        (tmp_path / "play.yaml").write_text(text)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=r"^[^\n]+$") as told:
        load_configs(tmp_path)
    assert said in str(told.value)


def test_the_environment_comes_before_the_file_and_neither_changes_what_is_played(small_configs, tmp_path, monkeypatch):
    for link in small_configs.root.iterdir():
        (tmp_path / link.name).symlink_to(link)
    (tmp_path / "play.yaml").write_text("engine: dask\nscheduler: tcp://one:8786\nchunk: 9\n")
    assert load_configs(tmp_path).play == PlaySettings(engine="dask", scheduler="tcp://one:8786", chunk=9)
    monkeypatch.setenv("DI_DASK_SCHEDULER", "tcp://other:8786")
    assert load_configs(tmp_path).play.scheduler == "tcp://other:8786"
    monkeypatch.setenv("DI_ENGINE", "local")
    local = load_configs(tmp_path)
    assert local.play.engine == "local"
    assert local.config_hash(local.arm("talk")) == small_configs.config_hash(small_configs.arm("talk"))


def test_where_workers_hold_the_keys_a_run_says_that_it_did_not_look_at_them(tmp_path, monkeypatch):
    arm_over("http://127.0.0.1:9", tmp_path, budget=1.0)
    monkeypatch.setenv("DI_ENGINE", "dask")
    monkeypatch.setenv("DI_DASK_SCHEDULER", "tcp://127.0.0.1:9")  # nobody is there
    monkeypatch.setattr(cluster, "CONNECT_S", 0.5)
    ran = CliRunner().invoke(main, ["--warehouse", str(tmp_path / "w"), "--configs", str(tmp_path), "run", "paid"])
    assert ran.exit_code == 1
    assert "keys are each worker's own on a Dask cluster: they are not looked at here" in ran.stderr


def test_what_an_ended_run_left_is_found_by_either_engine(tmp_path):
    def request(episode):
        return Request(episode, Place(1, "pull", 0, 0, 0), "hash", 0.5, 7.0)

    shared = InFlight(tmp_path / "in_flight.map")
    for episode in ("a", "b", "a"):
        shared.out(request(episode))
    shared.close()
    move(tmp_path, lambda episode: tmp_path / f"{episode}.map")
    assert left_in_flight(tmp_path / "a.map") == [request("a")] * 2
    assert left_in_flight(tmp_path / "b.map") == [request("b")]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.map", "a.slots", "b.map", "b.slots"]
    move(tmp_path, lambda _: tmp_path / "in_flight.map")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in_flight.map", "in_flight.slots"]
    assert sorted(one.episode_id for one in left_in_flight(tmp_path)) == ["a", "a", "b"]


async def test_an_episode_is_played_by_one_at_a_time(tmp_path):
    order = []

    async def play(name):
        async with locked_in_loop(lock_of(tmp_path, "e")):
            order.append(f"{name} begins")
            await asyncio.sleep(0.05)
            order.append(f"{name} ends")

    await asyncio.gather(play("one"), play("other"))
    await all_let_go([tmp_path / "e.lock"])
    assert [line.split()[1] for line in order] == ["begins", "ends", "begins", "ends"]


@pytest.fixture
def _keyed(monkeypatch):
    monkeypatch.setenv("PLANTED_KEY", KEY)


@pytest.mark.slow
@pytest.mark.usefixtures("_keyed")
def test_a_cluster_plays_what_one_process_plays_within_limits_and_budgets(small_configs, tmp_path):
    ledger = tmp_path / "ledger"
    with dask_cluster(tmp_path / "cluster", PLANTED_KEY=KEY) as cluster:
        # Scripted agents: the same bytes.
        here, there = Warehouse(tmp_path / "here"), Warehouse(tmp_path / "there")
        arm = small_configs.arm("talk")
        assert play_batch(small_configs, arm, "talk--b00", here).played == 12
        told = []
        far = on(cluster, small_configs)
        result = play_batch(far, arm, "talk--b00", there, progress=lambda *so_far: told.append(so_far[:2]))
        assert (result.played, result.left, result.scripted_calls) == (12, 0, here.read("calls").height)
        assert told[-1] == (12, 12)
        for table in EVENTS:
            assert bytes_of(there, table) == bytes_of(here, table), table
        assert play_batch(far, arm, "talk--b00", there).scripted_calls == 0

        # Models: the same replies, and never more at once than one process may ask.
        with hostile(ledger, model=0.1, latency=0.02) as url:
            few = hostile_configs(tmp_path / "a", url, episodes=8, concurrency=3)
            one, many = Warehouse(tmp_path / "one"), Warehouse(tmp_path / "many")
            hard(few, one)
            first = len(noted(ledger))
            result = hard(on(cluster, few), many)
            assert (result.played, result.left) == (8, 0)
            assert result.calls == many.read("calls").height
            for table in EVENTS:
                assert bytes_of(many, table) == bytes_of(one, table), table
            assert replies(many).equals(replies(one))
            # Two models of three calls each, on four threads of two workers.
            assert 3 < max(line["open"] for line in noted(ledger)[first:]) <= 6
            assert not list((many.journal / "hard--b00").iterdir())

            # Money: stopped under the budget by the server's own count, then played to the end.
            poor = hostile_configs(tmp_path / "b", url, episodes=8, budget=0.2, model_id="poor")
            spent = Warehouse(tmp_path / "spent")
            result = hard(on(cluster, poor), spent)
            assert result.stopped.startswith("budget of arm hard of $0.20 would be exceeded")
            assert 0 < charged(ledger, "poor") <= spent.read("calls")["cost_usd"].sum() + 1e-9 <= 0.2 + 2e-9
            rich = hostile_configs(tmp_path / "c", url, episodes=8, model_id="poor")
            assert hard(on(cluster, rich), spent).left == 0
    assert leaks(tmp_path, KEY) == []


@pytest.mark.slow
@pytest.mark.usefixtures("_keyed")
def test_requests_a_minute_hold_for_all_workers_together(tmp_path):
    ledger = tmp_path / "ledger"
    with dask_cluster(tmp_path / "cluster", PLANTED_KEY=KEY) as cluster, hostile(ledger, latency=0.001) as url:
        configs = hostile_configs(tmp_path / "a", url, episodes=2, rounds=1)
        limited = {
            name: model.model_copy(update={"requests_per_minute": 120}) for name, model in configs.models.items()
        }
        hard(on(cluster, replace(configs, models=limited), chunk=1), Warehouse(tmp_path / "w"))
    at = sorted(line["at"] for line in noted(ledger))
    # Two models, each a tenth of its minute at once and the rest evenly, two a second by a tenth less.
    assert len(at) <= 2 * (12 + 1 + (at[-1] - at[0]) * 1.8)
    assert len(at) == 20


def run_hard(configs, warehouse, cluster):
    environment = {**os.environ, "PLANTED_KEY": KEY, "DI_ENGINE": "dask", "DI_DASK_SCHEDULER": cluster.address}
    command = [
        sys.executable,
        "-m",
        "di_assets.cli",
        "--configs",
        str(configs),
        "--warehouse",
        str(warehouse),
        "run",
        "hard",
    ]
    return subprocess.Popen(
        command, env=environment, cwd=ROOT, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def wait_for_lines(ledger, n):
    deadline = time.monotonic() + 60
    while not ledger.exists() or ledger.read_bytes().count(b"\n") < n:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.usefixtures("_keyed")
def test_a_worker_and_then_the_driver_are_killed_and_every_episode_is_there_once(tmp_path):
    ledger = tmp_path / "ledger"
    with (
        dask_cluster(tmp_path / "cluster", PLANTED_KEY=KEY) as cluster,
        hostile(ledger, model=0.05, latency=0.1) as url,
    ):
        configs = hostile_configs(tmp_path / "a", url, episodes=12, rounds=3)
        (tmp_path / "a" / "play.yaml").write_text("chunk: 2\n")
        killed = Warehouse(tmp_path / "killed")
        first = run_hard(tmp_path / "a", killed.root, cluster)
        wait_for_lines(ledger, 40)
        cluster.kill_worker_mid_call(0)
        cluster.start_worker()
        wait_for_lines(ledger, 120)
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
        assert run_hard(tmp_path / "a", killed.root, cluster).wait(timeout=120) == 0
        paid = len(served(ledger))
        whole = Warehouse(tmp_path / "whole")
        hard(configs, whole)
        assert charged(ledger) <= killed.read("calls")["cost_usd"].sum() + whole.read("calls")["cost_usd"].sum() + 1e-9
    assert killed.read("episodes")["episode_id"].to_list() == whole.read("episodes")["episode_id"].to_list()
    assert set(killed.read("episodes")["status"]) == {"complete"}
    for table in EVENTS:
        assert bytes_of(killed, table) == bytes_of(whole, table), table
    assert replies(killed).equals(replies(whole))
    interrupted = killed.read("calls").filter(status=INTERRUPTED).height
    assert interrupted > 0
    assert 0 <= paid - replies(killed).height <= interrupted
    assert not list((killed.journal / "hard--b00").iterdir())
    assert leaks(tmp_path, KEY) == []


@pytest.mark.slow
def test_a_cluster_that_cannot_play_says_why_in_one_line(small_configs, tmp_path, monkeypatch):
    monkeypatch.setattr("di_assets.play.cluster.CONNECT_S", 1.0)
    monkeypatch.setattr("di_assets.play.cluster.WORKERS_S", 1.0)
    arm, warehouse = small_configs.arm("talk"), Warehouse(tmp_path / "w")
    nowhere = replace(small_configs, play=PlaySettings(engine="dask", scheduler="tcp://127.0.0.1:9"))
    with pytest.raises(ClusterError, match=r"no Dask scheduler answers at tcp://127.0.0.1:9"):
        play_batch(nowhere, arm, "talk--b00", warehouse)
    with dask_cluster(tmp_path / "cluster", workers=0) as cluster:
        with pytest.raises(ClusterError, match=r"has no workers; start some with `dask worker tcp://127.0.0.1:"):
            play_batch(on(cluster, small_configs), arm, "talk--b00", warehouse)
        cluster.start_worker()
        monkeypatch.setattr("di_assets.play.cluster.WORKERS_S", 30.0)
        monkeypatch.setattr("di_assets.play.cluster.TOKEN", "another")  # as if the worker saw another folder
        with pytest.raises(ClusterError, match="journals need a folder that all share"):
            play_batch(on(cluster, small_configs), arm, "talk--b00", warehouse)
    assert warehouse.read("episodes").is_empty()
