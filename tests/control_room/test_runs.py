"""Runs as `di run` makes them: which batches each takes, what it tells of each, and how much it writes and reads."""

import sqlite3
import time
from contextlib import closing
from dataclasses import replace

import dagster as dg
import pytest

from di_assets.assets.checks import EVENT_CHECKS, LABEL_CHECKS, MEASURE_CHECKS, PROMISE_CHECKS
from di_assets.assets.freshness import freshness_checks
from di_assets.assets.home import Home
from di_assets.calls.in_flight import InFlight
from di_assets.control_room.instance import instance_of
from di_assets.control_room.runs import RunInterruptedError, materialise_batches, planned_runs
from di_assets.measures.declared import by_batch, over_all
from di_assets.report.questions.registry import QUESTIONS
from di_assets.tables import EVENT_TABLES, Warehouse
from tests.calls.test_in_flight import request

# Files that the ten checks of a batch read in all.
READ_BY_CHECKS = 32
BATCHES = ["talk--b00", "talk--b01", "talk--b02"]
CHECKS = [(check.__name__, asset) for some in (EVENT_CHECKS, LABEL_CHECKS, PROMISE_CHECKS, MEASURE_CHECKS) for check, asset in some]  # fmt: skip


def of_three(configs, folder):
    """A home whose talk arm has three batches of four episodes."""
    talk = configs.arm("talk").model_copy(update={"batch_size": 4})
    return Home(warehouse=Warehouse(folder), configs=replace(configs, arms={**configs.arms, "talk": talk}))


@pytest.fixture(scope="module")
def counted(small_configs, tmp_path_factory):
    """Three batches, played in one run, the last in part; and how many Parquet files the run read."""
    home = of_three(small_configs, tmp_path_factory.mktemp("counted"))
    reads, scan = [], Warehouse.scan

    def counting(warehouse, table, partition=None):
        reads.extend(warehouse.files(table, partition))
        return scan(warehouse, table, partition)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Warehouse, "scan", counting)
        materialise_batches(home, BATCHES, limit=10)
    return home, len(reads)


def test_a_scripted_arm_is_one_run_and_part_of_it_a_run_a_batch(small_configs, tmp_path):
    home = of_three(small_configs, tmp_path)
    assert planned_runs(home, [*BATCHES, "mute--b00"]) == [(False, tuple(BATCHES)), (False, ("mute--b00",))]
    assert planned_runs(home, BATCHES[1:]) == [(False, ("talk--b01",)), (False, ("talk--b02",))]
    assert planned_runs(home, BATCHES[::-1]) == [(False, (batch,)) for batch in reversed(BATCHES)]


def test_batches_that_models_play_are_a_run_each(configs, tmp_path):
    home = Home(warehouse=Warehouse(tmp_path), configs=configs)
    batches = ["04_attack_complete--b00", "04_attack_complete--b01", "04_attack_complete--b02"]
    assert planned_runs(home, batches) == [(True, (batch,)) for batch in batches]


def test_a_run_of_several_batches_tells_of_each_what_was_checked(counted):
    home, _ = counted
    with instance_of(home) as instance:
        newest = {
            (asset, batch): instance.fetch_materializations(
                dg.AssetRecordsFilter(asset_key=dg.AssetKey(asset), asset_partitions=[batch]), limit=1
            ).records[0].storage_id
            for _, asset in CHECKS
            for batch in BATCHES
        }  # fmt: skip
        for check, asset in CHECKS:
            key = dg.AssetCheckKey(dg.AssetKey(asset), check)
            told = {
                one.partition_key: one
                for one in instance.event_log_storage.get_asset_check_partition_info([key])
                if one.partition_key is not None
            }
            assert sorted(told) == BATCHES, check
            for batch, one in told.items():
                complete = check != "planned_equals_played" or batch != "talk--b02"
                assert one.latest_execution_status.value == ("SUCCEEDED" if complete else "FAILED"), (check, batch)
                assert one.latest_target_materialization_storage_id == newest[asset, batch], (check, batch)


def test_a_step_an_asset_and_a_check_of_a_batch_write_a_few_events_each_whatever_they_are_of(counted):
    home, _ = counted
    (rows,) = events(home, "play_batches")
    assets, checks, steps = len(EVENT_TABLES) + len(by_batch()), len(CHECKS), 1 + len(by_batch()) + 4
    # Each asset, of each batch, is planned and materialised; each check is planned once and tells of each batch.
    assert rows <= 10 + 2 * steps + assets * (1 + 2 * len(BATCHES)) + checks * (3 + len(BATCHES))


def test_a_report_writes_five_events_an_asset_and_three_a_check_and_two_a_step_of_checks(played):
    published, steps = len(over_all()) + 1 + len(QUESTIONS), freshness_checks(played.configs)
    fresh = sum(len(list(step.check_keys)) for step in steps)
    for rows in events(played, "publish_report"):
        assert rows <= 10 + 5 * published + 3 * fresh + 2 * len(steps)


def test_a_batch_is_read_by_those_that_need_it_and_once_by_each(counted):
    _, reads = counted
    measured = sum(len(measure.reads) for measure in by_batch())
    assert reads <= len(BATCHES) * (measured + len(EVENT_TABLES) + READ_BY_CHECKS)


def events(home, job):
    """Rows of the history of each run of a job."""
    with instance_of(home) as instance:
        runs = [run.run_id for run in instance.get_runs(dg.RunsFilter(job_name=job))]
    return [rows_of(home.dagster / "history" / "runs" / f"{run}.db") for run in runs]


def rows_of(path):
    with closing(sqlite3.connect(path)) as history:
        return history.execute("SELECT count(*) FROM event_logs").fetchone()[0]


def test_an_interrupted_run_tells_what_the_calls_that_it_cut_count_as(small_configs, tmp_path):
    home = of_three(small_configs, tmp_path)
    home.stop.ask("interrupted by SIGINT")
    with pytest.raises(RunInterruptedError, match="what was done is kept; 12 episodes are left"):
        materialise_batches(home, BATCHES)
    earlier, later = time.time() - 1, time.time() + 600
    for batch, sent in ("talk--b00", (later, later, earlier)), ("talk--b02", (later,)), ("mute--b00", (later,)):
        listed = InFlight(home.warehouse.journal / batch / "in_flight.map")
        for number, at in enumerate(sent):
            listed.out(replace(request(number), at=at))
        listed.close()
    told = r"is kept; 3 calls were cut; they count as \$0\.7500, the most they can cost; 12 episodes are left"
    with pytest.raises(RunInterruptedError, match=told):
        materialise_batches(home, BATCHES)
