"""Where the tables are kept: atomic writes, lazy reads, a version that changes when they do.

In the warehouse, which may be object storage that a team shares, is what others need to see or cannot make again: the
tables, the report, when arms were launched, and the labels that models and persons gave. On this machine is what is
appended to or locked while work goes on: journals of episodes in flight, labels being given, Dagster's history. Where
the warehouse is a folder all is in it; otherwise the local part is `s3/BUCKET/PREFIX` in the folder DI_LOCAL names
(./warehouse), apart for every warehouse, so that no journal is taken for another's.
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
    """Tables as `tables/<table>/<batch>.parquet`, or `tables/<table>.parquet` where unpartitioned.

    Attributes:
        root: folder of what is on this machine; without `url` all is.
        url: `s3://BUCKET/PREFIX` of what is shared; None where the warehouse is a folder.
    """

    root: Path
    url: str | None = None

    def __str__(self) -> str:
        """Where it is, as `open_warehouse` takes it."""
        return self.url or str(self.root)

    @property
    def journal(self) -> Path:
        """Folder of the journals of episodes in flight."""
        return self.root / "journal"

    @property
    def labels(self) -> Path:
        """Folder of what models and persons said of messages on this machine, from which `message_labels` is made."""
        return self.root / "labels"

    @property
    def report(self) -> str:
        """Address of the folder of summary.json and the figures."""
        return self._storage.address("report")

    def address(self, table: str, partition: str | None = None) -> str:
        """Where a table (or one partition of it) is kept, as Polars takes it; of a whole partitioned one the folder."""
        return self._storage.address(file_name(table, partition))

    def files(self, table: str, partition: str | None = None) -> list[File]:
        """Every file of a table (or of one partition of it) that the record knows, by name.

        Raises:
            DamageError: one is missing or has another size than was written.
        """
        found = self._kept.look([table], partition)
        if found.damaged:
            raise DamageError(str(self), found.damaged)
        return found.sound

    def damage(self) -> list[Damage]:
        """What is wrong with the files of all tables, as far as names and sizes tell: a listing, nothing is read."""
        return self._kept.look_at_all()

    def changed(self, partition: str | None = None) -> list[Damage]:
        """Files (of one partition, or all) that are not what was written, byte by byte; every one is read."""
        return self._kept.changed(partition)

    def scan(self, table: str, partition: str | None = None) -> pl.LazyFrame:
        """A table lazily, all partitions or one; no rows where nothing is stored yet.

        Raises:
            DamageError: as `files`.
        """
        files = self.files(table, partition)
        return self._scan(table, files) if files else TABLES[table].empty().lazy()

    def read(self, table: str, partition: str | None = None, columns: Collection[str] | None = None) -> pl.DataFrame:
        """A table in memory, rows in key order; no rows where nothing is stored yet.

        Args:
            table: its name.
            partition: one of its partitions; None for all.
            columns: the columns wanted, and no others are read but for its keys; None for all.

        Raises:
            DamageError: as `files`.
        """
        files, keys = self.files(table, partition), TABLES[table].keys
        wanted = list(TABLES[table].schema if columns is None else columns)
        if not files:
            return TABLES[table].empty().select(wanted)
        try:
            # Keys too, as rows are put in their order.
            frame = self._scan(table, files).select(list(dict.fromkeys((*keys, *wanted)))).collect()
        except (OSError, pl.exceptions.PolarsError) as error:
            raise (from_polars(error, str(self)) or error) from None
        return (frame if TABLES[table].in_order(frame) else frame.sort(keys)).select(wanted)

    def write(self, table: str, frame: pl.DataFrame, partition: str | None = None) -> Written:
        """Replaces a table (or one partition) atomically by a frame that keeps the contract.

        Raises:
            ContractError: the frame does not keep the contract; nothing is written.
            StorageError: object storage does not hold it afterwards.
        """
        return self._kept.write(partition, {table: TABLES[table].conform(frame)})[table]

    def commit(self, partition: str, frames: Mapping[str, pl.DataFrame]) -> None:
        """Replaces several tables of a partition, in this order, as `write` does each.

        Raises:
            ContractError: a frame does not keep the contract; nothing is written.
            StorageError: object storage does not hold one afterwards; those before it are replaced.
        """
        self._kept.write(partition, {table: TABLES[table].conform(frame) for table, frame in frames.items()})

    def batches(self) -> list[str]:
        """Every batch of which the record knows a file, sorted."""
        return sorted(name for name in self._kept.records.all() if name not in TABLES)

    def blamed(self, error: BaseException) -> DamageError | None:
        """The damage that an error came of, found by reading every file; None where files are what was written.

        An error that says itself what is wrong is taken at its word.
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
        """Where files are put that are damaged or not the warehouse's own."""
        return Quarantine(self._storage)

    def recorded(self, name: str) -> Record:
        """What the record says of a batch, or of a table that is one file in all; of no table where there is none."""
        return self._kept.records.one(name) or Record(name)

    def forget(self, table: str) -> None:
        """Takes a table that is one file in all out of the record; its file is gone."""
        self._kept.records.settle(table, {table: None})

    def adopt(self, name: str) -> bool:
        """Makes the record of a batch, or of a table that is one file in all, anew from its files; whether it could."""
        return self._kept.adopt(name) is not None

    def sha256(self, table: str, partition: str | None = None) -> str | None:
        """The hex sha256 of a table's file (or of one partition); None if the file does not exist."""
        held = self._storage.read(file_name(table, partition))
        return None if held is None else hashlib.sha256(held).hexdigest()

    def version(self, *tables: str) -> str:
        """A short string that changes whenever a file of these tables does: by default of all, of the report, a launch.

        One listing in object storage; times, sizes and tags, nothing is read.
        """
        names = [file_name(table) for table in tables or TABLES]
        found = self._storage.files(*names, *(() if tables else (SUMMARY, LAUNCHES, RECORD)))
        return hashlib.sha256(repr([tuple(file) for file in found]).encode()).hexdigest()[:16]

    def summary(self) -> File | None:
        """summary.json as a listing knows it; None where it has not been written yet."""
        return next(iter(self._storage.files(SUMMARY)), None)

    def read_report(self, name: str) -> str | None:
        """A file of the report; None where it has not been written yet."""
        return self.read_text(f"report/{name}")

    def write_report(self, name: str, text: str) -> Written:
        """Replaces a file of the report, at once or not at all."""
        return self.write_text(f"report/{name}", text)

    def shared(self, folder: str) -> list[File]:
        """What is shared with other machines in a folder; of a warehouse that is a folder, what is there."""
        return self._storage.files(folder)

    def read_text(self, name: str) -> str | None:
        """A file that is shared, by its name in the warehouse; None where there is none."""
        held = self._storage.read(name)
        return None if held is None else held.decode()

    def write_text(self, name: str, text: str) -> Written:
        """Replaces a file that is shared, at once or not at all."""
        return self._storage.write(name, text.encode())

    def check(self, *, writing: bool = False) -> None:
        """Looks at the folder, which may be one that is still to be made, and asks object storage for its bucket.

        Args:
            writing: the warehouse is going to be written to.

        Raises:
            StorageError: it cannot be reached, is not there or does not let us in.
        """
        check_folder(self.root, writing=writing)
        if self.url is not None:
            Bucket(self.url).check()

    def probe(self) -> None:
        """Tries on object storage, once a process, all that play needs; a folder is tried by writing to it.

        Raises:
            StorageError: it cannot do one of it.
        """
        if self.url is not None:
            Bucket(self.url).probe()

    def _scan(self, table: str, files: Sequence[File]) -> pl.LazyFrame:
        return pl.scan_parquet(
            [self._storage.address(file.name) for file in files],
            glob=False,
            schema=TABLES[table].schema,
            # A column that the contract gained after a file was written is null there.
            missing_columns="insert",
            # One that a later version has is left out; who looks at the warehouse is told.
            extra_columns="ignore",
            storage_options=None if self.url is None else polars_options(),
            # The environment's credentials and no others, whatever clients of object storage are installed.
            credential_provider=None,
        )

    @property
    def _storage(self) -> Storage:
        return Folder(self.root) if self.url is None else Bucket(self.url)

    @property
    def _kept(self) -> Kept:
        return Kept(self._storage, self.root)


def open_warehouse(where: str) -> Warehouse:
    """The warehouse in a folder, or at `s3://BUCKET/PREFIX`; nothing is asked of it yet.

    Raises:
        WarehouseError: the address is neither.
    """
    if "://" not in where and not where.startswith(SCHEME[:3]):
        return Warehouse(Path(where).absolute())
    url = bucket_at(where).url
    local = Path(os.environ.get("DI_LOCAL") or "warehouse").absolute()
    return Warehouse(local.joinpath("s3", *url.removeprefix(SCHEME).split("/")), url)
