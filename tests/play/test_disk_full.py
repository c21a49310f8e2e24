"""A disk that is full: nothing dies of it, nothing that was paid for is lost, no line goes on in another."""

import json
import os
import random
import sqlite3

import pytest

from di_assets.arms import Configs, batches
from di_assets.calls.disk_space import DiskFullError, reserve
from di_assets.calls.group_sync import GroupSync
from di_assets.calls.in_flight import SLOTS_AT_FIRST, InFlight, left_in_flight
from di_assets.calls.journal import REPLY_BYTES, Journal
from di_assets.calls.journal_file import read_journal
from di_assets.control_room.failures import failure
from di_assets.play.batch import play_batch
from di_assets.tables import Warehouse
from tests.calls.test_in_flight import HEADER, call, request
from tests.play.disks import fill, small_disk


@pytest.fixture
def disk(tmp_path):
    with small_disk(tmp_path / "disk", size_kb=1024) as folder:
        yield folder


def out(journal, number):
    one = request(number)
    return journal.goes_out(one.place, one.request_hash, most_usd=one.most_usd, at=one.at)


def _go_on(journal):
    for _ in range(99):
        journal.make_room()
        journal.append(call(9, text="x" * (REPLY_BYTES - 1000)))


def test_a_list_of_requests_is_refused_on_a_full_disk_and_not_killed(disk):
    filling = fill(disk)
    with pytest.raises(DiskFullError, match="disk full: no room in "):
        InFlight(disk / "map")
    filling.unlink()
    listed = InFlight(disk / "map")
    filling = fill(disk)
    listed.expect(SLOTS_AT_FIRST)
    listed.make_room()
    slots = [listed.out(request(number)) for number in range(SLOTS_AT_FIRST)]  # in the room there is
    listed.expect(1)
    for refused in (listed.make_room, lambda: listed.out(request(99))):
        with pytest.raises(DiskFullError):
            refused()
    assert len(left_in_flight(disk / "map")) == SLOTS_AT_FIRST
    for slot in slots:
        listed.back(slot)
    listed.close()
    assert not (disk / "map").exists()


def test_what_is_out_when_the_disk_fills_is_kept_when_it_comes(disk):
    listed = InFlight(disk / "map")
    journal = Journal(disk / "e.jsonl", HEADER, in_flight=listed, most_out=5)
    for number in range(5):
        journal.make_room()
        out(journal, number)
    fill(disk)
    for number in range(5):
        journal.append(call(number, text="x" * (REPLY_BYTES - 1000)))
    with pytest.raises(DiskFullError):
        _go_on(journal)
    journal.close()
    listed.close()
    kept = read_journal(disk / "e.jsonl")[1]
    assert [one.round for one in kept[:5]] == list(range(5))
    assert left_in_flight(disk) == []


def test_reasoning_gives_way_to_the_reply(disk, caplog):
    listed = InFlight(disk / "map")
    journal = Journal(disk / "e.jsonl", HEADER, in_flight=listed)
    journal.make_room()
    fill(disk)
    journal.append(call(1, text="short", reasoning="long " * 30_000))
    journal.append(call(2, text="short"))
    journal.close()
    assert [(one.text, one.reasoning) for one in read_journal(disk / "e.jsonl")[1]] == [("short", None)] * 2
    assert "without its reasoning" in caplog.text


def test_a_line_that_did_not_fit_is_written_over_or_dropped(disk):
    listed = InFlight(disk / "map")
    journal = Journal(disk / "e.jsonl", HEADER, in_flight=listed)
    journal.make_room()
    journal.append(call(1))
    filling = fill(disk)
    with pytest.raises(DiskFullError):
        journal.append(call(2, text="x" * 200_000))
    assert [one.round for one in read_journal(disk / "e.jsonl")[1]] == [1]  # as a kill would leave it
    filling.unlink()
    journal.append(call(3))
    assert [one.round for one in read_journal(disk / "e.jsonl")[1]] == [1, 3]
    journal.close()
    assert (disk / "e.jsonl").read_bytes().endswith(b"}\n")


def test_a_journal_is_neither_begun_nor_rewritten_on_a_full_disk(disk):
    (disk / "old.jsonl").write_text(json.dumps({"torn": 1}))
    header = (disk / "old.jsonl").read_bytes()
    filling = fill(disk)
    for name in ("new.jsonl", "old.jsonl"):
        with pytest.raises(DiskFullError):
            Journal(disk / name, HEADER).append(call(1))
    assert not (disk / "new.jsonl").exists()
    assert (disk / "old.jsonl").read_bytes() == header
    assert {path.name for path in disk.iterdir()} == {"old.jsonl", filling.name}


async def test_a_sync_that_finds_no_room_says_so(tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("di_assets.calls.group_sync.os.fdatasync", full)
    sync = GroupSync()
    journal = Journal(tmp_path / "e.jsonl", HEADER, sync=sync)
    journal.append(call(1))
    with pytest.raises(DiskFullError, match="disk full"):
        await journal.end()
    sync.close()


def test_room_is_reserved_where_the_system_can_not_do_it(tmp_path, monkeypatch):
    monkeypatch.delattr("os.posix_fallocate")
    with (tmp_path / "file").open("w+b", buffering=0) as file:
        file.write(b"held")
        reserve(file.fileno(), 2, 100_000)
    assert (tmp_path / "file").read_bytes() == b"held" + bytes(99_998)


@pytest.mark.parametrize("seed", range(20))
def test_whenever_it_fills_no_reply_that_was_kept_is_lost(tmp_path, seed):
    """Journals are written, the disk fills somewhere, play is killed; what `append` let pass is there."""
    rng = random.Random(seed)
    with small_disk(tmp_path / "disk", size_kb=rng.choice([300, 600])) as folder:
        listed = InFlight(folder / "map")
        journal = Journal(folder / "e.jsonl", HEADER, in_flight=listed, most_out=3)
        kept, at = [], rng.randrange(30)
        try:
            for number in range(60):
                journal.make_room()
                out(journal, number)
                if number == at:
                    fill(folder, leave=rng.randrange(20_000))
                one = call(number, text="x" * rng.randrange(12_000), reasoning="y" * rng.randrange(40_000))
                journal.append(one)
                kept.append(one)
        except DiskFullError as full:
            assert str(full).count("\n") == 0  # noqa: PT017 -- it is not always full
        if rng.random() < 0.5:
            journal.close()
            listed.close()
        held = read_journal(folder / "e.jsonl")[1] if (folder / "e.jsonl").exists() else []
        assert [(one.round, one.text) for one in held] == [(one.round, one.text) for one in kept]
        assert left_in_flight(folder) == []


TRIES = int(os.environ.get("DI_DISK_TRIES", "3"))


@pytest.mark.parametrize("seed", range(TRIES))
def test_play_says_that_the_disk_is_full_and_goes_on_where_it_stopped(small_configs, tmp_path, monkeypatch, seed):
    """An arm whose journals lie on a small disk, which fills while episodes are played."""
    monkeypatch.setattr(Configs, "is_free", lambda *_: False)
    arm, rng = small_configs.arm("talk"), random.Random(seed)
    batch, whole = batches(arm)[0], Warehouse(tmp_path / "whole")
    play_batch(small_configs, arm, batch, whole)
    n_calls = whole.read("calls").height
    warehouse, append, made = Warehouse(tmp_path / "warehouse"), Journal.append, 0
    at = rng.randrange(1, n_calls)
    with small_disk(warehouse.journal, size_kb=4096):

        def counted(journal, one):
            nonlocal made
            append(journal, one)
            made += 1
            if made == at:
                fill(warehouse.journal)

        monkeypatch.setattr(Journal, "append", counted)
        results = [play_batch(small_configs, arm, batch, warehouse)]
        if results[0].left:
            assert results[0].stopped.startswith("disk full: no room in ")
            assert "\n" not in results[0].stopped
            assert left_in_flight(warehouse.journal / batch) == []
        (warehouse.journal / ".filling").unlink()
        results.append(play_batch(small_configs, arm, batch, warehouse))
        assert results[-1].left == 0
        assert not list(warehouse.journal.rglob("*.jsonl"))
    for table in ("messages", "pulls"):
        assert warehouse.read(table).equals(whole.read(table))
    assert made == n_calls  # none was lost, so none was asked twice


def test_a_history_on_a_full_disk_is_told_as_that(disk):
    (disk / "dagster").mkdir()
    error = sqlite3.OperationalError("disk I/O error")
    assert "history can't be used" in failure(error, warehouse=str(disk)).line
    fill(disk)
    assert failure(error, warehouse=str(disk)).line.startswith(
        f"disk full: no room for {disk}/dagster; free some space"
    )
