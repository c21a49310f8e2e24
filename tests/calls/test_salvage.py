"""Damaged journals: named, put aside as they are; what still reads is used, and only the rest is asked again."""

import random
import shutil
from dataclasses import asdict, replace

import pytest

from di_assets.arms import Configs, batches
from di_assets.assets.events import sentence
from di_assets.calls.in_flight import SLOT_BYTES, SLOTS_AT_FIRST, InFlight, left_in_flight
from di_assets.calls.journal import Journal
from di_assets.calls.journal_file import DamagedJournalError, read_journal
from di_assets.calls.salvage import calls_in, inspect, requests_in, salvage
from di_assets.calls.sealed import sealed
from di_assets.play import batch as batch_module
from di_assets.play.batch import play_batch
from di_assets.play.spent import spent_so_far
from di_assets.play.verify import verify
from di_assets.tables import Warehouse
from di_assets.tables.words import INTERRUPTED
from tests.calls.test_in_flight import HEADER, call, request


@pytest.fixture
def folder(tmp_path):
    """A batch's journals: of three calls, and of one."""
    folder = tmp_path / "journal" / "arm--b00"
    for name, n in ("e", 3), ("f", 1):
        journal = Journal(folder / f"{name}.jsonl", type(HEADER)(name, "1", "p", "c"))
        for number in range(n):
            journal.append(call(number, cost_usd=0.1 * (number + 1)))
        journal.close()
    return folder


def damaged(path, change):
    """Lines with their ends, changed."""
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(change(lines)))


def replaced(at, line):
    return lambda lines: [*lines[:at], line, *lines[at + 1 :]]


@pytest.mark.parametrize(
    ("change", "kept", "lost"),
    [
        (replaced(2, b"not json\n"), [0, 2], 1),
        (replaced(2, b"\x00\xff\x00garbage\n"), [0, 2], 1),
        (lambda lines: [*lines[:2], lines[2][: len(lines[2]) // 2], lines[3]], [0], 1),  # one line in another
        (lambda lines: [*lines[:2], lines[0].replace(b'"p"', b'"q"'), *lines[2:]], [0, 1, 2], 0),  # two headers
        (lambda lines: lines[1:], [0, 1, 2], 0),  # no header
        (replaced(0, b"{}\n"), [0, 1, 2], 0),
        (replaced(2, b'{"round":1,"phase":"pull","exchange":0,"seat":3,"attempt":0,"request_hash":"h\n'), [0, 2], 1),
        (replaced(2, b'{"round":-1}\n'), [0, 2], 1),
        (replaced(2, b"[" * 200_000 + b"\n"), [0, 2], None),  # as long as many lines
    ],
)
def test_what_still_reads_of_a_journal_is_kept_and_the_rest_counts(folder, tmp_path, change, kept, lost):
    path = folder / "e.jsonl"
    damaged(path, change)
    before, other = path.read_bytes(), (folder / "f.jsonl").read_bytes()
    with pytest.raises(DamagedJournalError, match=r"e\.jsonl:\d+: not a line .*`di repair`"):
        read_journal(path)
    (found,) = inspect(folder)
    lost = found.lost if lost is None else lost
    assert (found.path, found.kept, found.lost, path.read_bytes()) == (path, len(kept), lost, before)
    assert found.lost_usd == pytest.approx(0.3 * lost if 2 in kept else 0.1 * lost)
    assert "\n" not in str(found)
    usd = sum(one.cost_usd for one in calls_in(path))
    (done,) = salvage(folder, tmp_path / "quarantine")
    assert done.put_aside.read_bytes() == before
    header, calls = read_journal(path)
    assert (header.episode_id, header.config_hash) == ("e", "c")
    assert [one.round for one in calls if one.status != INTERRUPTED] == kept
    assert sum(one.status == INTERRUPTED for one in calls) == lost
    assert sum(one.cost_usd for one in calls) == pytest.approx(usd)
    assert (folder / "f.jsonl").read_bytes() == other
    assert inspect(folder) == []


def test_the_cost_of_a_second_reply_counts_once_and_its_text_not_at_all(folder, tmp_path):
    second = call(1, text="other", cost_usd=0.05)
    damaged(folder / "e.jsonl", lambda lines: [*lines, sealed(second._asdict(), of="e")])
    (found,) = salvage(folder, tmp_path / "quarantine")
    assert (found.kept, found.lost, found.lost_usd) == (3, 1, 0.05)
    last = read_journal(folder / "e.jsonl")[1][-1]
    assert (last.place, last.status, last.text, last.cost_usd) == (second.place, INTERRUPTED, "", 0.05)
    assert inspect(folder) == []


def test_a_line_of_another_episode_is_put_aside(folder, tmp_path):
    (other,) = (folder / "f.jsonl").read_bytes().splitlines(keepends=True)[1:]
    damaged(folder / "e.jsonl", lambda lines: [*lines[:2], other, *lines[3:]])
    (found,) = salvage(folder, tmp_path / "quarantine")
    assert (found.kept, found.lost) == (2, 1)
    assert [one.status for one in read_journal(folder / "e.jsonl")[1]].count(INTERRUPTED) == 1
    assert inspect(folder) == []


def test_a_line_whose_place_reads_is_counted_in_its_place(folder, tmp_path):
    damaged(folder / "e.jsonl", lambda lines: [*lines[:2], lines[2][:-30] + b"\n", *lines[3:]])
    salvage(folder, tmp_path / "quarantine")
    (lost,) = [one for one in read_journal(folder / "e.jsonl")[1] if one.status == INTERRUPTED]
    assert (lost.place, lost.request_hash) == (call(1).place, "hash")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", ": is empty, where at least a header belongs; replies may be lost; they are asked for, and paid, again"),
        (b"\0" * 5000, ": holds only zero bytes, where at least a header belongs; replies may be lost; they are asked"),
        (b'{"episode_id": "e", "rul', ":1: torn last line of 24 bytes dropped; that call is asked again"),
        (b'{"episode_id"' + b"\0" * 9, "; replies that stood in the zero bytes after it may be lost; they are asked"),
    ],
)
def test_an_empty_or_torn_journal_is_warned_of_and_is_no_damage(folder, caplog, content, said):
    (folder / "e.jsonl").write_bytes(content)
    assert inspect(folder) == []
    assert read_journal(folder / "e.jsonl") == (None, [])
    (record,) = caplog.records
    assert record.message.startswith(f"{folder / 'e.jsonl'}:")
    assert said in record.message


@pytest.mark.parametrize("at", [0, 600])
def test_zero_bytes_count_as_about_the_calls_that_may_have_stood_there(folder, tmp_path, at):
    journal = Journal(folder / "g.jsonl", type(HEADER)("g", "1", "p", "c"))
    for number in range(20):
        journal.append(call(number, cost_usd=0.1))
    journal.close()
    data = (folder / "g.jsonl").read_bytes()
    (folder / "g.jsonl").write_bytes(data[:at] + bytes(4096) + data[at + 4096 :])
    (found,) = salvage(folder, tmp_path / "quarantine")
    assert "4096 zero bytes, which held an unknown number of calls" in str(found)
    assert found.lost_usd == pytest.approx(0.3 * found.lost)
    assert found.lost > 10
    assert abs(found.kept + found.lost - 20) <= 1
    assert inspect(folder) == []


def test_a_folder_in_place_of_the_number_of_requests_is_put_aside(folder, tmp_path):
    path = folder / "in_flight.map"
    InFlight(path).out(request(5))
    path.with_suffix(".slots").unlink()
    path.with_suffix(".slots").mkdir()
    (found,) = salvage(folder, tmp_path / "quarantine")
    assert found.put_aside.is_dir()
    assert left_in_flight(path) == [request(5)]
    InFlight(path).close()
    assert inspect(folder) == []


def test_a_number_of_requests_that_is_none_counts_as_what_the_list_has(folder):
    path = folder / "in_flight.map"
    InFlight(path).out(request(5))
    path.with_suffix(".slots").write_bytes(sealed({"slotz": 1}))
    assert left_in_flight(path) == [request(5)]
    assert inspect(folder) == []


def test_a_journal_of_another_episode_is_put_aside(folder, tmp_path):
    (folder / "arm--g.jsonl").write_bytes((folder / "f.jsonl").read_bytes())
    (found,) = salvage(folder, tmp_path / "quarantine")
    assert "a journal of f" in str(found)
    assert not (folder / "arm--g.jsonl").exists()
    assert found.put_aside.exists()


@pytest.fixture
def others_places(folder):
    """Journals of `arm--g` and `arm--h`, each in the other's place."""
    for name, other, n in ("arm--g", "arm--h", 2), ("arm--h", "arm--g", 3):
        journal = Journal(folder / f"{name}.tmp", type(HEADER)(name, "1", "p", "c"))
        for number in range(n):
            journal.append(call(number))
        journal.close()
        (folder / f"{name}.tmp").rename(folder / f"{other}.jsonl")
    return folder


def rounds_of(path):
    header, calls = read_journal(path)
    return header.episode_id, [one.round for one in calls]


def test_journals_in_each_others_places_are_put_back(others_places, tmp_path):
    found = salvage(others_places, tmp_path / "quarantine")
    assert [(one.kept, one.lost, one.put_aside.exists()) for one in found] == [(3, 0, True), (2, 0, True)]
    assert rounds_of(others_places / "arm--g.jsonl") == ("arm--g", [0, 1])
    assert rounds_of(others_places / "arm--h.jsonl") == ("arm--h", [0, 1, 2])
    assert inspect(others_places) == []


def test_a_journal_under_another_name_goes_to_its_own_and_a_copy_of_it_nowhere(others_places, tmp_path):
    (others_places / "arm--g.jsonl").rename(others_places / "arm--h (copy).jsonl")
    shutil.copy(others_places / "arm--h (copy).jsonl", others_places / "arm--x.jsonl")
    salvage(others_places, tmp_path / "quarantine")
    assert rounds_of(others_places / "arm--h.jsonl") == ("arm--h", [0, 1, 2])
    assert rounds_of(others_places / "arm--g.jsonl") == ("arm--g", [0, 1])
    assert {path.name for path in others_places.iterdir()} == {"arm--g.jsonl", "arm--h.jsonl", "e.jsonl", "f.jsonl"}
    assert inspect(others_places) == []


def test_a_folder_in_a_journals_place_is_put_aside(folder, tmp_path):
    (folder / "f.jsonl").unlink()
    (folder / "f.jsonl" / "inner").mkdir(parents=True)
    with pytest.raises(DamagedJournalError, match=r"f\.jsonl:1: not a line of a journal; `di repair`"):
        read_journal(folder / "f.jsonl")
    (found,) = salvage(folder, tmp_path / "quarantine")
    assert (found.put_aside / "inner").is_dir()
    assert read_journal(folder / "f.jsonl")[1] == []
    assert inspect(folder) == []


@pytest.mark.parametrize("name", ["../../out", "a/b", "..", "", "arm--g\0"])
def test_a_header_that_names_no_file_leads_nowhere(folder, tmp_path, name):
    (folder / "arm--g.jsonl").write_bytes(sealed(asdict(replace(HEADER, episode_id=name))))
    salvage(folder, tmp_path / "quarantine")
    assert {path.name for path in folder.iterdir()} == {"e.jsonl", "f.jsonl"}


@pytest.mark.parametrize(
    ("change", "kept", "lost"),
    [
        (lambda data: data[:4] + b"\xff" * 20 + data[24:], 1, 1),
        (lambda data: b"\x07" + data[1:], 1, 1),
        (lambda data: b"\0" + data[1:], 1, 1),
        (lambda data: data[: SLOT_BYTES + 40], 1, SLOTS_AT_FIRST - 1),  # cut in the second record
        (lambda _: b"", 0, SLOTS_AT_FIRST),
    ],
)
def test_a_damaged_list_of_requests_stops_nobody_and_its_requests_count(folder, tmp_path, change, kept, lost):
    path = folder / "in_flight.map"
    listed = InFlight(path)
    for number in (5, 6):
        listed.out(request(number))
    path.write_bytes(change(path.read_bytes()))
    again = InFlight(path)
    assert len(again.left("e")) == kept  # what reads is found by play
    again.close()
    before = path.read_bytes()
    (found,) = inspect(folder)
    assert (found.kept, found.lost, round(found.lost_usd, 9)) == (kept, lost, round(lost * 0.3, 9))
    assert f"up to {lost} requests in it cannot be read and may have been billed" in str(found)
    counted = sorted([0.25] * kept + [lost * 0.3])
    assert sorted(one.most_usd for one in requests_in(folder)) == pytest.approx(counted)
    (done,) = salvage(folder, tmp_path / "quarantine")
    assert done.put_aside.read_bytes() == before
    assert sorted(one.most_usd for one in left_in_flight(path)) == pytest.approx(counted)
    assert inspect(folder) == []


def test_a_missing_list_of_requests_counts_until_its_requests_are_calls(folder, tmp_path):
    path = folder / "in_flight.map"
    InFlight(path).out(request(5))
    path.unlink()
    (one,) = requests_in(folder)
    assert (one.episode_id, one.most_usd) == ("e", pytest.approx(SLOTS_AT_FIRST * 0.3))
    (done,) = salvage(folder, tmp_path / "quarantine")
    assert f"up to {SLOTS_AT_FIRST} requests in it cannot be read" in str(done)
    assert done.put_aside is None
    assert inspect(folder) == []
    listed = InFlight(path)
    journal = Journal(folder / "e.jsonl", HEADER, in_flight=listed)
    journal.close()
    listed.close()
    assert sum(one.cost_usd for one in journal.calls) == pytest.approx(0.6 + SLOTS_AT_FIRST * 0.3)
    assert {file.name for file in folder.iterdir()} == {"e.jsonl", "f.jsonl"}


def test_what_requests_cost_is_unknown_where_nothing_tells(tmp_path):
    InFlight(tmp_path / "in_flight.map").out(request(5))
    (tmp_path / "in_flight.map").write_bytes(b"")
    (found,) = inspect(tmp_path)
    assert str(found).endswith(f"what the other {SLOTS_AT_FIRST} cost is unknown")
    assert requests_in(tmp_path) == []


@pytest.mark.parametrize("seed", range(3))
def test_a_damaged_journal_holds_back_its_episode_alone(small_configs, tmp_path, monkeypatch, seed):
    monkeypatch.setattr(Configs, "is_free", lambda *_: False)
    arm, rng = small_configs.arm("talk"), random.Random(seed)
    batch, warehouse, whole = batches(arm)[0], Warehouse(tmp_path / "warehouse"), Warehouse(tmp_path / "whole")
    play_batch(small_configs, arm, batch, whole)
    with monkeypatch.context() as patch:
        patch.setattr(batch_module, "clear", lambda *_: None)
        play_batch(small_configs, arm, batch, warehouse)
    for name in ("tables", "record"):
        shutil.rmtree(warehouse.root / name)
    path = rng.choice(sorted((warehouse.journal / batch).glob("*.jsonl")))
    lines = path.read_bytes().splitlines(keepends=True)
    at = rng.randrange(1, len(lines) - 1)
    path.write_bytes(b"".join([*lines[:at], rng.randbytes(200).replace(b"\n", b"") + b"\n", *lines[at + 1 :]]))
    assert spent_so_far(warehouse, arm) == 0.0  # scripted agents; it can be told at all
    first = play_batch(small_configs, arm, batch, warehouse)
    assert (first.played, first.failed) == (11, 1)
    (failure,) = warehouse.read("episodes")["failure"].drop_nulls()
    assert f"{path}:{at + 1}: not a line of a journal" in failure
    assert first.held_back == (failure,)
    assert "1 failed (resumable), 1 of them held back by their journals" in sentence(first)
    (found,) = salvage(warehouse.journal / batch, warehouse.root / "quarantine")
    assert (found.path, found.lost) == (path, 1)
    second = play_batch(small_configs, arm, batch, warehouse)
    assert (second.played, second.left) == (1, 0)
    assert warehouse.read("calls").height == whole.read("calls").height + 1  # the lost one stays counted
    for table in ("messages", "pulls"):
        assert warehouse.read(table).equals(whole.read(table))
    assert {verdict.status for verdict in verify(small_configs, warehouse)} == {"ok"}
