"""The Arms page: how far each arm has come, what it costs to finish, and how each model's calls ended."""

import streamlit as st

from dashboard import data
from dashboard.parts import Title
from dashboard.placing import html, place
from dashboard.sections.arms import arms_section, batches_shown, calls_section
from di_assets.report.progress.arms import ArmProgress


def show() -> None:
    """Shows what can be counted at once: arms, then how calls ended.

    Then shows what arms need, which can take seconds.
    """
    warehouse = data.warehouse()
    place(Title("Arms"))
    shown = st.empty()
    counted, problem = data.progress(warehouse, priced=False)
    shown.html(_arms(counted, problem, pending=True))
    place(calls_section(data.calls(str(warehouse), warehouse.version("calls"))))
    if problem is None:
        priced, problem = data.progress(warehouse, priced=True)
        shown.html(_arms(priced or counted, problem, pending=False))


def _arms(arms: list[ArmProgress], problem: str | None, *, pending: bool) -> str:
    where = {batch: data.dagster_batch(batch) for batch in batches_shown(arms)}
    return html(*arms_section(arms, problem, pending=pending, where=where))
