"""Tables with real links, a page of rows at a time."""

from collections.abc import Mapping
from html import escape
from typing import Any

import polars as pl
import streamlit as st

from dashboard.style import page
from dashboard.untrusted import reader_link
from di_assets.report.reading import text_of

ROWS = 50


def linked_table(frame: pl.DataFrame, names: Mapping[str, str], *, key: str) -> None:
    """Rows of a frame (column -> heading); `episode_id` links to the reader; paged where there are many."""
    pages = -(-frame.height // ROWS)
    at = st.pagination(pages, key=key, bind="query-params") if pages > 1 else 1
    part = frame.slice((at - 1) * ROWS, ROWS)
    numbers = {c for c in names if frame.schema[c].is_numeric()}
    head = "".join(f"<th scope='col'{' class=n' if c in numbers else ''}>{escape(n)}</th>" for c, n in names.items())
    rows = "".join(
        "<tr>" + "".join(_cell(row, c, c in numbers) for c in names) + "</tr>" for row in part.iter_rows(named=True)
    )
    st.html(
        page(
            f"<div class='scroll' tabindex='0' role='region' aria-label='table'><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
        )
    )


def _cell(row: Mapping[str, Any], column: str, number: bool) -> str:
    text = escape(text_of(row[column]))
    if column == "episode_id":
        return f"<td><a href='{reader_link(row[column])}' target='_self'>{text}</a></td>"
    return f"<td class='n'>{text}</td>" if number else f"<td>{text}</td>"
