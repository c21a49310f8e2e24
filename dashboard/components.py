"""Two things that plain HTML can't do here: links inside the figure, and focus and keys on the reader page."""

import json
import re
from collections.abc import Sequence

import streamlit as st

from dashboard.parts import Drawing
from dashboard.sections.view import View, code_of
from dashboard.style import web
from di_assets.report.reader.episode_index import Place
from di_assets.report.reader.transcript import Event


def figure(of: Drawing) -> None:
    """Shows a figure in two renderings; its width decides which one is visible. Its links are real links."""
    show = st.components.v2.component(
        "di_figure", html="<div class='figure' role='group'></div>", css=web("figure.css"), js=web("figure.js")
    )
    wide, narrow = str(of.wide), str(of.narrow)
    st.html(f"<style>:root {{ --figure-wide: {_steepness(wide)}; --figure-narrow: {_steepness(narrow)}; }}</style>")
    with st.container(key="figure_room"):
        show(data={"wide": wide, "narrow": narrow, "alt": of.alt}, key="figure")


def _steepness(svg: str) -> float:
    """Height divided by width of a figure; 0 if there is none."""
    found = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg[:1000])
    return round(float(found[2]) / float(found[1]), 4) if found else 0.0


def reader_keys(view: View, shown: Sequence[Event], place: Place) -> None:
    """Scrolls to the marked event and focuses it. The keys j, k, J, K go through events, and n, p through episodes.

    Args:
        view: the view in the address.
        shown: the events that the keys go through.
        place: the episodes before and after.
    """
    show = st.components.v2.component("di_reader", html="<span data-di-keys></span>", js=web("reader_keys.js"))
    episodes = {"n": place.after, "p": place.before}
    data_for_keys = {
        "episode": code_of(view.episode_id),
        "event": view.marked,
        "order": [event.event_id for event in shown],
        "seats": [event.seat for event in shown],
        "episodes": {key: view.link(episode_id=to) for key, to in episodes.items() if to},
    }
    # As text: for a list, Streamlit would check whether it is a data frame, and import pandas to do so.
    show(data={"told": json.dumps(data_for_keys)}, key="di_keys", on_event_change=_go)


def _go() -> None:
    """Called when a key was pressed: sets the address to the key's event before the page runs again."""
    to = st.session_state["di_keys"].get("event")
    if isinstance(to, int):
        st.query_params["event"] = str(to)
