"""A hostile provider, a process that is killed again and again, and nothing lost of what was paid for."""

import os
import random
import signal
import subprocess
import sys
import time

import polars as pl
import pytest

from di_assets.calls.call import FAULTS
from di_assets.tables import Warehouse
from di_assets.tables.words import INTERRUPTED
from tests.conftest import ROOT, bytes_of
from tests.play.hostility import KEY, hostile, hostile_configs, leaks, noted, served
from tests.providers.hostile import STRANGE, TRANSIENT

EVENTS = ("messages", "pulls", "seats", "edges")
MEASURES = ("message_labels", "pull_kinds", "pair_capture", "seat_measures", "episode_measures")
# What differs from run to run: the clock, and what a detour cost.
CLOCK = ("latency_s", "started_at", "call_id", "retried", "cost_usd", "bound_usd", "request_id")
DETOURS = ("started_at", "finished_at", "n_calls", "cost_usd")

# `make soak` asks for more.
EPISODES, KILLS = int(os.environ.get("SOAK_EPISODES", "10")), int(os.environ.get("SOAK_KILLS", "2"))
IN_FLIGHT_CALLS = 80


def di_run(configs, warehouse, log):
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
    environment = {**os.environ, "PLANTED_KEY": KEY}
    return subprocess.Popen(command, env=environment, stdout=log, stderr=log, cwd=ROOT, start_new_session=True)


def lines(path):
    return path.read_bytes().count(b"\n") if path.exists() else 0


def run_to_the_end(configs, warehouse, log, *, ledger=None, kills=0, seed=0):
    """Runs again and again until all is played; kills the first runs, each after some more calls. Returns the kills."""
    rng = random.Random(seed)
    killed = 0
    for _ in range(kills + 40):
        process = di_run(configs, warehouse, log)
        if killed < kills:
            more = lines(ledger) + rng.randrange(1, 20 * EPISODES // kills)
            while process.poll() is None and lines(ledger) < more:
                time.sleep(0.01)
            time.sleep(rng.random() * 0.3)
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                killed += 1
        if process.wait() == 0:
            return killed
    raise AssertionError("it never came to an end")


@pytest.mark.slow
def test_a_soak_of_faults_and_kills_loses_nothing(tmp_path):
    ledger, log_path = tmp_path / "ledger", tmp_path / "log"
    strange = {"model": 0.05, "latency": 0.05}
    with log_path.open("w") as log, hostile(**strange) as calm, hostile(ledger, transient=0.1, **strange) as storm:
        hostile_configs(tmp_path / "a", calm, episodes=EPISODES, timeout_s=4)
        hostile_configs(tmp_path / "b", storm, episodes=EPISODES, timeout_s=4)
        killed = run_to_the_end(tmp_path / "b", tmp_path / "hard", log, ledger=ledger, kills=KILLS)
        run_to_the_end(tmp_path / "a", tmp_path / "quiet", log)
    hard, quiet = Warehouse(tmp_path / "hard"), Warehouse(tmp_path / "quiet")

    for table in (*EVENTS, *MEASURES):
        assert bytes_of(hard, table) == bytes_of(quiet, table), table
    replied = ~pl.col("status").is_in(list(FAULTS))
    one, other = (w.read("calls").filter(replied).drop(*CLOCK) for w in (hard, quiet))
    assert one.equals(other)
    one, other = (w.read("episodes").drop(*DETOURS, "config_hash") for w in (hard, quiet))
    assert one.equals(other)
    assert one.height == EPISODES

    calls = hard.read("calls")
    interrupted = calls.filter(status=INTERRUPTED).height
    paid = len(served(ledger))
    twice = paid - calls.filter(replied).height
    print(
        f"\nsoak: {EPISODES} episodes, {calls.height} calls, {killed} kills, {interrupted} calls interrupted, "
        f"{twice} replies paid for twice, "
        f"{calls.filter(~replied).height - interrupted} faults that outlasted retries, "
        f"{calls['retried'].drop_nulls().str.split(' ').list.len().sum()} retried"
    )
    assert killed == KILLS
    if EPISODES >= 200:
        assert {line["kind"] for line in noted(ledger)} == {"good", *TRANSIENT, *STRANGE}
    assert leaks(tmp_path, KEY) == []
    assert 0 <= twice <= interrupted <= KILLS * 2 * IN_FLIGHT_CALLS
    assert not list(hard.journal.rglob("*.jsonl"))
