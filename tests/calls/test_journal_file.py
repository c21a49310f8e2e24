"""Reading journals: no changed byte and no cut is believed, and journals without checksums read as before."""

import json
from dataclasses import asdict, replace
from zlib import crc32

import pytest

from di_assets.calls.journal import Journal
from di_assets.calls.journal_file import DamagedJournalError, calls_of, lines_of, read_journal
from di_assets.calls.sealed import sealed, unsealed
from tests.calls.test_in_flight import HEADER, call

CALLS = [call(1, text='say "é"\n', bound_usd=0.25), call(2, cost_usd=0.125)]


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "e.jsonl"
    journal = Journal(path, HEADER)
    for one in CALLS:
        journal.append(one)
    journal.close()
    return path


def test_a_line_is_json_whose_last_key_is_the_checksum_of_the_episode_and_what_stands_before_it(path):
    for number, line in enumerate(path.read_bytes().splitlines()):
        of = "e" if number else ""  # a header is read before the episode is known
        record = json.loads(line)
        body, mark, _ = line.rpartition(b',"crc":"')
        assert (list(record)[-1], record["crc"], mark != b"") == ("crc", f"{crc32(of.encode() + body):08x}", True)
        assert json.loads(unsealed(line, of=of)) == {name: value for name, value in record.items() if name != "crc"}


def test_no_changed_byte_of_a_journal_is_believed(path):
    whole = path.read_bytes()
    for at in range(len(whole)):
        for byte in {whole[at] ^ 0xFF, whole[at] ^ 1, whole[at] ^ 0x20, *b'\n\0 0"}'} - {whole[at]}:
            path.write_bytes(whole[:at] + bytes((byte,)) + whole[at + 1 :])
            held = lines_of(path)
            if held.bad:
                assert set(held.calls) < set(CALLS) or held.header is None
                with pytest.raises(DamagedJournalError):
                    read_journal(path)
            elif held.torn:
                assert (at, held.header, held.calls) == (len(whole) - 1, HEADER, CALLS[:1])
            else:  # the last line break became zero, as in reserved space
                assert (at, byte, held.header, held.calls) == (len(whole) - 1, 0, HEADER, CALLS)


def test_a_journal_cut_within_a_line_is_noticed(path):
    whole = path.read_bytes()
    ends = [at for at, byte in enumerate(whole) if byte == ord("\n")]
    for length in range(1, len(whole)):
        path.write_bytes(whole[:length])
        held = lines_of(path)
        complete = sum(end <= length for end in ends)  # a line that lacks only its line break is whole
        assert held.bad == []
        assert (held.header is not None) + len(held.calls) == complete
        assert (held.torn == b"") == (length in ends or length - 1 in ends)


def test_a_call_that_lacks_only_its_line_break_is_not_asked_again(path, caplog):
    path.write_bytes(path.read_bytes()[:-1])
    journal = Journal(path, HEADER)
    assert journal.find(CALLS[1].place, "hash") == CALLS[1]
    journal.append(call(3))
    journal.close()
    assert read_journal(path) == (HEADER, [*CALLS, call(3)])
    assert caplog.records == []


@pytest.mark.parametrize(
    ("old", "new"),
    [(b'"cost_usd":0.125', b'"cost_usd":0.025'), (b'"text":"t"', b'"text":"u"'), (b'"seat":0', b'"seat":4')],
)
def test_a_changed_value_that_is_still_json_is_named_and_costs_one_call(path, caplog, old, new):
    lines = path.read_bytes().splitlines(keepends=True)
    assert old in lines[2]
    path.write_bytes(b"".join([*lines[:2], lines[2].replace(old, new)]))
    with pytest.raises(DamagedJournalError, match=r"e\.jsonl:3: not a line of a journal"):
        read_journal(path)
    assert calls_of(path) == CALLS[:1]
    assert "e.jsonl:3" in caplog.text


def test_a_journal_without_checksums_reads_and_gets_them_when_it_is_gone_on_with(path):
    records = [asdict(HEADER), *(one._asdict() for one in CALLS)]
    path.write_bytes(b"".join(json.dumps(record, separators=(",", ":")).encode() + b"\n" for record in records))
    assert read_journal(path) == (HEADER, CALLS)
    journal = Journal(path, HEADER)
    journal.append(call(3))
    journal.close()
    assert path.read_bytes() == b"".join(
        [sealed(asdict(HEADER)), *(sealed(one._asdict(), of="e") for one in [*CALLS, call(3)])]
    )


@pytest.mark.parametrize(
    ("change", "copies"),
    [
        (lambda lines: [*lines[:2], lines[1], *lines[2:]], "line 3 repeats"),
        (lambda lines: lines * 2, "line 4 and 2 more repeats"),
        (lambda lines: [*lines, *lines[1:]], "line 4 and 1 more repeats"),
    ],
)
def test_a_copy_of_a_line_is_dropped_with_a_warning(path, caplog, change, copies):
    whole = path.read_bytes()
    path.write_bytes(b"".join(change(whole.splitlines(keepends=True))))
    assert calls_of(path) == CALLS
    journal = Journal(path, HEADER)
    assert [record.message for record in caplog.records] == [
        f"{path}: {copies} an earlier line; a copy is dropped, and its call counts once"
    ] * 2
    assert journal.calls == CALLS
    journal.append(call(3))
    journal.close()
    assert path.read_bytes() == whole + sealed(call(3)._asdict(), of="e")


FAULT = call(3, status="timeout", text="", cost_usd=0.5)


def test_a_question_may_have_faults_before_its_one_reply(path):
    rows = [FAULT, FAULT._replace(started_at=9.0), call(3)]
    journal = Journal(path, HEADER)
    for one in rows:
        journal.append(one)
    journal.close()
    held = lines_of(path)
    assert (held.calls, held.bad, held.copies) == ([*CALLS, *rows], [], [])


def test_a_second_reply_to_a_question_is_damage_in_a_journal_but_not_among_labels(path):
    second = call(2, text="other", cost_usd=0.0625)
    with path.open("ab") as file:
        file.write(sealed(second._asdict(), of="e"))
    held = lines_of(path)
    assert (held.calls, [number for number, _ in held.bad]) == (CALLS, [4])
    labels = Journal(path.with_name("l.jsonl"), replace(HEADER, rules_version="labels 1"))
    for one in (*CALLS, second):
        labels.append(one)
    labels.close()
    assert lines_of(labels.path).calls == [*CALLS, second]


def test_a_line_of_another_episode_is_not_believed(path):
    other = Journal(path.with_name("f.jsonl"), replace(HEADER, episode_id="f"))
    other.append(call(3))
    other.close()
    with path.open("ab") as file:
        file.write(other.path.read_bytes().splitlines(keepends=True)[1])
    held = lines_of(path)
    assert (held.calls, [number for number, _ in held.bad]) == (CALLS, [4])


def test_a_journal_whose_header_is_gone_is_read_by_its_name(path):
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[1:]))
    assert lines_of(path).calls == CALLS


def test_line_breaks_that_another_program_converted_are_line_breaks(path):
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert read_journal(path) == (HEADER, CALLS)
