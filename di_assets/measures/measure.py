"""A measure: a function from tables to a table, declared once with everything that belongs to it."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

import polars as pl

from di_assets.tables import TABLES
from di_assets.tables.contract import Table

Setting = Literal["mirrors", "controls", "focal", "planned", "now", "given"]
"""What a measure may take besides tables.

`mirrors`: control arm with messages off -> the arm it mirrors. `controls`: open arm -> its control arms, each with its
channel. `focal`: arm -> its focal models. `planned`: arm -> planned pairs of each of its focal models. `now`: the time.
`given`: the labels that models and persons gave the messages of a batch (only batch by batch).
"""


class MeasureError(ValueError):
    """A measure's declaration does not fit its function or the table contract; the message names the measure."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class Shown:
    """What the reader page shows of a measure: a table of the episode's rows. What the columns mean stands below it.

    Attributes:
        title: heading of the table.
        columns: the columns to show, in order.
    """

    title: str
    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure: the function that computes it, the table it makes, and its inputs.

    Attributes:
        function: takes each table of `reads` as a parameter of that name, and each of `settings` as a keyword-only
            parameter; returns a frame for `table`. It has the table's name; its docstring says what a row is.
        table: the resulting table. If it is partitioned, it is made batch by batch; otherwise once, over all batches.
        reads: table -> the columns that the function needs; no other column is read. A measure that reads its own table
            gets its previous result.
        settings: what the function takes besides tables.
        version: raised when the same tables give other numbers. Older results are then out of date.
        shown: what the reader page shows of it; None for nothing. Only for a measure made batch by batch.

    Raises:
        MeasureError: the function does not take what is declared, has another name than the table, or has no docstring.
    """

    function: Callable[..., pl.DataFrame]
    table: Table
    reads: Mapping[str, tuple[str, ...]]
    settings: tuple[Setting, ...] = ()
    version: str = "1"
    shown: Shown | None = None

    def __post_init__(self) -> None:
        if self.function.__name__ != self.name:
            raise MeasureError(f"measure {self.name}: its function has another name, {self.function.__name__}")
        if not inspect.getdoc(self.function):
            raise MeasureError(f"measure {self.name}: its function has no docstring")
        parameters = inspect.signature(self.function).parameters.values()
        needed = {one.name for one in parameters if one.default is one.empty}
        keywords = {one.name for one in parameters if one.kind is one.KEYWORD_ONLY}
        tables, settings = set(self.reads), set[str](self.settings)
        wrong = {
            "not declared": needed - tables - settings,
            "no table that its function takes": tables - {one.name for one in parameters} | (tables & keywords),
            "no setting that its function takes": settings - keywords,
            "no setting that there is": settings - set(get_args(Setting)),
        }
        for what, names in wrong.items():
            if names:
                raise MeasureError(f"measure {self.name}: {', '.join(sorted(names))} is {what}")

    @property
    def name(self) -> str:
        """The name of the measure, its table, its function and its asset."""
        return self.table.name

    @property
    def by_batch(self) -> bool:
        """Whether it is made batch by batch; otherwise once, over all batches."""
        return self.table.partitioned

    @property
    def above(self) -> tuple[str, ...]:
        """The tables it is made from: those it reads, without its own."""
        return tuple(table for table in self.reads if table != self.name)

    @property
    def description(self) -> str:
        """What a row is: the first line of the function's docstring."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]

    def check(self) -> None:
        """Checks the declaration against the table contract.

        Raises:
            MeasureError: its table is not in the contract; it reads a table or column that is not in the contract; it
                is made batch by batch but has no episode_id, or reads a table that only exists over all batches; or it
                shows no column, a column that its table does not have, or rows that belong to no episode.
        """
        if TABLES.get(self.name) is not self.table:
            raise MeasureError(f"measure {self.name}: its table is not in the contract (di_assets/tables/)")
        for name, columns in self.reads.items():
            if name not in TABLES:
                raise MeasureError(f"measure {self.name}: reads no table of the contract, {name}")
            absent = [column for column in columns if column not in TABLES[name].schema]
            if absent:
                raise MeasureError(f"measure {self.name}: table {name} has no column {', '.join(absent)}")
            if self.by_batch and not TABLES[name].partitioned:
                raise MeasureError(f"measure {self.name}: a batch has no {name}, which is over all batches")
        if self.by_batch and "episode_id" not in self.table.keys:
            raise MeasureError(f"measure {self.name}: a table by batch has episode_id among its keys")
        if not self.by_batch and "given" in self.settings:
            raise MeasureError(f"measure {self.name}: labels are given of a batch, and it is over all batches")
        if self.shown is not None:
            if not self.by_batch:
                raise MeasureError(f"measure {self.name}: the reader shows an episode, and it is over all batches")
            absent = [column for column in self.shown.columns if column not in self.table.schema]
            if absent or not self.shown.columns:
                raise MeasureError(f"measure {self.name}: shows no column of its table, {', '.join(absent) or 'none'}")
