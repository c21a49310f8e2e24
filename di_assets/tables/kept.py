"""The files of the tables: lists them, compares them with the record, and replaces files and record together."""

import logging
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

import polars as pl

from di_assets.tables.adopting import record_of_batch, records_of
from di_assets.tables.damage import REPAIR, Damage, Judged, file_name, judged
from di_assets.tables.record import FOLDER, Record, Records, State
from di_assets.tables.schema import TABLES
from di_assets.tables.storage import File, Storage, StorageError, Written, written

log = logging.getLogger(__name__)

LOOKS = 3  # how often to look before damage is reported: another process may be writing just now
AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Kept:
    """The files of the tables of a warehouse.

    Attributes:
        storage: where the files are.
        root: a folder on this machine for the record's lock.
    """

    storage: Storage
    root: Path

    @property
    def records(self) -> Records:
        """The records: what each file should hold."""
        return Records(self.storage, self.root)

    def look(self, tables: Collection[str], partition: str | None = None) -> Judged:
        """Lists the files of these tables (or of one partition) and compares names and sizes with the record.

        A file without a record gets one now, if its content is the table and the batch that its name says.
        """
        for look in range(LOOKS):
            listed = self._listed(tables, partition)
            found = judged(listed, self._records(listed, partition, fresh=look > 0), tables)
            if partition is not None:  # it was asked for by name, so it is not taken for a copy
                found = Judged(found.sound, [_unknown(one) for one in found.wrong])
            if not found.damaged:
                break
        return found

    def look_at_all(self) -> list[Damage]:
        """Lists all problems of the files of all tables and of the record that names and sizes show."""
        found = self.look(TABLES)
        own = {f"{FOLDER}{name}.json" for name in self.records.all()}
        copies = [file for file in self.records.files() if file.name not in own]
        what = "is no part of the warehouse's record (a copy?), and is not read"
        strays = [Damage(file.name, what, "stray", "delete it, or `di repair` puts it aside") for file in copies]
        return [*found.wrong, *strays]

    def changed(self, partition: str | None = None) -> list[Damage]:
        """Reads all files (or those of one partition); lists those with the recorded size but another sha256."""
        records = self.records.all() if partition is None else {partition: self.records.one(partition)}
        wanted = [
            (file_name(table, name), states)
            for name, record in records.items()
            for table, states in (record.tables.items() if record else ())
            if table in TABLES
        ]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            found = pool.map(lambda one: self._changed(*one), wanted)
            return [damage for damage in found if damage is not None]

    def write(self, partition: str | None, frames: Mapping[str, pl.DataFrame]) -> dict[str, Written]:
        """Replaces files of one partition, in the order of `frames`, and updates the record.

        Args:
            partition: the partition; None for a table that is not partitioned.
            frames: the new content by table; each frame keeps its table's contract.

        Returns:
            Size and sha256 of the new files, by table.
        """
        data: dict[str, bytes] = {}
        new: dict[str, State] = {}
        for table, frame in frames.items():
            file = BytesIO()
            # Level 1: files are as small as with higher levels, and writing takes a quarter less time.
            frame.write_parquet(file, compression="zstd", compression_level=1, statistics=True)
            data[table] = file.getvalue()
            new[table] = State(*written(data[table]), frame.height, tuple(frame.columns))
        name = partition or next(iter(frames))
        if self.records.one(name) is None and not self.records.files():
            self._adopt(self._listed(TABLES, None), ())
        changes = self.records.expect(name, new)
        made = {table: self.storage.write(file_name(table, partition), held) for table, held in data.items()}
        if changes:
            self.records.settle(name, new)
        return made

    def adopt(self, name: str) -> Record | None:
        """Makes the record of a batch, or of an unpartitioned table, again from its files; None if it cannot."""
        if name in TABLES:
            made = next(iter(records_of(self.storage, self.storage.files(file_name(name)), ())), None)
        else:
            made = record_of_batch(self.storage, name)
        if made is not None:
            self.records.write(made)
        return made

    def _listed(self, tables: Collection[str], partition: str | None) -> list[File]:
        if len(tables) == len(TABLES) and partition is None:
            found = self.storage.files("tables/", *(file_name(table) for table in TABLES))
            return sorted({file.name: file for file in found}.values())
        return [file for table in tables for file in self.storage.files(file_name(table, partition))]

    def _records(self, listed: Iterable[File], partition: str | None, *, fresh: bool) -> dict[str, Record]:
        if partition is None:
            known = self.records.all(fresh=fresh)
        else:
            one = self.records.one(partition, fresh=fresh)
            known = {} if one is None else {partition: one}
        unwritten = _UNWRITTEN.get(self.storage.address(""), {})
        known = {**{name: one for name, one in unwritten.items() if partition in (None, name)}, **known}
        unknown = [file for file in listed if _record_name(file) not in known]
        unknown = [file for file in unknown if (self.storage.address(file.name), file) not in _NOT_OURS]
        return {**known, **self._adopt(unknown, known)} if unknown else known

    def _adopt(self, unknown: Iterable[File], known: Collection[str]) -> dict[str, Record]:
        """Makes records for files that have none; for all files if the warehouse has no record at all."""
        first = not self.records.files()
        listed = self._listed(TABLES, None) if first else list(unknown)
        made = {record.name: record for record in records_of(self.storage, listed, () if first else known)}
        _NOT_OURS.update((self.storage.address(file.name), file) for file in listed if _record_name(file) not in made)
        if made:
            of = "no record of its files yet" if first else f"no record of {', '.join(sorted(made)[:3])}"
            n = sum(len(record.tables) for record in made.values())
            log.warning("%s had %s; one was made of %d files", self.storage.address(""), of, n)
        for record in made.values():
            try:
                self.records.write(record)
            except (OSError, StorageError):  # without permission to write, the record is held in memory
                _UNWRITTEN.setdefault(self.storage.address(""), {})[record.name] = record
        return made

    def _changed(self, name: str, states: tuple[State | None, ...]) -> Damage | None:
        held = self.storage.read(name)
        sums = {state.sha256 for state in states if state and held is not None and state.size == len(held)}
        if held is None or not sums or written(held).sha256 in sums:
            return None
        return Damage(name, "is not what was written: its checksum is another")


# Files that belong to no batch, as they were when they were read; and records that could not be written.
_NOT_OURS: set[tuple[str, File]] = set()
_UNWRITTEN: dict[str, dict[str, Record]] = {}


def _record_name(file: File) -> str:
    """The name of the record that a file would belong to."""
    return file.name.rpartition("/")[2].removesuffix(".parquet")


def _unknown(found: Damage) -> Damage:
    if found.kind != "stray":
        return found
    return replace(found, what="is not of the warehouse's record", kind="damaged", remedy=REPAIR)
