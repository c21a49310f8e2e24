"""Moves damaged files to `quarantine/TIME--FOLDER--NAME` in the warehouse; they are never deleted."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from io import BytesIO

import polars as pl

from di_assets.tables.adopting import BROKEN
from di_assets.tables.contract import ContractError
from di_assets.tables.schema import TABLES
from di_assets.tables.storage import Storage, written

FOLDER = "quarantine/"


def name_aside(name: str) -> str:
    """A new name in the quarantine for a file with this name (with folders); it contains the time of now, UTC."""
    return f"{datetime.now(tz=UTC):%Y-%m-%dT%H-%M-%S-%f}--{name.replace('/', '--')}"


@dataclass(frozen=True, slots=True)
class Quarantine:
    """The quarantine of a warehouse."""

    storage: Storage

    def copy(self, name: str) -> str | None:
        """Copies a file to the quarantine; if something that is not a file has its name, moves that.

        Returns the name in the quarantine; None if there was nothing.
        """
        data = self.storage.read(name)
        there = FOLDER + name_aside(name)
        if data is None:
            return there if self.storage.displace(name, there) else None
        self.storage.write(there, data)
        return there

    def move(self, name: str) -> str | None:
        """Moves a file to the quarantine. Returns its name there; None if there was nothing."""
        there = self.copy(name)
        if there is not None:
            self.storage.delete(name)
        return there

    def by_checksum(self, names: Iterable[str]) -> dict[str, str]:
        """The names of these files and of all files in the quarantine, by their sha256; empty files are left out."""
        found = {}
        for name in (*(file.name for file in self.storage.files(FOLDER)), *names):
            data = self.storage.read(name)
            if data:
                found[written(data).sha256] = name
        return found

    def what_reads(self, name: str, table: str) -> pl.DataFrame:
        """Reads a damaged file of a table as far as possible; an empty frame if it cannot be read."""
        data = self.storage.read(name)
        try:
            held = pl.read_parquet(BytesIO(data or b""))
            new = [c for c in TABLES[table].columns if c.name not in held.columns]
            held = held.with_columns(pl.lit(None, c.dtype).alias(c.name) for c in new)
            return TABLES[table].conform(held.select(list(TABLES[table].schema)))
        except (*BROKEN, ContractError):
            return TABLES[table].empty()
