"""What was measured of an episode: one table for each measure that declares that the reader shows it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from dashboard.parts import Table
from di_assets.report.published import measure_of
from di_assets.report.reader.measured import SEATS, Measured
from di_assets.tables.contract import TEXT, Column


@dataclass(frozen=True, slots=True)
class MeasuredTable:
    """An episode's rows of one measure.

    Attributes:
        meanings: (heading, meaning) of the columns that hold no seat.
    """

    template: ClassVar[str] = "measured_table"
    title: str
    of: Table
    meanings: Sequence[tuple[str, str]]


def measured_section(measured: Iterable[Measured], *, blind: bool = False) -> list[MeasuredTable]:
    """A table for each measure. In blind mode without columns of text, because they may name a model."""
    return [_table(one, blind=blind) for one in measured]


def _table(one: Measured, *, blind: bool) -> MeasuredTable:
    kept = [at for at, column in enumerate(one.columns) if not (blind and column.dtype == TEXT)]
    columns = [one.columns[at] for at in kept]
    headings = {_heading(column): column.dtype.is_numeric() and column.name not in SEATS for column in columns}
    rows = [[measure_of(row[at]) for at in kept] for row in one.rows]
    meanings = [(_heading(column), column.meaning) for column in columns if column.name not in SEATS]
    return MeasuredTable(one.title, Table(one.name, headings, rows), meanings)


def _heading(column: Column) -> str:
    return column.name.replace("_", " ")
