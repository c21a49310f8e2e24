"""Episodes: all that are stored, complete or not."""

import streamlit as st

from dashboard import data
from dashboard.style import page
from dashboard.tables import linked_table
from di_assets.report.reading import choices

FILTERS = {"arm": "arm", "condition": "condition", "focal_model": "focal model", "status": "status"}
COLUMNS = {"episode_id": "episode", "condition": "condition", "focal_model": "focal model", "scripted": "scripted", "status": "status",
           "failure": "reason", "n_calls": "calls", "n_forfeits": "forfeits", "cost_usd": "US dollars"}  # fmt: skip
ANY = "any"


def show() -> None:
    """The filters and a page of the table."""
    warehouse = data.warehouse()
    st.html(page("<h2>Episodes</h2>"))
    if not warehouse.files("episodes"):
        st.html(page("<p>No episode has been played yet: run <code>di demo</code>, or materialise an arm.</p>"))
        return
    where = []
    with st.container(horizontal=True):
        for column, name in FILTERS.items():
            chosen = st.selectbox(name, [ANY, *choices(warehouse, column)], key=column, bind="query-params")
            if chosen != ANY:
                where.append((column, chosen))
    frame = data.episodes(str(warehouse), warehouse.version("episodes"), tuple(where))
    st.html(page(f"<p class='sub'>{frame.height:,} episodes</p>"))
    linked_table(frame, COLUMNS, key="page")
