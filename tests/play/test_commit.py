"""From journals to tables: a journal goes when the tables hold all of its replies, and not before."""

import logging
import os
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from di_assets.arms import Configs
from di_assets.calls.journal_file import read_journal
from di_assets.calls.sealed import sealed
from di_assets.play import batch as batch_module
from di_assets.play.batch import play_batch
from di_assets.play.commit import COPY, clear, stored
from di_assets.tables import EVENT_TABLES, Warehouse

BATCH = "talk--b00"


@pytest.fixture
def kept(small_configs, tmp_path, monkeypatch):
    """A warehouse with a committed batch whose journals were not deleted: a kill came before that."""
    warehouse = Warehouse(tmp_path / "w")
    monkeypatch.setattr(Configs, "is_free", lambda *_: False)
    with monkeypatch.context() as patch:
        patch.setattr(batch_module, "clear", lambda *_: None)
        play_batch(small_configs, small_configs.arm("talk"), BATCH, warehouse, limit=2)
    return warehouse


def journals(warehouse):
    return sorted((warehouse.journal / BATCH).glob("*.jsonl"))


def tables(warehouse):
    return {table.name: warehouse.read(table.name, BATCH) for table in EVENT_TABLES}


def test_the_next_start_deletes_what_a_kill_left(small_configs, kept):
    assert len(journals(kept)) == 2
    result = play_batch(small_configs, small_configs.arm("talk"), BATCH, kept, limit=0)
    assert (result.complete, result.calls) == (2, 0)
    assert journals(kept) == []


@pytest.mark.parametrize("damage", ["a reply is missing", "a reply is another", "none is there"])
def test_a_journal_whose_replies_the_tables_lack_is_kept(kept, caplog, damage):
    held, first = tables(kept), journals(kept)[0]
    mine = pl.col("episode_id") == first.stem
    changes = {
        "a reply is missing": lambda calls: calls.filter(~(mine & (pl.col("call_id") == 3))),
        "a reply is another": lambda calls: calls.with_columns(
            reply_text=pl.when(mine & (pl.col("call_id") == 3)).then(pl.lit("?")).otherwise("reply_text")
        ),
        "none is there": lambda calls: calls.filter(~mine),
    }
    before = first.read_bytes()
    complete = set(held["episodes"]["episode_id"])
    with caplog.at_level(logging.WARNING):
        clear(kept.journal / BATCH, {**held, "calls": changes[damage](held["calls"])}, complete)
    assert journals(kept) == [first]
    assert first.read_bytes() == before
    assert f"{first}: the tables lack replies that it holds" in caplog.text


def test_a_journal_that_can_not_be_read_is_kept(kept):
    held, first = tables(kept), journals(kept)[0]
    lines = first.read_bytes().splitlines(keepends=True)
    first.write_bytes(b"".join([*lines[:2], b"{broken\n", *lines[2:]]))
    clear(kept.journal / BATCH, held, set(held["episodes"]["episode_id"]))
    assert journals(kept) == [first]


def test_a_fault_that_may_have_cost_something_has_to_be_in_the_tables_too(kept):
    held, first = tables(kept), journals(kept)[0]
    last = read_journal(first)[1][-1]._replace(status="interrupted", text="")
    with first.open("ab") as file:
        file.write(sealed(last._replace(cost_usd=0.0)._asdict()))
    clear(kept.journal / BATCH, held, {first.stem})
    assert first not in journals(kept)
    other = journals(kept)[0]
    with other.open("ab") as file:
        file.write(sealed(last._replace(cost_usd=0.01)._asdict()))
    clear(kept.journal / BATCH, held, {other.stem})
    assert journals(kept) == [other]


def test_an_unfinished_episode_keeps_its_journal(kept):
    clear(kept.journal / BATCH, tables(kept), {journals(kept)[0].stem})
    assert len(journals(kept)) == 1


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
def test_a_journal_goes_when_the_tables_would_survive_a_power_cut(small_configs, tmp_path, monkeypatch):
    done = []

    def synced(descriptor, *, fsync=os.fsync):
        fsync(descriptor)
        done.append(("synced", Path(f"/proc/self/fd/{descriptor}").readlink()))

    def replaced(self, target, *, replace=Path.replace):
        done.append(("named", Path(target), self))
        return replace(self, target)

    def unlinked(self, missing_ok=False, *, unlink=Path.unlink):
        unlink(self, missing_ok=missing_ok)
        done.append(("deleted", self))

    monkeypatch.setattr(Configs, "is_free", lambda *_: False)
    warehouse = Warehouse(tmp_path / "w")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", synced)
        patch.setattr(Path, "replace", replaced)
        patch.setattr(Path, "unlink", unlinked)
        play_batch(small_configs, small_configs.arm("talk"), BATCH, warehouse, limit=2)
    first_deleted = next(n for n, (what, path, *_) in enumerate(done) if what == "deleted" and path.suffix == ".jsonl")
    for table in EVENT_TABLES:
        path = tmp_path / "w" / "tables" / table.name / f"{BATCH}.parquet"
        named, temporary = next((n, one[2]) for n, one in enumerate(done) if one[:2] == ("named", path))
        assert done.index(("synced", temporary)) < named
        assert named < done.index(("synced", path.parent), named) < first_deleted
        assert ("synced", path.parent.parent) in done[:named]  # where the folder's own name is


@pytest.mark.parametrize("cut", ["calls", "episodes"])
def test_a_commit_that_failed_is_made_again_over_a_table_that_it_cut_short(kept, cut):
    held, folder = tables(kept), kept.journal / BATCH
    for name, frame in held.items():
        path = folder / COPY / f"{name}.parquet"
        path.parent.mkdir(exist_ok=True)
        frame.write_parquet(path)
    file = kept.root / next(one.name for one in kept.files(cut) if BATCH in one.name)
    file.write_bytes(file.read_bytes()[:40])
    assert {name: frame.height for name, frame in stored(kept, folder, BATCH).items()} == {
        name: frame.height for name, frame in held.items()
    }
    assert_frame_equal(kept.read(cut, BATCH), held[cut])
