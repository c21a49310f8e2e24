"""Reads a journal file, also a damaged one.

Each line holds its own checksum (see `sealed`), so a changed byte is found although the line is still JSON, and so is a
line of another episode. Journals of older versions have no checksums; they are read too.

A last line that was written only in part is what a killed process leaves. It is dropped with a warning, and its call is
made again. Any other line that cannot be read, or whose checksum is wrong, is damage: this program never writes one.
Damaged lines are listed apart, so that the readable lines can be saved (see `salvage`).

A question is answered once. The copy of a line is dropped with a warning and counts once. Another reply to a question
that has one is damage. Faults may repeat, because a question without a reply is asked again; and so may the replies in
a journal of labels, because two machines may have asked for the same label.
"""

import json
import logging
from dataclasses import dataclass, field
from math import isfinite
from pathlib import Path
from typing import Any, get_type_hints

from di_assets.calls.call import FAULTS, Call, Header
from di_assets.calls.sealed import is_sealed, unsealed
from di_assets.tables.words import INTERRUPTED, PHASES

log = logging.getLogger(__name__)

_AGAIN = "may be lost; they are asked for, and paid, again"


class StaleJournalError(Exception):
    """The journal was written with other rules, prompts or configuration, or for another question."""

    exit_code = 1


class DamagedJournalError(StaleJournalError):
    """A line of the journal cannot be read."""


@dataclass(frozen=True, slots=True)
class Lines:
    """The content of a journal file.

    Attributes:
        header: the header; None if it is missing, incomplete or cannot be read.
        calls: the calls that can be read, in the order of the file.
        bad: number (from 1) and bytes of each complete line that cannot be read.
        torn: the bytes of an incomplete last line; empty if there is none.
        copies: numbers (from 1) of the lines that are copies of an earlier line.
        zeros: whether the file ends with zero bytes: space reserved by a killed process, or damage.
    """

    header: Header | None
    calls: list[Call]
    bad: list[tuple[int, bytes]]
    torn: bytes
    copies: list[int] = field(default_factory=list)
    zeros: bool = False


def lines_of(path: Path) -> Lines:
    """Reads a journal file as far as it can be read; damage is in the result and raises no error."""
    if path.is_dir():
        return Lines(None, [], [(1, b"")], b"")
    data = path.read_bytes()
    *whole, last = data.rstrip(b"\0").split(b"\n")
    first = record_of((whole or [last])[0])
    header = first if isinstance(first, Header) else None
    of = sealed_for(path, header)
    if is_sealed(last, of=of):
        whole, last = [*whole, last], b""  # it lacks only its line break
    elif not whole:
        header = None  # without a checksum it may be incomplete
    held = Lines(header, [], [], last, zeros=data.endswith(b"\0"))
    seen: set[object] = set()
    for number, line in enumerate(whole, start=1):
        read = record_of(line, of=of)
        if read in seen:
            held.copies.append(number)
        elif number == 1 and header is not None:
            seen.add(header)
        elif not isinstance(read, Call) or (read.status not in FAULTS and read.place in seen):
            held.bad.append((number, line))
        else:
            held.calls.append(read)
            seen |= _once(read, header)
    if header is None and whole and not any(number == 1 for number, _ in held.bad):
        held.bad.insert(0, (1, b""))  # a call stands where the header belongs
    return held


def sealed_for(path: Path, header: Header | None) -> str:
    """What the lines of a journal are sealed for. If its header cannot be read, the file's name says it."""
    return path.stem if header is None else header.sealed_for


def _once(call: Call, header: Header | None) -> set[object]:
    """What may not come again after this call: the same call and, after a reply, another reply to its question."""
    if call.status == INTERRUPTED:
        return set()  # `di repair` stores several for a line that held several
    if call.status in FAULTS or (header is not None and header.is_shared):
        return {call}
    return {call, call.place}


def read_journal(path: Path) -> tuple[Header | None, list[Call]]:
    """Reads a journal's header and calls. The header is None if the file ends before the header is complete.

    Raises:
        DamagedJournalError: a complete line cannot be read.
    """
    held = lines_of(path)
    if held.bad:
        number = held.bad[0][0]
        raise DamagedJournalError(f"{path}:{number}: not a line of a journal; `di repair` keeps what can be read of it")
    _warn_of_copies(path, held)
    if held.torn:
        place = len(held.calls) + (held.header is not None) + 1
        lost = f"; replies that stood in the zero bytes after it {_AGAIN}" if held.zeros else ""
        what = f"torn last line of {len(held.torn)} bytes dropped; that call is asked again{lost}"
        log.warning("%s:%d: %s", path, place, what)
    elif held.header is None:
        what = "holds only zero bytes" if held.zeros else "is empty"
        log.warning("%s: %s, where at least a header belongs; replies %s", path, what, _AGAIN)
    return held.header, held.calls


def calls_of(path: Path) -> list[Call]:
    """Reads a journal's calls; lines that cannot be read are left out with a warning."""
    held = lines_of(path)
    if held.bad:
        log.warning("%s:%d: not a line of a journal; what else it holds is used", path, held.bad[0][0])
    _warn_of_copies(path, held)
    return held.calls


def _warn_of_copies(path: Path, held: Lines) -> None:
    if held.copies:
        more = len(held.copies) - 1
        what = f"line {held.copies[0]}{f' and {more} more' if more else ''}"
        log.warning("%s: %s repeats an earlier line; a copy is dropped, and its call counts once", path, what)


def record_of(line: bytes, *, of: str = "") -> Header | Call | None:
    """What a line of a journal (without its line break) holds; None if it cannot be read or its checksum is wrong.

    Args:
        line: the line.
        of: what the journal's calls are sealed for (see `sealed_for`).
    """
    content = unsealed(line, of=of)
    if content is None:
        return None
    try:
        record = json.loads(content)
        if "episode_id" in record:
            header = Header(**record)
            return header if all(isinstance(value, str) for value in record.values()) else None
        call = Call(**record)
    except (ValueError, TypeError, RecursionError):
        return None
    return call if _is_sound(call) else None


def _indices(kind: type) -> list[int]:
    """The positions in a call of the fields of this type."""
    types = get_type_hints(Call)
    return [at for at, name in enumerate(Call._fields) if types[name] is kind]


_COUNTS, _NUMBERS, _TEXTS = _indices(int), _indices(float), _indices(str)


def _is_sound(call: Call) -> bool:
    """Whether the required fields have the right types and possible values (no negative count, no infinite number)."""
    values: tuple[Any, ...] = call
    return (
        all(isinstance(values[at], int) and values[at] >= 0 for at in _COUNTS)
        and all(isinstance(values[at], int | float) and isfinite(values[at]) for at in _NUMBERS)
        and all(isinstance(values[at], str) for at in _TEXTS)
        and call.phase in PHASES
    )
