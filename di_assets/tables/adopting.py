"""Makes records for files without a record: files of an older version, or of a batch copied from another warehouse.

A file is accepted if its content is the table and, by the ids of its episodes, the batch that its name says. If a file
that the batch should have is missing or has other content, the record marks it as damaged; then every read reports it.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from io import BytesIO
from typing import NamedTuple

import polars as pl

from di_assets.tables.damage import file_name
from di_assets.tables.events import EVENT_TABLES
from di_assets.tables.record import DAMAGED, Record, State
from di_assets.tables.schema import TABLES
from di_assets.tables.storage import File, Storage, written

BATCH = re.compile(r"tables/[^/]+/([^/]+--b\d+)\.parquet")
BROKEN = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError)


class _Found(NamedTuple):
    state: State
    ids: frozenset[str]
    batches: frozenset[str]


def records_of(storage: Storage, listed: Iterable[File], known: Collection[str]) -> list[Record]:
    """Makes the records of these files; batches and tables in `known` have a record already and are left out."""
    names = [file.name for file in listed]
    batches = {match[1] for name in names if (match := BATCH.fullmatch(name))} - set(known)
    records = [record_of_batch(storage, batch) for batch in sorted(batches)]
    tables = [table for table in TABLES if file_name(table) in names and table not in known]
    records += [Record(table, {table: (_state(storage, table, None),)}) for table in tables]
    return [record for record in records if record is not None]


def record_of_batch(storage: Storage, batch: str) -> Record | None:
    """Makes the record of a batch from its files as they are; None if the files do not prove that the batch exists."""
    partitioned = [name for name, table in TABLES.items() if table.partitioned]
    held = {table: _read(storage, table, batch) for table in partitioned}
    episodes = held["episodes"]
    ids = None if episodes is None else episodes.ids
    if episodes is not None and episodes.batches - {batch}:
        return None
    sound = {table: found for table, found in held.items() if found and (ids is None or found.ids <= ids)}
    if not sound or (episodes is None and _is_copy(storage, batch, sound)):
        return None
    there = {table for table in partitioned if storage.files(file_name(table, batch))}
    needed = there | ({table.name for table in EVENT_TABLES} if episodes or held["calls"] else set())
    return Record(batch, {table: (sound[table].state if table in sound else DAMAGED,) for table in sorted(needed)})


def _is_copy(storage: Storage, batch: str, held: Mapping[str, _Found]) -> bool:
    """Whether these files are copies of a batch whose name is part of this one: with the same episodes or content.

    It is asked only if `episodes` cannot be read: no other table says which batch its rows belong to.
    """
    for table, found in held.items():
        others = {file.stem for file in storage.files(file_name(table))} - {batch}
        for other in (name for name in others if name in batch):
            theirs = _read(storage, table, other)
            if theirs is not None and (theirs.ids & found.ids or theirs.state == found.state):
                return True
    return False


def _state(storage: Storage, table: str, partition: str | None) -> State:
    found = _read(storage, table, partition)
    return DAMAGED if found is None else found.state


def _read(storage: Storage, table: str, partition: str | None) -> _Found | None:
    """Reads what a file holds; None if there is no file, or if its content is not this table."""
    data = storage.read(file_name(table, partition))
    if not data:
        return None
    try:
        columns = pl.read_parquet_schema(BytesIO(data))
        if _most_like(columns) != table:
            return None
        keys: list[str] = [name for name in ("episode_id", "batch") if name in columns and TABLES[table].partitioned]
        frame = pl.read_parquet(BytesIO(data), columns=keys or None)
    except BROKEN:
        return None
    values = {name: frozenset(frame[name].drop_nulls().unique().to_list()) for name in keys}
    size, sha256 = written(data)
    state = State(size, sha256, frame.height, tuple(columns))
    return _Found(state, values.get("episode_id", frozenset()), values.get("batch", frozenset()))


def _most_like(columns: Collection[str]) -> str:
    """The name of the table whose columns are most like these; other versions may have a few more or fewer."""
    found = set(columns)
    return max(TABLES, key=lambda name: len(found & set(TABLES[name].schema)) / len(found | set(TABLES[name].schema)))
