"""`di repair`, then `di run`: the tables of a warehouse that was never damaged, wherever replies survive."""

import os
import random
import shutil
from dataclasses import replace

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from di_assets.arms import load_configs
from di_assets.calls.journal import Journal
from di_assets.calls.journal_file import read_journal
from di_assets.tables import EVENT_TABLES, TABLES, Warehouse
from tests.calls.test_in_flight import HEADER, call
from tests.cli.damaging import WAYS, copy_of, duplicated, files_of, verb

TRIES = int(os.environ.get("DI_DAMAGED", "6"))
WHEN = ("looks",)  # a look is recorded with the time it was taken at


def tables_of(folder):
    return {name: Warehouse(folder).read(name) for name in TABLES if name not in WHEN}


def assert_alike(folder, before):
    assert [one for one in Warehouse(folder).damage() if one.kind != "newer"] == Warehouse(folder).changed() == []
    for name, frame in tables_of(folder).items():
        free = ["started_at", "finished_at", "latency_s"]  # scripted agents that play anew play at another time
        assert frame.drop(free, strict=False).equals(before[name].drop(free, strict=False)), name


@pytest.mark.parametrize("number", range(TRIES))
def test_a_repaired_warehouse_is_as_if_it_had_never_been_damaged(number, played, tmp_path):
    rng = random.Random(1000 + number)
    folder, configs = copy_of(played.warehouse.root, tmp_path / "w"), played.configs.root
    before = tables_of(folder)
    files = {path: path.read_bytes() for path in files_of(folder)}
    for _ in range(1 + number % 3):
        WAYS[(number + rng.randrange(2)) % len(WAYS)](rng.choice([path for path in files if path.exists()]), rng)
    damaged = {path: path.read_bytes() for path in files_of(folder)}
    would, code = verb(folder, configs, "repair", "--dry-run")
    assert {path: path.read_bytes() for path in damaged} == damaged  # a record that is lost is made at any look
    said, code = verb(folder, configs, "repair")
    assert code == 0, said
    assert ("would: " in would) == ("repaired" in said)
    assert [line for line in verb(folder, configs, "repair")[0].splitlines() if line] == ["nothing to repair"]
    assert_alike(folder, before)
    if "DI_DAMAGED" in os.environ:
        assert verb(folder, configs, "run", "talk", "mute")[1] == 0
        assert_alike(folder, before)


def put_aside(folder):
    return sorted(path.read_bytes() for path in (folder / "quarantine").iterdir())


@pytest.fixture
def told(spoken, tmp_path):
    """A copy of what models played: configuration, warehouse, and its tables as they were."""
    configs, warehouse = spoken
    folder = copy_of(warehouse.root, tmp_path / "w")
    return configs, folder, {table.name: Warehouse(folder).read(table.name) for table in EVENT_TABLES}


def test_event_tables_are_made_again_from_the_replies_of_models(told):
    configs, folder, before = told
    batch = Warehouse(folder).batches()[0]
    for table in ("episodes", "seats", "edges", "messages", "pulls"):
        path = folder / "tables" / table / f"{batch}.parquet"
        path.write_bytes(path.read_bytes()[:-20])
    said, code = verb(folder, configs.root, "repair")
    assert code == 0, said
    for name, frame in before.items():
        assert_frame_equal(Warehouse(folder).read(name), frame, check_exact=True)
    assert len(put_aside(folder)) == 5
    assert verb(folder, configs.root, "verify", "--all")[1] == 0


def _folder(path):
    path.unlink()
    path.mkdir()
    (path / "kept").write_text("x")


def _broken_link(path):
    path.unlink()
    path.symlink_to(path.with_name("nowhere"))


@pytest.mark.parametrize("put", [_folder, _broken_link])
def test_what_stands_in_a_files_place_is_put_aside(told, put):
    configs, folder, before = told
    batch = Warehouse(folder).batches()[0]
    path = folder / "tables" / "pulls" / f"{batch}.parquet"
    put(path)
    for words in (("verify", "--all"), ("export", "pulls", "--to", str(folder / "x.csv"))):
        said, code = verb(folder, configs.root, *words)
        assert (code, f"{path}: is missing; `di repair` makes it good" in said) == (1, True)
    said, code = verb(folder, configs.root, "repair")
    assert code == 0, said
    assert Warehouse(folder).read("pulls").equals(before["pulls"])
    (aside,) = (folder / "quarantine").iterdir()
    assert aside.name.endswith(f"tables--pulls--{batch}.parquet")
    assert verb(folder, configs.root, "repair")[0] == "nothing to repair\n"


def test_an_episode_whose_replies_are_lost_is_named_with_its_cost_and_its_cost_is_kept(told):
    configs, folder, before = told
    batch = Warehouse(folder).batches()[0]
    arm = batch.partition("--")[0]
    warehouse = Warehouse(folder)
    priced = before["episodes"].filter(batch=batch).with_columns(cost_usd=pl.lit(0.25))
    warehouse.write("episodes", priced, batch)
    (folder / "tables" / "calls" / f"{batch}.parquet").unlink()
    said, code = verb(folder, configs.root, "repair")
    assert code == 1
    assert (
        f"{batch}: the replies of {priced.height} episodes are lost; they had cost ${0.25 * priced.height:.2f}" in said
    )
    assert f"`di run {arm}`" in said
    left = warehouse.read("episodes", batch)
    assert left["status"].to_list() == ["failed"] * priced.height
    assert left["cost_usd"].sum() == pytest.approx(0.25 * priced.height)
    assert len(list((warehouse.journal / batch).glob("*.jsonl"))) == priced.height
    assert warehouse.damage() == warehouse.changed() == []
    assert verb(folder, configs.root, "repair") == ("nothing to repair\n", 0)
    plan = verb(folder, configs.root, "plan", arm)
    assert plan[1] == 0


def test_lost_calls_are_found_again_in_the_copy_that_a_sync_tool_made(told):
    configs, folder, before = told
    batch = Warehouse(folder).batches()[0]
    path = folder / "tables" / "calls" / f"{batch}.parquet"
    duplicated(path, random.Random(1))
    path.write_bytes(b"")
    said, code = verb(folder, configs.root, "repair")
    assert (code, "restored from" in said) == (0, True)
    assert Warehouse(folder).read("calls").equals(before["calls"])
    assert Warehouse(folder).damage() == []


def test_an_arm_that_is_no_longer_configured_is_said_to_be_what_is_missing(played, tmp_path):
    folder = copy_of(played.warehouse.root, tmp_path / "w")
    configs = shutil.copytree(played.configs.root, tmp_path / "c", symlinks=True)
    (configs / "mute.yaml").unlink()
    load_configs(configs)
    (folder / "tables" / "pulls" / "mute--b00.parquet").unlink()
    said, code = verb(folder, configs, "repair")
    assert code == 1
    assert (
        "mute--b00.parquet: is missing: can't be repaired: the arm 'mute' is not configured; put its file back" in said
    )


def test_a_damaged_journal_is_put_aside_and_what_reads_of_it_is_kept(played, tmp_path):
    folder, configs = copy_of(played.warehouse.root, tmp_path / "w"), played.configs.root
    path = folder / "journal" / "talk--b00" / "talk--promiser_r9.jsonl"
    journal = Journal(path, replace(HEADER, episode_id=path.stem))
    for number in range(3):
        journal.append(call(number))
    journal.close()
    lines = path.read_bytes().splitlines(keepends=True)
    damaged = b"".join([*lines[:2], b"\x00\xffgarbage\n", *lines[3:]])
    path.write_bytes(damaged)
    line = f"{path}: line 3 cannot be read: 2 of its calls read and are used, the other 1 count as $0.1000"
    assert f"would: {line}" in verb(folder, configs, "repair", "--dry-run")[0]
    assert path.read_bytes() == damaged
    said, code = verb(folder, configs, "repair")
    assert (code, line in said) == (0, True)
    assert damaged in put_aside(folder)
    assert [one.status for one in read_journal(path)[1]] == ["ok", "ok", "interrupted"]
    assert "nothing to repair" in verb(folder, configs, "repair")[0]


def test_a_batch_of_which_nothing_is_left_is_said_to_be_lost(told):
    configs, folder, before = told
    batch = Warehouse(folder).batches()[0]
    n = before["episodes"].filter(batch=batch).height
    for table in EVENT_TABLES:
        (folder / "tables" / table.name / f"{batch}.parquet").write_bytes(b"")
    said, code = verb(folder, configs.root, "repair")
    assert code == 1
    assert f"{batch}: no file tells of {n} episodes any more" in said or f"the replies of {n} episodes are lost" in said
    assert verb(folder, configs.root, "repair")[0] == "nothing to repair\n"


def test_a_summary_that_is_no_summary_is_named(played, tmp_path):
    folder = copy_of(played.warehouse.root, tmp_path / "played")
    summary = folder / "report" / "summary.json"
    summary.write_bytes(summary.read_bytes()[:500])
    said, code = verb(folder, played.configs.root, "trace", "q1:promiser")
    assert (code, said) == (1, f"Error: {summary}: is no summary; `di report` writes it anew\n")
