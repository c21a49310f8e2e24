"""Tables with real links, a page of rows at a time."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

import polars as pl
import streamlit as st

from dashboard.style import page
from dashboard.untrusted import reader_link, safe
from di_assets.report.published import measure_of

ROWS = 50


def linked_table(frame: pl.DataFrame, names: Mapping[str, str], *, key: str) -> None:
    """Rows of a frame (column -> heading); `episode_id` links to the reader; paged where there are many."""
    pages = -(-frame.height // ROWS)
    at = st.pagination(pages, key=key, bind="query-params") if pages > 1 else 1
    st.html(page(rows_of(frame.slice((at - 1) * ROWS, ROWS), names)))


def rows_of(frame: pl.DataFrame, names: Mapping[str, str]) -> str:
    """All rows of a frame as a table."""
    columns = {name: frame.schema[column].is_numeric() for column, name in names.items()}
    rows = [[_cell(row, column) for column in names] for row in frame.iter_rows(named=True)]
    return boxed(columns, rows, label="table")


def boxed(columns: Mapping[str, bool], rows: Iterable[Sequence[str]], *, label: str) -> str:
    """A table in a box that scrolls by itself where it is too wide.

    Args:
        columns: heading -> whether it stands over numbers.
        rows: cells as HTML, made safe by the caller.
        label: what the box is called, once on a page.
    """
    classes = [" class='n'" if number else "" for number in columns.values()]
    head = "".join(f"<th scope='col'{of}>{escape(name)}</th>" for name, of in zip(columns, classes, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td{of}>{cell}</td>" for cell, of in zip(row, classes, strict=True)) + "</tr>"
        for row in rows
    )
    return (
        f"<div class='scroll' tabindex='0' role='region' aria-label='{escape(label)}'>"
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _cell(row: Mapping[str, Any], column: str) -> str:
    text = safe(measure_of(row[column]))
    return f"<a href='{reader_link(row[column])}' target='_self'>{text}</a>" if column == "episode_id" else text
