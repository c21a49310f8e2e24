"""The list of requests that are out: it outlives the process, and holds no torn or answered one."""

import signal
import subprocess
import sys

import pytest

from di_assets.calls.call import Call, Header, interrupted
from di_assets.calls.in_flight import SLOT_BYTES, SLOTS_AT_FIRST, USED, InFlight, Request, left_in_flight
from di_assets.calls.journal import Journal
from di_assets.calls.journal_file import read_journal
from di_assets.calls.place import Place
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
    path = tmp_path / "map"
    out = InFlight(path)
    slots = [out.out(request(number)) for number in range(3)]
    out.back(slots[1])
    out.close()
    assert left_in_flight(path) == [request(0), request(2)]
    again = InFlight(path)
    assert [one for _, one in again.left("e")] == [request(0), request(2)]
    assert again.left("e") == []


def test_when_all_are_back_no_file_is_left(tmp_path):
    out = InFlight(tmp_path / "map")
    out.back(out.out(request(1)))
    out.close()
    assert not (tmp_path / "map").exists()
    assert left_in_flight(tmp_path / "map") == []


def test_it_grows_with_the_calls_in_flight_and_loses_none(tmp_path):
    out = InFlight(tmp_path / "map")
    for number in range(SLOTS_AT_FIRST * 4):
        out.out(request(number, seat=number % 5))
    assert len(left_in_flight(tmp_path / "map")) == SLOTS_AT_FIRST * 4
    assert (tmp_path / "map").stat().st_size == SLOTS_AT_FIRST * 4 * SLOT_BYTES


def test_a_record_whose_flag_is_not_set_is_not_read(tmp_path):
    out = InFlight(tmp_path / "map")
    slot = out.out(request(1))
    data = bytearray((tmp_path / "map").read_bytes())
    assert data[slot * SLOT_BYTES] == USED
    data[slot * SLOT_BYTES] = 0  # as a kill leaves it between the text and the flag
    (tmp_path / "map").write_bytes(data)
    assert left_in_flight(tmp_path / "map") == []


def test_an_episode_id_too_long_for_a_slot_is_refused_before_anything_goes_out(tmp_path):
    with pytest.raises(ValueError, match="fits no slot"):
        InFlight(tmp_path / "map").out(request(1, episode="e" * SLOT_BYTES))
    assert left_in_flight(tmp_path / "map") == []


def test_it_outlives_a_kill(tmp_path):
    script = (
        "import os, signal, sys; from pathlib import Path; from tests.calls.test_in_flight import *;"
        "out = InFlight(Path(sys.argv[1])); out.out(request(7)); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path / "map")], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGKILL
    assert left_in_flight(tmp_path / "map") == [request(7)]


def test_a_request_is_interrupted_unless_a_call_came_of_it():
    assert list(interrupted([request(1)], [call(1)])) == []
    assert list(interrupted([request(1)], [call(1, started_at=100.0)]))  # that call was an earlier one
    assert list(interrupted([request(1)], [call(2)]))
    [lost] = interrupted([request(1)], [])
    assert (lost.status, lost.cost_usd, lost.place) == (INTERRUPTED, 0.25, (1, "pull", 0, 0, 0))


def test_reopening_a_journal_writes_the_interrupted_calls_and_gives_their_slots_back(tmp_path):
    first = InFlight(tmp_path / "map")
    journal = Journal(tmp_path / "e.jsonl", HEADER, in_flight=first)
    for number in (1, 2):
        one = request(number)
        journal.goes_out(one.place, one.request_hash, most_usd=one.most_usd, at=one.at)
    journal.append(call(1))
    first.out(request(1, episode="another"))
    again = InFlight(tmp_path / "map")
    Journal(tmp_path / "e.jsonl", HEADER, in_flight=again).close()
    assert left_in_flight(tmp_path / "map") == [request(1, episode="another")]
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
