"""The Lineage page: from a model's number on a question page back to the calls behind it, as in `di trace`."""

import streamlit as st

from dashboard import data
from dashboard.parts import Title, Words
from dashboard.placing import place
from dashboard.sections.arms import Problem
from dashboard.sections.lineage import walk_of
from di_assets.report.lineage.citations import models_of
from di_assets.report.lineage.trace import TraceError
from di_assets.report.published import read_summary


def show() -> None:
    """Shows the choice of a model, and the trace from its claims to its calls."""
    warehouse = data.warehouse()
    place(Title("Lineage"))
    summary = read_summary(warehouse)
    known = {name: models_of(question) for name, question in summary["questions"].items()} if summary else {}
    questions = [name for name, models in known.items() if models]
    if not questions:
        todo = ", or materialise an arm and the report."
        place(Words("There is no number to trace back yet: run", command="di demo", after=todo))
        return
    with st.container(horizontal=True):
        question = st.selectbox("question", questions, key="question", bind="query-params")
        model = st.selectbox("model", known[question], key="model", bind="query-params")
    try:
        walked = data.walk(str(warehouse), warehouse.version(), question, model)
    except TraceError as problem:  # the report has been replaced in the meantime
        place(Problem(str(problem)))
        return
    place(*walk_of(walked))
