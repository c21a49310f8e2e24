"""Finds damaged files of tables. Each problem is one line: the file, what is wrong, and what to do.

Errors:
    DamageError     a file that was asked for is damaged or missing
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from di_assets.tables.record import DAMAGED, FOLDER, Record, State
from di_assets.tables.schema import TABLES
from di_assets.tables.storage import File

REPAIR = "`di repair` makes it good"
MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Damage:
    """A problem with a file.

    Attributes:
        file: the file's name in the warehouse.
        what: what is wrong.
        kind: `damaged` (missing, or not what was written), `stray` (not in the record; it is not read) or `newer` (it
            has columns that this version does not know; it is read without them).
        remedy: what to do.
    """

    file: str
    what: str
    kind: Literal["damaged", "stray", "newer"] = "damaged"
    remedy: str = REPAIR

    @property
    def of(self) -> str:
        """The batch that the file belongs to; for a table that is not partitioned, the table's name."""
        return PurePosixPath(self.file).stem

    def __str__(self) -> str:
        """One line."""
        return f"{self.file}: {self.what}; {self.remedy}"


class DamageError(RuntimeError):
    """Files that were asked for are damaged or missing. The message names up to `MOST_NAMED` of them, and what to do.

    Attributes:
        where: the address of the warehouse.
        damage: all the problems.
    """

    exit_code = 1

    def __init__(self, where: str, damage: Iterable[Damage]) -> None:
        self.where, self.damage = where, tuple(damage)
        more = len(self.damage) - MOST_NAMED
        named = " · ".join(f"{where}/{one}" for one in self.damage[:MOST_NAMED])
        super().__init__(named + (f" · and {more:,} more files" if more > 0 else ""))

    def __reduce__(self) -> tuple[type["DamageError"], tuple[str, tuple[Damage, ...]]]:
        """Lets the error be pickled, so that it can be passed between processes."""
        return DamageError, (self.where, self.damage)


@dataclass(frozen=True, slots=True)
class Judged:
    """The result of comparing files with the record.

    Attributes:
        sound: the files that can be read, sorted by name.
        wrong: the problems, sorted by file.
    """

    sound: list[File]
    wrong: list[Damage]

    @property
    def damaged(self) -> list[Damage]:
        """The problems of kind `damaged`: these files cannot be read."""
        return [one for one in self.wrong if one.kind == "damaged"]


def file_name(table: str, partition: str | None = None) -> str:
    """The name of a table's file in the warehouse; of its folder if it is partitioned and no partition is given."""
    if not TABLES[table].partitioned:
        return f"tables/{table}.parquet"
    return f"tables/{table}/" if partition is None else f"tables/{table}/{partition}.parquet"


def judged(listed: Iterable[File], records: Mapping[str, Record], tables: Collection[str]) -> Judged:
    """Compares listed files with the records, by name and size; no file is read.

    Args:
        listed: the files that exist.
        records: the records by name.
        tables: names of the tables that are looked at.
    """
    left = {file.name: file for file in listed}
    sound: list[File] = []
    wrong: list[Damage] = []
    partitioned = [table for table in tables if TABLES[table].partitioned]
    for record in records.values():
        name = record.name
        if name in TABLES:
            own = {name: file_name(name)} if name in tables and not TABLES[name].partitioned else {}
        else:
            own = {table: f"tables/{table}/{name}.parquet" for table in partitioned}
        if record.flaw is not None:
            there = left.keys() & set(own.values())
            for kept in there:  # the files belong to this record: none of them is a copy that could be deleted
                del left[kept]
            if there:
                wrong.append(Damage(f"{FOLDER}{record.name}.json", record.flaw))
            continue
        for table, name in own.items():
            if table not in record.tables:
                continue
            file, states = left.pop(name, None), record.tables[table]
            flaw = _flaw(file, states)
            if flaw is not None:
                wrong.append(Damage(name, flaw))
            elif file is not None:
                sound.append(file)
                wrong += _newer(table, name, [s for s in states if s is not None and s.size == file.size])
    wrong += [_stray(file) for file in left.values()]
    return Judged(sorted(sound), sorted(wrong, key=lambda one: one.file))


def _flaw(file: File | None, states: tuple[State | None, ...]) -> str | None:
    """What is wrong with a file that should be in one of these states; None if nothing is."""
    if file is None:
        return None if None in states else "is missing"
    sizes = [state.size for state in states if state is not None]
    if file.size in sizes:
        return None
    if sizes[-1] == DAMAGED.size:
        return "could not be read as this batch's table when the warehouse's record was made"
    if file.size == 0:
        return f"is empty; it had {sizes[-1]:,} bytes"
    return f"is not what was written: it has {file.size:,} bytes and had {sizes[-1]:,}"


def _newer(table: str, name: str, states: list[State]) -> list[Damage]:
    if not states or set(TABLES[table].schema).issuperset(states[-1].columns):
        return []
    unknown = [column for column in states[-1].columns if column not in TABLES[table].schema]
    what = f"has columns that this version does not know, and is read without them ({', '.join(unknown)})"
    return [Damage(name, what, "newer", "a newer version of this program reads them")]


def _stray(file: File) -> Damage:
    what = "is not of the warehouse's record (a copy?), and is not read"
    return Damage(file.name, what, "stray", "delete it, or `di repair` puts it aside")
