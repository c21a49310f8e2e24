"""What was measured of an episode: the rows of every measure that declares that the reader shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from di_assets.measures.declared import by_batch
from di_assets.report.reader.transcript import Transcript, rows_of
from di_assets.tables import Warehouse
from di_assets.tables.contract import Column

SEATS = frozenset({"seat", "other", "sender", "recipient", "puller", "target", "seat_a", "seat_b"})
"""Columns that hold the number of a seat; the reader shows the seat's letter."""


@dataclass(frozen=True, slots=True)
class Measured:
    """An episode's rows of one measure.

    Attributes:
        name: the measure.
        title: heading of the table.
        columns: the columns to show.
        rows: by key, each with one value per column; a seat is its letter, also in the order of rows.
    """

    name: str
    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Any]]


def read_measured(warehouse: Warehouse, found: Transcript) -> list[Measured]:
    """What the reader shows of each measure of this episode; measures without a row of it are left out."""
    shown: list[Measured] = []
    for measure in by_batch():
        if measure.shown is None:
            continue
        stored = rows_of(warehouse, measure.name, found.episode["episode_id"], found.episode["batch"])
        lettered = [{name: _value(found, name, value) for name, value in row.items()} for row in stored]
        lettered.sort(key=lambda row: [row[key] for key in measure.table.keys])
        columns = [next(one for one in measure.table.columns if one.name == name) for name in measure.shown.columns]
        if lettered:
            rows = [[row[column.name] for column in columns] for row in lettered]
            shown.append(Measured(measure.name, measure.shown.title, columns, rows))
    return shown


def _value(found: Transcript, column: str, value: Any) -> Any:
    return found.labels[value] if column in SEATS and value is not None else value
