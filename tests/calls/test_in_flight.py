"""The list of requests that are out: it outlives the process, and holds no torn or answered one."""

import json
import signal
import subprocess
import sys

import pytest

from di_assets.calls.call import Call, Header, interrupted
from di_assets.calls.in_flight import FREE, SLOT_BYTES, SLOTS_AT_FIRST, InFlight, Request, left_in_flight, used_slots
from di_assets.calls.journal import Journal
from di_assets.calls.journal_file import read_journal
from di_assets.calls.place import Place
from di_assets.calls.sealed import sealed
from di_assets.tables.words import INTERRUPTED
from tests.conftest import ROOT

HEADER = Header(episode_id="e", rules_version="1", prompt_hash="p", config_hash="c")


def request(number, episode="e", seat=0):
    return Request(episode, Place(number, "pull", 0, seat, 0), "hash", 0.25, 100.0 + number)


def call(number, **changed):
    fields = {
        "round": number,
        "phase": "pull",
        "exchange": 0,
        "seat": 0,
        "attempt": 0,
        "request_hash": "hash",
        "text": "t",
    }
    fields |= {"stop": "end", "status": "ok", "error": None, "reasoning": None, "input_tokens": 1, "cached_tokens": 0}
    fields |= {"output_tokens": 1, "cost_usd": 0.1, "latency_s": 1.0, "started_at": 100.0 + number}
    return Call(**fields | changed)


def test_what_is_out_is_left_and_what_is_back_is_not(tmp_path):
    path = tmp_path / "in_flight.map"
    out = InFlight(path)
    slots = [out.out(request(number)) for number in range(3)]
    out.back(slots[1])
    out.close()
    assert left_in_flight(path) == [request(0), request(2)]
    again = InFlight(path)
    assert [one for _, one in again.left("e")] == [request(0), request(2)]
    assert again.left("e") == []


def test_when_all_are_back_no_file_is_left(tmp_path):
    out = InFlight(tmp_path / "in_flight.map")
    out.back(out.out(request(1)))
    out.close()
    assert list(tmp_path.iterdir()) == []
    assert left_in_flight(tmp_path / "in_flight.map") == []


def test_it_grows_with_the_calls_in_flight_and_loses_none(tmp_path):
    out = InFlight(tmp_path / "in_flight.map")
    for number in range(SLOTS_AT_FIRST * 4):
        out.out(request(number, seat=number % 5))
    assert len(left_in_flight(tmp_path / "in_flight.map")) == SLOTS_AT_FIRST * 4
    assert (tmp_path / "in_flight.map").stat().st_size == SLOTS_AT_FIRST * 4 * SLOT_BYTES


def test_an_episode_id_too_long_for_a_slot_is_refused_before_anything_goes_out(tmp_path):
    with pytest.raises(ValueError, match="fits no slot"):
        InFlight(tmp_path / "in_flight.map").out(request(1, episode="e" * SLOT_BYTES))
    assert left_in_flight(tmp_path / "in_flight.map") == []


def test_it_outlives_a_kill(tmp_path):
    script = (
        "import os, signal, sys; from pathlib import Path; from tests.calls.test_in_flight import *;"
        "out = InFlight(Path(sys.argv[1])); out.out(request(7)); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path / "in_flight.map")], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert left_in_flight(tmp_path / "in_flight.map") == [request(7)]


def test_a_request_is_interrupted_unless_a_call_came_of_it():
    assert list(interrupted([request(1)], [call(1)])) == []
    assert list(interrupted([request(1)], [call(1, started_at=100.0)]))  # that call was an earlier one
    assert list(interrupted([request(1)], [call(2)]))
    [lost] = interrupted([request(1)], [])
    assert (lost.status, lost.cost_usd, lost.place) == (INTERRUPTED, 0.25, (1, "pull", 0, 0, 0))


def test_reopening_a_journal_writes_the_interrupted_calls_and_gives_their_slots_back(tmp_path):
    first = InFlight(tmp_path / "in_flight.map")
    journal = Journal(tmp_path / "e.jsonl", HEADER, in_flight=first)
    for number in (1, 2):
        one = request(number)
        journal.goes_out(one.place, one.request_hash, most_usd=one.most_usd, at=one.at)
    journal.append(call(1))
    first.out(request(1, episode="another"))
    again = InFlight(tmp_path / "in_flight.map")
    Journal(tmp_path / "e.jsonl", HEADER, in_flight=again).close()
    assert left_in_flight(tmp_path / "in_flight.map") == [request(1, episode="another")]
    assert [(c.round, c.status) for c in read_journal(tmp_path / "e.jsonl")[1]] == [(1, "ok"), (2, INTERRUPTED)]


def test_a_journal_stays_bounded_however_often_it_is_resumed(tmp_path):
    path = tmp_path / "e.jsonl"
    journal = Journal(path, HEADER)
    journal.append(call(1))
    journal.append(call(2, status="timeout", text="", cost_usd=0.5))
    journal.close()
    sizes = []
    for _ in range(40):
        journal = Journal(path, HEADER)
        for _ in range(5):
            journal.append(call(2, status="rate_limit", text="", cost_usd=0.0))
        journal.close()
        sizes.append(path.stat().st_size)
    assert sizes[-1] == sizes[-2] == sizes[25]
    calls = read_journal(path)[1]
    assert [c.status for c in calls if c.cost_usd] == ["ok", "timeout"]  # what cost something is all kept
    assert [file.name for file in tmp_path.iterdir()] == ["e.jsonl"]


@pytest.fixture
def left(tmp_path):
    """The path of a list as a kill leaves it: request 1 in its first slot, request 2 in its third, none in its second.

    Only three of its slots are there, so that each byte can be damaged.
    """
    path = tmp_path / "journal" / "arm--b00" / "in_flight.map"
    listed = InFlight(path)
    slots = [listed.out(request(number)) for number in range(3)]
    listed.back(slots[1])
    path.write_bytes(path.read_bytes()[: 3 * SLOT_BYTES])
    path.with_suffix(".slots").write_bytes(sealed({"slots": 3}))
    return path


WHOLE = [request(0), request(2)]


def noticed(path, caplog):
    """How many requests a run, play's next look and its warning agree on that cannot be read."""
    caplog.clear()
    before = [slot.request for slot in used_slots(path)]
    listed = InFlight(path)
    assert all(request in WHOLE for _, request in listed.left("e"))
    listed.close()
    n = sum(one is None for one in before)
    assert [slot.request for slot in used_slots(path)].count(None) == n  # a run does not forget them
    warnings = [one.getMessage() for one in caplog.records]
    assert len(warnings) == bool(n)
    assert all(f"up to {n} requests in it cannot be read; they may have been billed" in one for one in warnings)
    return n


def test_no_changed_byte_loses_a_request(left, caplog):
    whole, quiet = left.read_bytes(), 0
    records = [slot.index(b"\n") + 1 for slot in (whole[:SLOT_BYTES], whole[2 * SLOT_BYTES :])]
    for at in range(len(whole)):
        for mask in (0xFF, 1, whole[at]):  # the last one makes it zero
            data = bytearray(whole)
            data[at] ^= mask
            if data == whole:
                continue
            left.write_bytes(data)
            read = [one.request for one in used_slots(left)]
            if None not in read:
                assert read == WHOLE, at
                quiet += 1
    # What changes unnoticed holds nothing: what is behind the records, and a free slot but for its mark.
    behind = [*range(records[0], SLOT_BYTES), *range(SLOT_BYTES + len(FREE), 2 * SLOT_BYTES)]
    behind += range(2 * SLOT_BYTES + records[1], 3 * SLOT_BYTES)
    assert quiet == sum(len({0xFF, 1, whole[at]} - {0}) for at in behind)


def test_no_damage_within_a_record_is_quiet(left, caplog):
    whole = left.read_bytes()
    for at in range(0, whole.index(b"\n"), 7):
        left.write_bytes(whole[:at] + bytes((whole[at] ^ 0xFF,)) + whole[at + 1 :])
        assert noticed(left, caplog) == 1


def test_a_list_cut_anywhere_is_noticed(left, caplog):
    whole = left.read_bytes()
    ends = [whole.index(b"\n", start) + 1 for start in (0, 2 * SLOT_BYTES)]
    for length in range(len(whole)):
        left.write_bytes(whole[:length])
        read = [slot.request for slot in used_slots(left)]
        if None not in read:
            assert (read, length >= ends[1]) == (WHOLE, True)
    for length in (0, 1, ends[0] - 1, ends[0], SLOT_BYTES, 2 * SLOT_BYTES, ends[1] - 1):
        left.write_bytes(whole[:length])
        left.with_suffix(".slots").write_bytes(sealed({"slots": 3}))
        assert noticed(left, caplog) == 3 - (length >= ends[0]) - (length >= SLOT_BYTES + len(FREE))


@pytest.mark.parametrize(
    "damage", [lambda p: p.unlink(), lambda p: p.write_bytes(b""), lambda p: p.write_bytes(bytes(3 * SLOT_BYTES))]
)
def test_a_list_that_is_missing_empty_or_zeros_is_noticed(left, caplog, damage):
    damage(left)
    assert left_in_flight(left.parent) == []
    assert noticed(left, caplog) == 3


@pytest.mark.parametrize("content", [None, b"", b'{"slots":9,"crc":"00000000"}\n', b"\0" * 40])
def test_a_damaged_count_loses_nothing(left, caplog, content):
    count = left.with_suffix(".slots")
    count.unlink() if content is None else count.write_bytes(content)
    assert [slot.request for slot in used_slots(left)] == WHOLE
    assert noticed(left, caplog) == 0
    assert count.read_bytes() == sealed({"slots": 3})


def test_a_kill_while_the_list_is_made_or_grows_is_no_damage(left, caplog):
    count, whole = left.with_suffix(".slots"), left.read_bytes()
    for more in (b"", bytes(SLOT_BYTES), FREE + bytes(40), bytes(2 * SLOT_BYTES)):
        left.write_bytes(whole + more)
        assert [slot.request for slot in used_slots(left)] == WHOLE
    assert noticed(left, caplog) == 0
    count.unlink()
    for made in (b"", bytes(SLOT_BYTES), FREE + bytes(SLOT_BYTES)):
        left.write_bytes(made)
        assert list(used_slots(left)) == []


def as_before(slots, *, n=SLOTS_AT_FIRST):
    """A list as versions before 0.2 left it: a request in each given slot; others were used and are free, or never."""
    data = bytearray(n * SLOT_BYTES)
    for slot, (one, used) in slots.items():
        *turn, seat, attempt = one.place
        values = [one.episode_id, turn, seat, attempt, one.request_hash, one.most_usd, one.at]
        record = bytes((used,)) + json.dumps(values, separators=(",", ":")).encode() + b"\n"
        data[slot * SLOT_BYTES : slot * SLOT_BYTES + len(record)] = record
    return bytes(data)


def test_a_list_of_an_older_version_is_read_and_gone_on_with(tmp_path, caplog):
    path = tmp_path / "in_flight.map"
    path.write_bytes(as_before({0: (request(0), 1), 1: (request(1), 0), 2: (request(2), 1)}))
    assert left_in_flight(tmp_path) == WHOLE
    listed = InFlight(path)
    slots = dict(listed.left("e"))
    assert list(slots.values()) == WHOLE
    listed.out(request(7))
    listed.back(min(slots))
    assert left_in_flight(tmp_path) == [request(7), request(2)]
    assert len(list(used_slots(path))) == 2  # all others are free, and marked as this version does
    listed.close()
    path.write_bytes(path.read_bytes().replace(b"\1[", b"\0["))
    assert [slot.request for slot in used_slots(path)].count(None) == 1
    assert caplog.records == []
