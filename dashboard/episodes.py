"""Episodes: all that are stored, complete or not."""

import streamlit as st

from dashboard import data
from dashboard.style import page
from dashboard.tables import linked_table
from di_assets.report.published import matching

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
    root, version = str(warehouse), warehouse.version("episodes")
    known = data.episode_choices(root, version, tuple(FILTERS))
    where = {}
    with st.container(horizontal=True):
        for column, name in FILTERS.items():
            chosen = st.selectbox(name, [ANY, *known[column]], key=column, bind="query-params")
            if chosen != ANY:
                where[column] = chosen
    with st.container(horizontal=True, vertical_alignment="bottom"):
        words = st.text_input("in the id", key="q", bind="query-params")
        by = st.selectbox("in order of", list(COLUMNS), format_func=COLUMNS.__getitem__, key="by", bind="query-params")
        falling = st.toggle("largest first", key="falling", bind="query-params")
    frame = matching(data.episodes(root, version), where, words=words, by=by, falling=falling)
    st.html(page(f"<p class='sub' role='status'>{frame.height:,} episodes</p>"))
    if frame.height:
        linked_table(frame, COLUMNS, key="page")
    else:
        st.html(page("<p>None is like that. <a href='episodes' target='_self'>Show all</a>.</p>"))
