"""The Episodes page: all stored episodes, complete or not."""

import streamlit as st

from dashboard import data
from dashboard.parts import Rows, Title, Words
from dashboard.placing import html, place
from dashboard.sections.episodes import COLUMNS, NoneLikeThat, counted
from di_assets.report.published import matching

FILTERS = {"arm": "arm", "condition": "condition", "focal_model": "focal model", "status": "status"}
ANY = "any"


def show() -> None:
    """Shows the filters and one page of the table."""
    warehouse = data.warehouse()
    place(Title("Episodes"))
    if not warehouse.files("episodes"):
        place(Words("No episode has been played yet: run", command="di demo", after=", or materialise an arm."))
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
    st.html(html(counted(frame, live=True)))  # a separate piece, so that only the table below is replaced
    place(Rows(frame, COLUMNS) if frame.height else NoneLikeThat())
