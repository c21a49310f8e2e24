"""The pages of the dashboard, and what they share. They read tables and the report, and compute nothing."""

import sys
from functools import partial
from pathlib import Path

import streamlit as st

# Streamlit puts this folder on the path, but not its parent, which holds the package.
sys.path.insert(0, str(Path(__file__).parent.parent))

from dashboard import arms, compare, damaged, data, episodes, lineage, question, transcript
from dashboard.sections.question import QUESTIONS

PAGES = (
    *(
        st.Page(question.page_of(spec), title=spec.title, url_path=spec.name, default=spec.name == "q1")
        for spec in QUESTIONS
    ),
    st.Page(transcript.show, title="Transcript", url_path="transcript"),
    st.Page(episodes.show, title="Episodes", url_path="episodes"),
    st.Page(arms.show, title="Arms", url_path="arms"),
    st.Page(compare.show, title="Compare", url_path="compare"),
    st.Page(lineage.show, title="Lineage", url_path="lineage"),
)

st.set_page_config(page_title="Delegated Influence", layout="centered")
chosen = st.navigation(list(PAGES), position="top")
damaged.shown(damaged.notices)
damaged.shown(chosen.run)
damaged.shown(partial(data.refresh, chosen.url_path, journals=chosen.url_path == "arms"))
