"""Runs that play models take turns, and one that was killed does not keep the others waiting."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import dagster as dg
import polars as pl
import pytest

from di_assets.assets.definitions import build
from di_assets.assets.home import Home
from di_assets.assets.playing import POOL, playing
from di_assets.control_room.instance import instance_of
from di_assets.control_room.pool import free_slots_of_killed_runs
from di_assets.control_room.runs import materialise_batches
from di_assets.tables import Warehouse
from tests.conftest import ROOT
from tests.play.hostility import KEY, hostile, hostile_configs

ANOTHER = "title: Soft\nid: soft--{focal}_r{replicate}\nfocal: [o]\nbackground: [o, a, o, a]\nepisodes: 2\nrounds: 2\nbudget_usd: 9\n"


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("PLANTED_KEY", KEY)
    with hostile(latency=0.1) as url:
        hostile_configs(tmp_path / "configs", url, timeout_s=60)
        (tmp_path / "configs" / "soft.yaml").write_text(ANOTHER)
        from di_assets.arms import load_configs

        yield Home(warehouse=Warehouse(tmp_path / "w"), configs=load_configs(tmp_path / "configs"))


def di_run(home, arm):
    command = [
        sys.executable,
        "-m",
        "di_assets.cli",
        "--configs",
        str(home.configs.root),
        "--warehouse",
        str(home.warehouse.root),
    ]
    return subprocess.Popen(
        [*command, "run", arm], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def taken(home):
    with instance_of(home) as instance:
        return instance.event_log_storage.get_concurrency_info(POOL).claimed_slots


def test_of_two_runs_that_were_both_given_the_slot_one_waits(tmp_path):
    """As SQLite may give it: the slot is looked for and taken in two steps."""
    ended = []

    def play(run):
        with playing(tmp_path / "playing", run, in_turn=True):
            began = time.monotonic()
            time.sleep(0.05)
            ended.append((began, time.monotonic()))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(play, "abcd"))
    assert len(ended) == 4
    assert all(before[1] <= after[0] for before, after in pairwise(ended))
    with playing(tmp_path / "playing", "e", in_turn=True), playing(tmp_path / "playing", "scripted", in_turn=False):
        pass  # which waits for nobody
    assert not list((tmp_path / "playing").glob("*"))


def test_a_run_that_ends_while_it_is_looked_at_was_not_killed(small_configs, tmp_path, monkeypatch):
    home = Home(warehouse=Warehouse(tmp_path), configs=small_configs)
    with instance_of(home) as instance:
        run = instance.create_run_for_job(dg.GraphDefinition("play").to_job(), status=dg.DagsterRunStatus.STARTED)
        ending = playing(home.playing, run.run_id, in_turn=False)
        ending.__enter__()
        locked = fcntl.flock
        # The run ends between the moment that its file is opened and that it is locked.
        monkeypatch.setattr(
            "fcntl.flock", lambda *how: monkeypatch.undo() or ending.__exit__(None, None, None) or locked(*how)
        )
        free_slots_of_killed_runs(instance, home.playing)
        assert instance.get_run_by_id(run.run_id).status == dg.DagsterRunStatus.STARTED
        assert not list(home.playing.glob("*"))


@pytest.mark.slow
def test_two_runs_over_models_take_turns(home):
    processes = [di_run(home, arm) for arm in ("hard", "soft")]
    said = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0], said
    calls = home.warehouse.read("calls").join(
        home.warehouse.read("episodes").select("episode_id", "arm"), on="episode_id"
    )
    ends = pl.col("started_at").dt.epoch("us") / 1e6 + pl.col("latency_s")
    spans = (
        calls.group_by("arm").agg(begin=pl.col("started_at").min().dt.epoch("us") / 1e6, end=ends.max()).sort("begin")
    )
    assert spans["end"][0] <= spans["begin"][1]


@pytest.mark.slow
def test_a_killed_run_gives_its_slot_back_and_is_told_as_failed(home):
    process = di_run(home, "hard")
    while not list(home.warehouse.journal.rglob("*.jsonl")):
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert len(taken(home)) == 1
    [result] = materialise_batches(home, ["hard--b00"])
    assert result.left == 0
    assert taken(home) == []
    with instance_of(home) as instance:
        statuses = sorted(run.status.value for run in instance.get_runs())
    assert statuses == ["FAILURE", "SUCCESS"]
    assert not list(home.playing.glob("*"))


@pytest.mark.slow
def test_a_run_that_is_alive_keeps_its_slot(home):
    process = di_run(home, "hard")
    while not list(home.warehouse.journal.rglob("*.jsonl")):
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.02)
    materialise_batches(home, ["soft--b00"])
    assert process.wait() == 0
    with instance_of(home) as instance:
        assert {run.status for run in instance.get_runs()} == {dg.DagsterRunStatus.SUCCESS}


def test_scripted_agents_wait_for_nobody(small_configs):
    home = Home(warehouse=Warehouse(small_configs.root / "none"), configs=small_configs)
    pools = [
        {a.op.pool for a in build(home, pool=pool).assets if hasattr(a, "op") and a.op.name == "play"}
        for pool in (POOL, None)
    ]
    assert pools == [{POOL}, {None}]
    assert small_configs.only_scripted(small_configs.arm("talk"))
