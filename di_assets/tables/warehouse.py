"""The warehouse, which stores the tables: atomic writes, lazy reads, and a version that changes when a table changes.

The warehouse may be object storage that a team shares. It holds what others need to see or cannot make again: the
tables, the report, the launch times of arms, and the labels of models and persons. What is appended to or locked during
work is always on this machine: journals of episodes in flight, labels that are being given, Dagster's history.

If the warehouse is a folder, everything is in it. Otherwise the local part is in `s3/BUCKET/PREFIX` in the folder that
DI_LOCAL names (default ./warehouse). Each warehouse has its own local part, so that journals are never mixed up.
"""

import hashlib
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from di_assets.tables.bucket import SCHEME, Bucket, bucket_at, polars_options
from di_assets.tables.damage import Damage, DamageError, file_name
from di_assets.tables.kept import Kept
from di_assets.tables.quarantine import Quarantine
from di_assets.tables.record import FOLDER as RECORD
from di_assets.tables.record import Record
from di_assets.tables.refusals import from_polars
from di_assets.tables.schema import TABLES
from di_assets.tables.storage import File, Folder, Storage, StorageError, Written
from di_assets.tables.usable import check_folder

SUMMARY = "report/summary.json"
LAUNCHES = "launches/"


@dataclass(frozen=True, slots=True)
class Warehouse:
    """A warehouse. Its tables are `tables/<table>/<batch>.parquet`, or `tables/<table>.parquet` if not partitioned.

    Attributes:
        root: the folder on this machine: of the whole warehouse, or of its local part if there is a `url`.
        url: `s3://BUCKET/PREFIX` of the shared part; None if the warehouse is a folder.
    """

    root: Path
    url: str | None = None

    def __str__(self) -> str:
        """The address of the warehouse, as `open_warehouse` accepts it."""
        return self.url or str(self.root)

    @property
    def journal(self) -> Path:
        """Folder of the journals of episodes in flight."""
        return self.root / "journal"

    @property
    def labels(self) -> Path:
        """Folder of the labels that models and persons gave to messages; `message_labels` is made from them."""
        return self.root / "labels"

    @property
    def report(self) -> str:
        """Path or URL of the folder of summary.json and the figures."""
        return self._storage.address("report")

    def address(self, table: str, partition: str | None = None) -> str:
        """Path or URL of a table's file; of its folder if the table is partitioned and no partition is given."""
        return self._storage.address(file_name(table, partition))

    def files(self, table: str, partition: str | None = None) -> list[File]:
        """Lists the files of a table (or of one partition) that are in the record, sorted by name.

        Raises:
            DamageError: a file is missing, or its size is not the recorded one.
        """
        found = self._kept.look([table], partition)
        if found.damaged:
            raise DamageError(str(self), found.damaged)
        return found.sound

    def damage(self) -> list[Damage]:
        """Lists the problems of the files of all tables that names and sizes show; tables are not read."""
        return self._kept.look_at_all()

    def changed(self, partition: str | None = None) -> list[Damage]:
        """Reads all files (or those of one partition); lists those with the recorded size but another sha256."""
        return self._kept.changed(partition)

    def scan(self, table: str, partition: str | None = None) -> pl.LazyFrame:
        """A table as a lazy frame, all partitions or one; no rows if nothing is stored yet.

        Raises:
            DamageError: see `files`.
        """
        files = self.files(table, partition)
        return self._scan(table, files) if files else TABLES[table].empty().lazy()

    def read(self, table: str, partition: str | None = None, columns: Collection[str] | None = None) -> pl.DataFrame:
        """A table in memory, rows sorted by key; no rows if nothing is stored yet.

        Args:
            table: the table's name.
            partition: one of its partitions; None for all.
            columns: the columns to return; only these and the keys are read. None for all.

        Raises:
            DamageError: see `files`.
            StorageError: object storage failed.
        """
        files, keys = self.files(table, partition), TABLES[table].keys
        wanted = list(TABLES[table].schema if columns is None else columns)
        if not files:
            return TABLES[table].empty().select(wanted)
        try:
            # The keys are read too, because rows are sorted by them.
            frame = self._scan(table, files).select(list(dict.fromkeys((*keys, *wanted)))).collect()
        except (OSError, pl.exceptions.PolarsError) as error:
            raise (from_polars(error, str(self)) or error) from None
        return (frame if TABLES[table].in_order(frame) else frame.sort(keys)).select(wanted)

    def write(self, table: str, frame: pl.DataFrame, partition: str | None = None) -> Written:
        """Replaces a table (or one partition) atomically; returns size and sha256 of the new file.

        Raises:
            ContractError: the frame does not keep the contract; nothing is written.
            StorageError: the file could not be written to object storage.
        """
        return self._kept.write(partition, {table: TABLES[table].conform(frame)})[table]

    def commit(self, partition: str, frames: Mapping[str, pl.DataFrame]) -> None:
        """Replaces several tables of a partition, one after the other, in the order of `frames`.

        Raises:
            ContractError: a frame does not keep the contract; nothing is written.
            StorageError: a file could not be written to object storage; the files before it are replaced.
        """
        self._kept.write(partition, {table: TABLES[table].conform(frame) for table, frame in frames.items()})

    def batches(self) -> list[str]:
        """The names of all batches that have a record, sorted."""
        return sorted(name for name in self._kept.records.all() if name not in TABLES)

    def blamed(self, error: BaseException) -> DamageError | None:
        """Looks for damaged files that may have caused this error; reads every file. None if all files are as written.

        A `DamageError` is returned as it is. For other errors of ours (with an exit code) nothing is read: None.
        """
        if isinstance(error, DamageError):
            return error
        if hasattr(error, "exit_code"):
            return None
        try:
            found = [one for one in self.damage() if one.kind == "damaged"] + self.changed()
        except (OSError, StorageError):
            return None
        return DamageError(str(self), found) if found else None

    @property
    def aside(self) -> Quarantine:
        """The quarantine, for files that are damaged or not in the record."""
        return Quarantine(self._storage)

    def recorded(self, name: str) -> Record:
        """The record of a batch, or of a table that is not partitioned; an empty record if there is none."""
        return self._kept.records.one(name) or Record(name)

    def forget(self, table: str) -> None:
        """Removes a table that is not partitioned from the record, after its file was deleted."""
        self._kept.records.settle(table, {table: None})

    def adopt(self, name: str) -> bool:
        """Makes the record of a batch, or of an unpartitioned table, again from its files; returns whether it could."""
        return self._kept.adopt(name) is not None

    def sha256(self, table: str, partition: str | None = None) -> str | None:
        """The hex sha256 of a table's file (or of one partition); None if the file does not exist."""
        held = self._storage.read(file_name(table, partition))
        return None if held is None else hashlib.sha256(held).hexdigest()

    def version(self, *tables: str) -> str:
        """A short string that changes when a file of these tables changes.

        Without `tables` it covers all tables, summary.json, the launch times and the record. It is made from names,
        times, sizes and tags in a listing; no file is read.
        """
        names = [file_name(table) for table in tables or TABLES]
        found = self._storage.files(*names, *(() if tables else (SUMMARY, LAUNCHES, RECORD)))
        return hashlib.sha256(repr([tuple(file) for file in found]).encode()).hexdigest()[:16]

    def summary(self) -> File | None:
        """The entry of summary.json in a listing; None if it was not written yet."""
        return next(iter(self._storage.files(SUMMARY)), None)

    def read_report(self, name: str) -> str | None:
        """The text of a file of the report; None if it was not written yet."""
        return self.read_text(f"report/{name}")

    def write_report(self, name: str, text: str) -> Written:
        """Replaces a file of the report, completely or not at all."""
        return self.write_text(f"report/{name}", text)

    def shared(self, folder: str) -> list[File]:
        """Lists the files in a folder of the shared part (of the whole warehouse, if it is a folder)."""
        return self._storage.files(folder)

    def read_text(self, name: str) -> str | None:
        """The text of a file of the shared part, by its name in the warehouse; None if it does not exist."""
        held = self._storage.read(name)
        return None if held is None else held.decode()

    def write_text(self, name: str, text: str) -> Written:
        """Replaces a file of the shared part, completely or not at all."""
        return self._storage.write(name, text.encode())

    def check(self, *, writing: bool = False) -> None:
        """Checks that the folder can be used or made, and that the bucket can be reached if there is one.

        Args:
            writing: the warehouse is going to be written to.

        Raises:
            StorageError: the folder cannot be used; or the bucket cannot be reached, does not exist or refuses us.
        """
        check_folder(self.root, writing=writing)
        if self.url is not None:
            Bucket(self.url).check()

    def probe(self) -> None:
        """Tries everything that play needs on object storage, once per process; does nothing for a folder.

        Raises:
            StorageError: the storage cannot do one of these things; the message says which.
        """
        if self.url is not None:
            Bucket(self.url).probe()

    def _scan(self, table: str, files: Sequence[File]) -> pl.LazyFrame:
        return pl.scan_parquet(
            [self._storage.address(file.name) for file in files],
            glob=False,
            schema=TABLES[table].schema,
            # A column that was added to the contract after a file was written is null for that file.
            missing_columns="insert",
            # A column that only a later version knows is left out; `damage` reports it as `newer`.
            extra_columns="ignore",
            storage_options=None if self.url is None else polars_options(),
            # Only credentials from the environment are used, even if other clients of object storage are installed.
            credential_provider=None,
        )

    @property
    def _storage(self) -> Storage:
        return Folder(self.root) if self.url is None else Bucket(self.url)

    @property
    def _kept(self) -> Kept:
        return Kept(self._storage, self.root)


def open_warehouse(where: str) -> Warehouse:
    """The warehouse in a folder, or at `s3://BUCKET/PREFIX`; nothing is read and no request is made yet.

    Raises:
        WarehouseError: the address is neither a folder nor of this form.
    """
    if "://" not in where and not where.startswith(SCHEME[:3]):
        return Warehouse(Path(where).absolute())
    url = bucket_at(where).url
    local = Path(os.environ.get("DI_LOCAL") or "warehouse").absolute()
    return Warehouse(local.joinpath("s3", *url.removeprefix(SCHEME).split("/")), url)
