"""Reads the address of the reader page: the event, and what to show of the episode."""

import re

import streamlit as st

from dashboard.sections.view import View
from di_assets.report.reader.choosing import Wanted
from di_assets.report.reader.transcript import Transcript
from di_assets.tables.words import MESSAGE, PULL

ALL, EVERYONE = "all", "everyone"


def asked_event(found: Transcript) -> tuple[int | None, str | None]:
    """The event in the address, and what is wrong with it, if anything."""
    asked = st.query_params.get("event")
    if asked is None:
        return None, None
    if re.fullmatch(r"[0-9]{1,9}", asked) and int(asked) < len(found.events):
        return int(asked), None
    if not found.events:
        return None, "This episode has no event yet: events are stored when it is complete."
    return None, f"This episode has no event {asked[:40]!r}; its events run from 0 to {len(found.events) - 1}."


def asked_view(found: Transcript) -> View:
    """The view in the address. Draws the controls, which are bound to the address."""
    marked, problem = asked_event(found)
    labels = found.labels
    letters = sorted(labels)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = st.selectbox("kind", [ALL, MESSAGE, PULL], key="kind", bind="query-params", width=120)
        seat = st.selectbox("by or to", [ALL, *letters], key="seat", bind="query-params", width=90)
        number = st.selectbox("round", [ALL, *map(str, found.rounds)], key="round", bind="query-params", width=90)
        view = st.selectbox("as seen by", [EVERYONE, *letters], key="view", bind="query-params", width=130)
        words = st.text_input("search", key="q", bind="query-params", max_chars=200, width=190)
    with st.container(horizontal=True):
        blind = st.toggle("judge blind", key="blind", bind="query-params")
        fold = st.toggle("fold rounds", key="fold", bind="query-params")
    return View(
        episode_id=found.episode["episode_id"],
        marked=marked,
        problem=problem,
        blind=blind,
        fold=fold,
        wanted=Wanted(
            kind=None if kind == ALL else kind,
            seat=None if seat == ALL else labels.index(seat),
            round=None if number == ALL else int(number),
            words=words,
        ),
        seat=None if view == EVERYONE else labels.index(view),
        filters={
            "kind": "" if kind == ALL else kind,
            "seat": "" if seat == ALL else seat,
            "round": "" if number == ALL else number,
            "view": "" if view == EVERYONE else view,
            "q": words,
            "blind": "true" if blind else "",
            "fold": "true" if fold else "",
        },
    )
