"""The record: what each file of a table should hold. Damaged files, missing files and copies are found by it.

`record/BATCH.json` describes the files of a batch, `record/TABLE.json` a table that is not partitioned. For each table
it lists the states that the file may be in: one state, or two while the file is being replaced. The new state is added
before the file is replaced, and the old one is removed afterwards. So a killed process never leaves a file whose state
is not in the record.
"""

import hashlib
import json
import re
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from di_assets.tables.locks import locked
from di_assets.tables.storage import File, Storage

FOLDER = "record/"
OWN_NAME = re.compile(r"[^\s/]+--b\d+|[a-z_]+")  # the name of a batch or a table; copies have other names
AT_ONCE = 16  # records read from object storage at the same time


class State(NamedTuple):
    """What a file holds.

    Attributes:
        size: bytes; -1 if the file was damaged or missing when the record was made.
        sha256: of the file's bytes, hexadecimal.
        rows: number of rows.
        columns: names of the columns, in the file's order.
    """

    size: int
    sha256: str
    rows: int
    columns: tuple[str, ...]


DAMAGED = State(-1, "", 0, ())


@dataclass(frozen=True, slots=True)
class Record:
    """The record of a batch, or of a table that is not partitioned.

    Attributes:
        name: name of the batch or of the table.
        tables: the states that each table's file may be in, by table; the state None means that there is no file.
        flaw: why the record cannot be read; then `tables` is empty. None if it can be read.
    """

    name: str
    tables: Mapping[str, tuple[State | None, ...]] = field(default_factory=dict)
    flaw: str | None = None


@dataclass(frozen=True, slots=True)
class Records:
    """All records of a warehouse.

    Attributes:
        storage: where the warehouse is.
        root: folder of the lock that keeps two processes on this machine from writing a record at the same time.
    """

    storage: Storage
    root: Path

    def files(self) -> list[File]:
        """The files in the folder of records."""
        return self.storage.files(FOLDER)

    def all(self, *, fresh: bool = False) -> dict[str, Record]:
        """All records by name. With `fresh`, records that are in memory are read again."""
        files = [file for file in self.files() if file.name.endswith(".json")]
        new = files if fresh else [file for file in files if self._cached(file) is None]
        if len(new) > 1:
            with ThreadPoolExecutor(AT_ONCE) as pool:
                list(pool.map(lambda file: self._read(file, fresh=True), new))
        read = [self._read(file) for file in files]
        return {record.name: record for record in read if record is not None}

    def one(self, name: str, *, fresh: bool = False) -> Record | None:
        """The record with this name; None if there is none. With `fresh` it is read again."""
        files = self.storage.files(_file(name))
        return self._read(files[0], fresh=fresh) if files else None

    def expect(self, name: str, new: Mapping[str, State]) -> bool:
        """Adds new states to the record, before files are replaced; returns False if it has exactly these already."""
        with locked(self.root / ".record.lock"):
            known = (self.one(name, fresh=True) or Record(name)).tables
            if all(known.get(table) == (state,) for table, state in new.items()):
                return False
            both = {table: (*_others(known.get(table, (None,)), state), state) for table, state in new.items()}
            self.write(Record(name, {**known, **both}))
            return True

    def settle(self, name: str, new: Mapping[str, State | None]) -> None:
        """Replaces the states in the record by these, after files were replaced; None means that the file is gone."""
        with locked(self.root / ".record.lock"):
            known = (self.one(name, fresh=True) or Record(name)).tables
            now = {table: (state,) for table, state in new.items()}
            self.write(Record(name, {table: s for table, s in {**known, **now}.items() if s != (None,)}))

    def write(self, record: Record) -> None:
        """Replaces a record."""
        tables = {
            table: [None if state is None else state._asdict() for state in states]
            for table, states in sorted(record.tables.items())
        }
        content = {"of": record.name, "sha256": _digest(tables), "tables": tables}
        self.storage.displace(_file(record.name), f"quarantine/{time.time_ns()}--{record.name}.json")
        self.storage.write(_file(record.name), (json.dumps(content, indent=1) + "\n").encode())

    def _read(self, file: File, *, fresh: bool = False) -> Record | None:
        cached = None if fresh else self._cached(file)
        if cached is None:
            cached = (file, _parsed(file.stem, self.storage.read(file.name) or b""))
            _READ[self.storage.address(file.name)] = cached
        return cached[1]

    def _cached(self, file: File) -> tuple[File, Record | None] | None:
        cached = _READ.get(self.storage.address(file.name))
        return cached if cached is not None and cached[0] == file else None


# A warehouse holds some hundred records, which seldom change; a page or a verb reads them many times.
_READ: dict[str, tuple[File, Record | None]] = {}


def _file(name: str) -> str:
    return f"{FOLDER}{name}.json"


def _others(states: tuple[State | None, ...], new: State) -> tuple[State | None, ...]:
    return tuple(state for state in states if state != new)


def _digest(tables: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(tables, sort_keys=True).encode()).hexdigest()


def _parsed(name: str, data: bytes) -> Record | None:
    """Parses a record. If it is not what was written it gets a `flaw`; None if it is a copy of another record."""
    try:
        content = json.loads(data)
        if content["of"] != name:
            return Record(name, flaw=f"is the record of {content['of']}") if OWN_NAME.fullmatch(name) else None
        if content["sha256"] != _digest(content["tables"]):
            return Record(name, flaw="is not what was written")
        states = {table: tuple(map(_state, states)) for table, states in content["tables"].items()}
        return Record(name, states) if all(states.values()) else Record(name, flaw="is no record")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Record(name, flaw="is no record")


def _state(stored: dict[str, Any] | None) -> State | None:
    if stored is None:
        return None
    state = State(stored["size"], stored["sha256"], stored["rows"], tuple(stored["columns"]))
    if not all(isinstance(number, int) for number in (state.size, state.rows)):
        raise TypeError
    if not all(isinstance(text, str) for text in (state.sha256, *state.columns)):
        raise TypeError
    return state
