"""The contract of a table (grain, keys, columns, types and meaning), and the check that a frame keeps it.

Keys come first; `episode_id` is in every per-episode table; rounds count from 1; seats are integers from 0.
Undefined is null, never 0. Zeros are rows. Rows are sorted by key before they are written.
"""

from dataclasses import dataclass
from types import ModuleType

import polars as pl

TEXT, INT, FLOAT, BOOL = pl.String(), pl.Int64(), pl.Float64(), pl.Boolean()
TIME = pl.Datetime("us", "UTC")


class ContractError(ValueError):
    """A frame does not keep its table's contract; the message names the table, the column and what is wrong."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, Polars type, meaning with unit, and whether it may be null."""

    name: str
    dtype: pl.DataType
    meaning: str
    nullable: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the contract.

    Attributes:
        name: as in `di export NAME`.
        grain: what one row is.
        keys: columns that identify a row; the sort order on disk.
        columns: in order, keys first.
        partitioned: one Parquet file a batch (True) or one file in all (False).
    """

    name: str
    grain: str
    keys: tuple[str, ...]
    columns: tuple[Column, ...]
    partitioned: bool = True

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """Column name -> Polars type, in the contract's order."""
        return {c.name: c.dtype for c in self.columns}

    def empty(self) -> pl.DataFrame:
        """A frame of this table with no rows."""
        return pl.DataFrame(schema=self.schema)

    def in_order(self, frame: pl.DataFrame) -> bool:
        """Whether the keys rise from row to row, so that each occurs once. This is much faster than sorting."""
        ascends = pl.lit(value=False)
        for key in reversed(self.keys):
            here, before = pl.col(key), pl.col(key).shift()
            ascends = (here > before) | ((here == before) & ascends)
        return frame.select(ascends.slice(1).all(ignore_nulls=False)).item() is True

    def frame(self, rows: list[tuple[object, ...]]) -> pl.DataFrame:
        """Rows (tuples in column order) as a frame that keeps the contract."""
        return self.conform(pl.DataFrame(rows, schema=self.schema, orient="row"))

    def conform(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Returns the frame with the contract's column order and types, rows sorted by key.

        Raises:
            ContractError: a column is missing or not in the contract, a type cannot be cast, a column has a null that
                must not have one, or a key occurs twice.
        """
        missing = [c for c in self.schema if c not in frame.columns]
        extra = [c for c in frame.columns if c not in self.schema]
        if missing or extra:
            raise ContractError(f"table {self.name}: missing columns {missing}, columns not in the contract {extra}")
        try:
            if list(frame.schema.items()) != list(self.schema.items()):
                frame = frame.select(list(self.schema)).cast(pl.Schema(self.schema))
        except pl.exceptions.PolarsError as error:
            raise ContractError(f"table {self.name}: {error}") from error
        nulls = [c.name for c in self.columns if not c.nullable and frame[c.name].null_count()]
        if nulls:
            raise ContractError(f"table {self.name}: null in {nulls}, which are never undefined")
        if self.in_order(frame):
            return frame
        frame = frame.sort(self.keys)
        twice = frame.filter(frame.select(self.keys).is_duplicated())
        if not twice.is_empty():
            found = twice.select(self.keys).row(0, named=True)
            raise ContractError(f"table {self.name}: key {found} occurs more than once")
        return frame


def columns(*specs: tuple[str, pl.DataType, str]) -> tuple[Column, ...]:
    """Columns from (name, type, meaning); a name ending in `?` may be null."""
    return tuple(Column(name.rstrip("?"), dtype, meaning, name.endswith("?")) for name, dtype, meaning in specs)


def tables_of(module: ModuleType) -> tuple[Table, ...]:
    """The tables that a module declares, in the order in which they are declared."""
    return tuple(value for value in vars(module).values() if isinstance(value, Table))


EPISODE = ("episode_id", TEXT, "the episode; the unit of every statistic")
EVENT = ("event_id", INT, "0, 1, 2, ... within the episode; with episode_id a link that stays valid for ever")
