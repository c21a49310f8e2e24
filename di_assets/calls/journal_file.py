"""A journal as it lies on disk: whole lines, what of it cannot be read, and room at its end.

A torn last line is what a kill leaves: it is dropped, loudly, and its call is asked again. Anything else that is no
line of a journal is damage, which nothing here writes. It is told apart, so that what still reads can be saved (see
`salvage`).
"""

import json
import logging
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, get_type_hints

from di_assets.calls.call import Call, Header
from di_assets.tables.words import PHASES

log = logging.getLogger(__name__)


class StaleJournalError(Exception):
    """The journal was written with other rules, prompts or configuration, or for another question."""

    exit_code = 1


class DamagedJournalError(StaleJournalError):
    """A line of the journal cannot be read."""


@dataclass(frozen=True, slots=True)
class Lines:
    """What a journal holds.

    Attributes:
        header: None when it cannot be read, or not even that was written whole.
        calls: those that can be read, in order.
        bad: number (from 1) and text of each line that is neither and not the last.
        torn: of a last line that was not written whole; empty where there is none.
    """

    header: Header | None
    calls: list[Call]
    bad: list[tuple[int, bytes]]
    torn: bytes


def lines_of(path: Path) -> Lines:
    """What a journal holds, whatever happened to it."""
    if path.is_dir():
        return Lines(None, [], [(1, b"")], b"")
    *whole, last = path.read_bytes().rstrip(b"\0").split(b"\n")
    header: Header | None = None
    calls: list[Call] = []
    bad: list[tuple[int, bytes]] = []
    for number, line in enumerate(whole, start=1):
        read = _read(line)
        if number == 1 and isinstance(read, Header):
            header = read
        elif isinstance(read, Call):
            calls.append(read)
        else:
            bad.append((number, line))
    if header is None and whole and not any(number == 1 for number, _ in bad):
        bad.insert(0, (1, b""))  # a call stands where the header belongs
    return Lines(header, calls, bad, last)


def read_journal(path: Path) -> tuple[Header | None, list[Call]]:
    """A journal's header (None when not even that was written whole) and its calls.

    Raises:
        DamagedJournalError: a line cannot be read.
    """
    held = lines_of(path)
    if held.bad:
        number = held.bad[0][0]
        raise DamagedJournalError(f"{path}:{number}: not a line of a journal; `di repair` keeps what can be read of it")
    if held.torn:
        place = len(held.calls) + (held.header is not None) + 1
        log.warning("%s:%d: torn last line of %d bytes dropped; that call is asked again", path, place, len(held.torn))
    return held.header, held.calls


def calls_of(path: Path) -> list[Call]:
    """A journal's calls, as far as they can be read; what can't is named in a warning."""
    held = lines_of(path)
    if held.bad:
        log.warning("%s:%d: not a line of a journal; what else it holds is used", path, held.bad[0][0])
    return held.calls


def line_of(record: dict[str, object]) -> bytes:
    """A record as a line."""
    return _encode(record).encode() + b"\n"


_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode


def _read(line: bytes) -> Header | Call | None:
    try:
        record = json.loads(line)
        if "episode_id" in record:
            header = Header(**record)
            return header if all(isinstance(value, str) for value in record.values()) else None
        call = Call(**record)
    except (ValueError, TypeError, RecursionError):
        return None
    return call if _is_sound(call) else None


def _indices(kind: type) -> list[int]:
    """Where in a call the fields of this type stand."""
    types = get_type_hints(Call)
    return [at for at, name in enumerate(Call._fields) if types[name] is kind]


_COUNTS, _NUMBERS, _TEXTS = _indices(int), _indices(float), _indices(str)


def _is_sound(call: Call) -> bool:
    """Whether the fields that every call has are of their types, and can be."""
    values: tuple[Any, ...] = call
    return (
        all(isinstance(values[at], int) and values[at] >= 0 for at in _COUNTS)
        and all(isinstance(values[at], int | float) and isfinite(values[at]) for at in _NUMBERS)
        and all(isinstance(values[at], str) for at in _TEXTS)
        and call.phase in PHASES
    )
