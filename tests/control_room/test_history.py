"""What is forgotten of Dagster's history, and what the UI still needs."""

import shutil
from contextlib import closing
from datetime import UTC, datetime, timedelta
from sqlite3 import connect

import dagster as dg
import pytest
from click.testing import CliRunner

from di_assets.assets.definitions import build
from di_assets.assets.home import Home
from di_assets.cli.verbs import main
from di_assets.control_room.code_location import location
from di_assets.control_room.history import prune, pruning
from di_assets.control_room.instance import instance_of
from di_assets.control_room.runs import materialise_report
from di_assets.tables import Warehouse

pytestmark = pytest.mark.slow
NOW = datetime.now(tz=UTC) + timedelta(days=31)
MONTH = timedelta(days=30)


@pytest.fixture(scope="module")
def reported(played, tmp_path_factory):
    """A copy of what was played, whose report was made twice more."""
    home = copied(played, tmp_path_factory.mktemp("reported"))
    for _ in range(2):
        materialise_report(home)
    return home


@pytest.fixture
def home(reported, tmp_path):
    """A copy of that, to be pruned."""
    return copied(reported, tmp_path)


def copied(home, folder):
    shutil.copytree(home.warehouse.root, folder, dirs_exist_ok=True)
    return Home(warehouse=Warehouse(folder), configs=home.configs)


def state(instance, home):
    """What the UI shows of every asset: by partition when it was last materialised, and what checks said."""
    storage, definitions = instance.event_log_storage, build(home)
    keys = sorted(instance.all_asset_keys())
    kind = dg.DagsterEventType.ASSET_MATERIALIZATION
    made = {key: storage.get_latest_storage_id_by_partition(key, kind) for key in keys}
    latest = {key: instance.get_latest_materialization_event(key).run_id for key in keys}
    checks = [spec.key for checks in definitions.asset_checks for spec in checks.check_specs]
    said = {key: [one.run_id for one in storage.get_asset_check_execution_history(key, limit=1)] for key in checks}
    return made, latest, said


def test_old_runs_are_forgotten_and_the_ui_shows_what_it_showed(home):
    with instance_of(home) as instance:
        shown, runs = state(instance, home), {run.run_id for run in instance.get_runs()}
        dry = prune(instance, keep=MONTH, now=NOW, dry=True)
        assert {run.run_id for run in instance.get_runs()} == runs
        done = prune(instance, keep=MONTH, now=NOW)
        assert (done.runs, done.needed) == (dry.runs, dry.needed)
        assert done.runs >= 2  # both older reports
        assert done.needed >= 3  # two arms and the newest report
        assert len(instance.get_runs()) == len(runs) - done.runs == done.needed
        assert done.after < done.before
        assert state(instance, home) == shown
        left = {path.stem for path in (home.dagster / "history" / "runs").glob("*.db")} - {"index"}
        assert left == {run.run_id for run in instance.get_runs()}
        assert prune(instance, keep=MONTH, now=NOW).runs == 0


def test_the_databases_keep_no_empty_pages(home):
    with instance_of(home) as instance:
        prune(instance, keep=MONTH, now=NOW)
    history = home.dagster / "history"
    for path in (history / "runs.db", history / "runs" / "index.db"):
        with closing(connect(path)) as database:
            assert database.execute("PRAGMA freelist_count").fetchone() == (0,)


def test_results_of_checks_are_forgotten_but_for_the_newest_of_each_batch(home):
    with instance_of(home) as instance:
        prune(instance, keep=MONTH, now=NOW)
    with closing(connect(home.dagster / "history" / "runs" / "index.db")) as database:
        counts = database.execute(
            "SELECT count(*), count(DISTINCT asset_key || check_name || coalesce(partition, '')) FROM asset_check_executions"
        ).fetchone()
    assert counts[0] == counts[1] > 20


def test_what_is_young_or_has_not_ended_is_kept(home):
    with instance_of(home) as instance:
        runs = len(instance.get_runs())
        started = instance.create_run_for_job(
            dg.GraphDefinition("play_batches").to_job(), status=dg.DagsterRunStatus.STARTED
        )
        assert prune(instance, keep=MONTH, now=datetime.now(tz=UTC)).runs == 0
        assert len(instance.get_runs()) == runs + 1
        prune(instance, keep=MONTH, now=NOW)
        assert instance.get_run_by_id(started.run_id) is not None


def test_the_verb_tells_what_it_did(home):
    at = ["--warehouse", str(home.warehouse), "--configs", str(home.configs.root), "prune"]
    young = CliRunner().invoke(main, at)
    assert young.exit_code == 0
    assert young.output.startswith("0 runs older than 30 days deleted; ")
    dry = CliRunner().invoke(main, [*at, "--keep-days", "0", "--dry-run"])
    assert "would be deleted" in dry.output
    done = CliRunner().invoke(main, [*at, "--keep-days", "0"])
    assert done.output.split(" ")[0] == dry.output.split(" ")[0] != "0"
    assert CliRunner().invoke(main, [*at, "--keep-days", "-1"]).exit_code == 2


def test_it_is_done_every_night(home):
    [schedule] = [one for one in location(home).schedules if one.name == "prune_history"]
    assert schedule.default_status.value == "RUNNING"
    job = pruning().job
    with instance_of(home) as instance:
        before = len(instance.get_runs())
        result = job.execute_in_process(instance=instance, run_config={"ops": {"prune": {"config": {"keep_days": 0}}}})
        assert result.success
        assert len(instance.get_runs()) < before + 1
