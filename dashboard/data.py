"""Reads the warehouse for the pages, cached until a table changes."""

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import polars as pl
import streamlit as st

from dashboard.parts import Drawing
from dashboard.sections.compare import comparison_drawing
from dashboard.sections.view import code_of
from di_assets.report.compare import Comparison, Known, Side, compare, read_known
from di_assets.report.lineage.citations import Citation, citations
from di_assets.report.lineage.trace import Step, trace_model
from di_assets.report.progress.arms import (
    ArmProgress,
    Estimates,
    Lifts,
    ProgressError,
    call_statuses,
    journals_version,
    plans_version,
    read_estimates,
    read_lifts,
    read_progress,
)
from di_assets.report.published import all_episodes, choices, episodes_behind, read_figure, read_summary
from di_assets.report.reader.episode_index import read_index
from di_assets.report.reader.measured import Measured, read_measured
from di_assets.report.reader.replay import Replay, replay
from di_assets.report.reader.transcript import Transcript, read_transcript
from di_assets.tables import StorageError, Warehouse, open_warehouse

REFRESH_S = 3  # plus the time that a run of the page takes: within five seconds


def warehouse() -> Warehouse:
    """The folder or the object storage named by DI_WAREHOUSE, or ./warehouse."""
    return open_warehouse(os.environ.get("DI_WAREHOUSE") or "warehouse")


def configs() -> Path:
    """The folder named by DI_CONFIGS, or ./configs."""
    return Path(os.environ.get("DI_CONFIGS") or "configs").absolute()


def dagster_batch(batch: str) -> str:
    """The address of a batch in the Dagster UI: at DI_DAGSTER, or where `di ui` serves it."""
    where = (os.environ.get("DI_DAGSTER") or "http://127.0.0.1:3000").rstrip("/")
    return f"{where}/assets/episodes?view=partitions&partition={quote(batch, safe='')}"


@st.cache_data(max_entries=2, show_spinner=False)
def damage(root: str, version: str) -> list[str]:
    """One line for each file of the tables that is damaged."""
    del version
    return [f"{root}/{one}" for one in open_warehouse(root).damage()]


@st.cache_resource(max_entries=2, show_spinner=False)
def episode_index(root: str, version: str) -> pl.DataFrame:
    """The index of episodes. `version` changes when the table of episodes does."""
    del version
    return read_index(open_warehouse(root))


@st.cache_resource(max_entries=2, show_spinner=False)
def codes(root: str, version: str) -> dict[str, str]:
    """Code in the address of a blind judge -> the episode that it stands for."""
    return {code_of(episode): episode for episode in episode_index(root, version)["episode_id"]}


@st.cache_resource(max_entries=20, show_spinner=False)
def transcript(root: str, version: str, episode_id: str, batch: str) -> Transcript | None:
    """One episode of a batch."""
    del version
    return read_transcript(open_warehouse(root), episode_id, batch=batch)


@st.cache_resource(max_entries=20, show_spinner=False)
def measured(root: str, version: str, episode_id: str, batch: str) -> list[Measured]:
    """What the reader shows of the measures of one episode."""
    found = transcript(root, version, episode_id, batch)
    return [] if found is None else read_measured(open_warehouse(root), found)


@st.cache_resource(max_entries=20, show_spinner=False)
def played_again(root: str, version: str, folder: str, configured: str, episode_id: str, batch: str) -> Replay:
    """One episode played again from its replies. `configured` changes when the configuration does."""
    del configured
    found = transcript(root, version, episode_id, batch)
    return Replay() if found is None else replay(found, Path(folder))


@st.cache_data(max_entries=20, show_spinner=False)
def cited(root: str, version: str, episode_id: str, batch: str) -> list[Citation]:
    """Everything in the report that rests on an episode."""
    found = transcript(root, version, episode_id, batch)
    warehouse = open_warehouse(root)
    return [] if found is None else citations(warehouse, read_summary(warehouse), found.episode)


@st.cache_resource(max_entries=2, show_spinner=False)
def episodes(root: str, version: str) -> pl.DataFrame:
    """All stored episodes."""
    del version
    return all_episodes(open_warehouse(root))


@st.cache_data(max_entries=2, show_spinner=False)
def episode_choices(root: str, version: str, columns: tuple[str, ...]) -> dict[str, list[str]]:
    """By column, the values by which episodes can be chosen."""
    return choices(episodes(root, version), columns)


@st.cache_resource(max_entries=4, show_spinner=False)
def behind(root: str, version: str, scripted: bool) -> pl.DataFrame:
    """The episodes behind a question page."""
    del version
    return episodes_behind(open_warehouse(root), scripted=scripted)


@st.cache_resource(max_entries=4, show_spinner=False)
def summary(root: str, version: str) -> dict[str, Any] | None:
    """summary.json as published. Callers must not change it."""
    del version
    return read_summary(open_warehouse(root))


@st.cache_data(max_entries=30, show_spinner=False)
def rendering(root: str, version: str, name: str) -> str:
    """An SVG of the report by its file name; empty if it is not drawn yet."""
    del version
    return read_figure(open_warehouse(root), name)


@st.cache_resource(max_entries=20, show_spinner=False)
def walk(root: str, version: str, question: str, model: str) -> Step:
    """The trace from a model's claims to the calls behind them."""
    del version
    return trace_model(open_warehouse(root), question, model)


@st.cache_resource(max_entries=2, show_spinner=False)
def comparable(root: str, version: str) -> Known:
    """What can be compared."""
    del version
    return read_known(open_warehouse(root))


@st.cache_resource(max_entries=10, show_spinner=False)
def comparison(root: str, version: str, left: Side, right: Side) -> Comparison:
    """Two sides on their matched seeds."""
    del version
    return compare(open_warehouse(root), left, right)


@st.cache_resource(max_entries=10, show_spinner=False)
def comparison_figure(root: str, version: str, left: Side, right: Side) -> Drawing:
    """The figure of two sides."""
    return comparison_drawing(comparison(root, version, left, right))


def progress(warehouse: Warehouse, *, priced: bool) -> tuple[list[ArmProgress], str | None]:
    """The progress of the arms, with the cost of what is left or (faster) without; and an error, if there is one."""
    folder = configs()
    plans = plans_version(folder, warehouse)
    try:
        return _progress(str(warehouse), str(folder), plans, journals_version(warehouse), priced), None
    except ProgressError as problem:
        return [], str(problem)


@st.cache_resource(max_entries=4, show_spinner=False)
def _progress(root: str, folder: str, plans: str, journals: str, priced: bool) -> list[ArmProgress]:
    del journals
    estimates = _estimates(root, folder, plans) if priced else {}
    lifts = _lifts(root, folder, plans)
    return read_progress(Path(folder), open_warehouse(root), estimates=estimates, lifts=lifts)


# Cached separately: an estimate can take seconds, and does not change with every call.
@st.cache_resource(max_entries=4, show_spinner=False)
def _estimates(root: str, folder: str, plans: str) -> Estimates:
    del plans
    return read_estimates(Path(folder), open_warehouse(root))


@st.cache_resource(max_entries=4, show_spinner=False)
def _lifts(root: str, folder: str, plans: str) -> Lifts:
    del plans
    return read_lifts(Path(folder), open_warehouse(root))


@st.cache_resource(max_entries=4, show_spinner=False)
def calls(root: str, version: str) -> pl.DataFrame:
    """How calls ended."""
    del version
    return call_statuses(open_warehouse(root))


@st.fragment(run_every=REFRESH_S)
def refresh(page: str, *, journals: bool = False) -> None:
    """Runs the page again when its data have changed since it was drawn. What a person has typed stays.

    Args:
        page: the page that is shown.
        journals: the page also depends on episodes that are being played.
    """
    here = warehouse()
    try:
        now = (page, here.version(), journals_version(here) if journals else "")
    except StorageError:  # what is shown stays; the storage may be reachable at the next check
        return
    seen = st.session_state.get("shown")
    st.session_state["shown"] = now
    if seen is not None and seen[0] == page and seen != now:
        st.rerun()
