"""Sections and widgets placed on a page that Streamlit serves."""

from typing import ClassVar

import streamlit as st

from dashboard.components import figure
from dashboard.parts import Downloads, Drawing, Heading, Part, Rows
from dashboard.render import Section, html_of
from dashboard.style import page
from dashboard.untrusted import page_link, reader_link

ROWS = 50


class Dashboard:
    """Pages as Streamlit serves them: every page is here."""

    served: ClassVar[bool] = True

    def episode(self, episode_id: str, event_id: int | None = None) -> str | None:
        """Address of an episode or of one of its events."""
        return reader_link(episode_id, event_id)

    def page(self, name: str, **query: str) -> str | None:
        """Address of a page."""
        return page_link(name, **query)


def html(*sections: Section) -> str:
    """The HTML of sections, in the report's type."""
    return page(html_of(sections, Dashboard()))


def place(*parts: Part) -> None:
    """Draws parts in their order: sections beside each other as one piece, the others as widgets."""
    sections: list[Section] = []
    for part in parts:
        if isinstance(part, Drawing | Rows | Downloads):
            _flush(sections)
            _widget(part)
        else:
            sections.append(part)
    _flush(sections)


def _flush(sections: list[Section]) -> None:
    """Draws what has been gathered, and forgets it."""
    if sections:
        st.html(html(*sections))
        sections.clear()


def _widget(part: Drawing | Rows | Downloads) -> None:
    match part:
        case Drawing():
            figure(part)
        case Rows():
            _rows(part)
        case Downloads():
            _downloads(part)


def _rows(rows: Rows) -> None:
    """A page of rows under its heading."""
    if rows.title:
        place(Heading(rows.title))
    place(rows.table(first_row(rows.frame.height), ROWS))


def first_row(n: int) -> int:
    """The first of so many rows that is shown; draws what leads to the other pages where there are more."""
    pages = -(-n // ROWS)
    at = st.pagination(pages, key="page", bind="query-params") if pages > 1 else 1
    return (at - 1) * ROWS


def _downloads(downloads: Downloads) -> None:
    with st.container(horizontal=True):
        for file in downloads.files:
            st.download_button(file.name, file.made, file.name, file.kind, on_click="ignore", key=file.name)
    if downloads.note:
        st.caption(downloads.note)
