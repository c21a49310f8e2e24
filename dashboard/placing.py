"""Places sections and widgets on a page that Streamlit serves."""

from typing import ClassVar

import streamlit as st

from dashboard.components import figure
from dashboard.parts import Downloads, Drawing, Heading, Part, Rows
from dashboard.render import Section, html_of
from dashboard.style import page
from dashboard.untrusted import page_link, reader_link

ROWS = 50


class Dashboard:
    """Addresses of pages that Streamlit serves; every page exists there."""

    served: ClassVar[bool] = True

    def episode(self, episode_id: str, event_id: int | None = None) -> str | None:
        """Address of an episode or of one of its events."""
        return reader_link(episode_id, event_id)

    def page(self, name: str, **query: str) -> str | None:
        """Address of a page."""
        return page_link(name, **query)


def html(*sections: Section) -> str:
    """The HTML of sections, with the style of the report."""
    return page(html_of(sections, Dashboard()))


def place(*parts: Part) -> None:
    """Draws parts in their order. Consecutive sections become one element; other parts become widgets."""
    sections: list[Section] = []
    for part in parts:
        if isinstance(part, Drawing | Rows | Downloads):
            _flush(sections)
            _widget(part)
        else:
            sections.append(part)
    _flush(sections)


def _flush(sections: list[Section]) -> None:
    """Draws the gathered sections and clears the list."""
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
    """The first of `n` rows that is shown. Draws links to other pages if there are more rows than fit one page."""
    pages = -(-n // ROWS)
    at = st.pagination(pages, key="page", bind="query-params") if pages > 1 else 1
    return (at - 1) * ROWS


def _downloads(downloads: Downloads) -> None:
    with st.container(horizontal=True):
        for file in downloads.files:
            st.download_button(file.name, file.made, file.name, file.kind, on_click="ignore", key=file.name)
    if downloads.note:
        st.caption(downloads.note)
