"""The folder the tables are kept in: atomic writes, lazy reads, a version that changes when they do."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from di_assets.tables.schema import TABLES


@dataclass(frozen=True, slots=True)
class Warehouse:
    """Tables under one folder: `tables/<table>/<batch>.parquet`, or `tables/<table>.parquet` where unpartitioned."""

    root: Path

    @property
    def journal(self) -> Path:
        """Folder of the journals of episodes in flight."""
        return self.root / "journal"

    @property
    def labels(self) -> Path:
        """Folder of what models and persons said of messages, from which `message_labels` is made."""
        return self.root / "labels"

    @property
    def report(self) -> Path:
        """Folder of summary.json and the figures."""
        return self.root / "report"

    def path(self, table: str, partition: str | None = None) -> Path:
        """Where a table (or one partition of it) is kept."""
        base = self.root / "tables"
        return base / table / f"{partition}.parquet" if TABLES[table].partitioned else base / f"{table}.parquet"

    def paths(self, table: str, partition: str | None = None) -> list[Path]:
        """Every existing file of a table (or of one partition of it), sorted by name."""
        if partition is not None or not TABLES[table].partitioned:
            return [path] if (path := self.path(table, partition)).exists() else []
        return sorted((self.root / "tables" / table).glob("*.parquet"))

    def scan(self, table: str, partition: str | None = None) -> pl.LazyFrame:
        """A table lazily, all partitions or one; no rows where nothing is stored yet."""
        paths = self.paths(table, partition)
        if not paths:
            return TABLES[table].empty().lazy()
        # A column that the contract gained after a file was written is null there.
        return pl.scan_parquet(paths, glob=False, schema=TABLES[table].schema, missing_columns="insert")

    def read(self, table: str, partition: str | None = None) -> pl.DataFrame:
        """A table in memory, rows in key order; no rows where nothing is stored yet."""
        if not self.paths(table, partition):
            return TABLES[table].empty()
        frame = self.scan(table, partition).collect()
        return frame if TABLES[table].in_order(frame) else frame.sort(TABLES[table].keys)

    def write(self, table: str, frame: pl.DataFrame, partition: str | None = None) -> Path:
        """Replaces a table (or one partition) atomically by a frame that keeps the contract.

        Raises:
            ContractError: the frame does not keep the contract; nothing is written.
        """
        frame = TABLES[table].conform(frame)
        path = self.path(table, partition)
        with replacing(path) as temporary:
            # Level 1: files as small as at higher levels, for a quarter less of the time.
            frame.write_parquet(temporary, compression="zstd", compression_level=1, statistics=True)
        return path

    def version(self, *tables: str) -> str:
        """A short string that changes whenever a file of these tables (default: of all, and the report) does."""
        paths = [p for table in (tables or TABLES) for p in self.paths(table)]
        if not tables:
            paths += sorted(self.report.glob("*.json"))
        stats = [(str(p.relative_to(self.root)), s.st_mtime_ns, s.st_size) for p in paths if (s := p.stat())]
        return hashlib.sha256(repr(stats).encode()).hexdigest()[:16]


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a temporary path; what is written there takes `path`'s place at the end, at once and synced to disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
