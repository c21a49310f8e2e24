"""Downloads of a question page: its figure, the summary, and the tables behind the figure."""

from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from typing import Any, Protocol

import polars as pl

from dashboard.parts import Downloads, File
from di_assets.report.figures import png
from di_assets.tables.spreadsheet import SAID, safe_csv


class Read(Protocol):
    """What a question page reads from a warehouse besides the summary."""

    def figure(self, name: str) -> str:
        """An SVG of the report by its file name; empty if it is not drawn yet."""

    def behind(self, *, scripted: bool) -> pl.DataFrame:
        """The episodes behind a question."""

    def summary(self) -> str:
        """summary.json as published."""

    def table(self, name: str) -> pl.DataFrame:
        """A table of the contract."""


def downloads(name: str, tables: tuple[str, ...], summary: Mapping[str, Any], read: Read) -> Downloads:
    """The files of a question. The static site has the figure, the summary, and the figure's table as CSV."""
    files = [
        *_figure(name, read),
        File("summary.json", "application/json", read.summary, True),
    ]
    rows = summary["questions"][name].get("rows")
    frames: dict[str, Callable[[], pl.DataFrame]] = {} if rows is None else {name: lambda: frame_of(rows)}
    frames |= {table: _reader(read, table) for table in tables}
    for file, made in frames.items():
        bundled = file != name or bool(rows)
        files.append(File(f"{file}.csv", "text/csv", csv_of(made), bundled))
        files.append(File(f"{file}.parquet", "application/vnd.apache.parquet", parquet_of(made), False))
    return Downloads(tuple(files), SAID if frames else "")


def _figure(name: str, read: Read) -> Iterator[File]:
    drawn = bool(read.figure(f"{name}.svg"))
    yield File(f"{name}.svg", "image/svg+xml", lambda: read.figure(f"{name}.svg") or "<svg/>", drawn)
    yield File(f"{name}.png", "image/png", lambda: png(read.figure(f"{name}.svg")), drawn)


def _reader(read: Read, table: str) -> Callable[[], pl.DataFrame]:
    return lambda: read.table(table)


def frame_of(rows: list[Mapping[str, Any]]) -> pl.DataFrame:
    """The table behind a figure, from the summary."""
    return pl.DataFrame(rows, infer_schema_length=None)


def csv_of(made: Callable[[], pl.DataFrame]) -> Callable[[], str]:
    """A function that writes a table as CSV.

    Text that a spreadsheet would run as a formula begins with an apostrophe.
    """
    return lambda: safe_csv(made())


def parquet_of(made: Callable[[], pl.DataFrame]) -> Callable[[], bytes]:
    """A function that writes a table as Parquet."""

    def written() -> bytes:
        buffer = BytesIO()
        made().write_parquet(buffer)
        return buffer.getvalue()

    return written
