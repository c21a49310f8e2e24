"""Files that are put aside, never deleted: `quarantine/TIME--FOLDER--NAME` in the warehouse."""

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
    """What a file of this name (with folders) is called in the quarantine from now on."""
    return f"{datetime.now(tz=UTC):%Y-%m-%dT%H-%M-%S-%f}--{name.replace('/', '--')}"


@dataclass(frozen=True, slots=True)
class Quarantine:
    """The folder of what was put aside, and the files that may go there."""

    storage: Storage

    def copy(self, name: str) -> str | None:
        """Copies a file there, or moves what stands in its place; where it is now, None where there is none."""
        data = self.storage.read(name)
        there = FOLDER + name_aside(name)
        if data is None:
            return there if self.storage.displace(name, there) else None
        self.storage.write(there, data)
        return there

    def move(self, name: str) -> str | None:
        """Moves a file there; where it is now, None where there is none."""
        there = self.copy(name)
        if there is not None:
            self.storage.delete(name)
        return there

    def by_checksum(self, names: Iterable[str]) -> dict[str, str]:
        """These files and all that were put aside, by their sha256."""
        found = {}
        for name in (*(file.name for file in self.storage.files(FOLDER)), *names):
            data = self.storage.read(name)
            if data:
                found[written(data).sha256] = name
        return found

    def what_reads(self, name: str, table: str) -> pl.DataFrame:
        """What can be read of a damaged file of a table; no rows where nothing can."""
        data = self.storage.read(name)
        try:
            held = pl.read_parquet(BytesIO(data or b""))
            new = [c for c in TABLES[table].columns if c.name not in held.columns]
            held = held.with_columns(pl.lit(None, c.dtype).alias(c.name) for c in new)
            return TABLES[table].conform(held.select(list(TABLES[table].schema)))
        except (*BROKEN, ContractError):
            return TABLES[table].empty()
