"""Lineage: from a model's number on a question page back to the calls behind it, as `di trace` walks it."""

from collections.abc import Mapping
from typing import Any

import streamlit as st

from dashboard import data
from dashboard.style import page
from dashboard.tables import boxed
from dashboard.untrusted import reader_link, safe
from di_assets.report.lineage.citations import models_of
from di_assets.report.lineage.steps import line_of, short
from di_assets.report.lineage.trace import Step, TraceError
from di_assets.report.published import read_summary, text_of

SHOWN = 50
EPISODES = {"episode": False, "event": False, "calls of the event": True, "request of its last": False, "US dollars": True,
            "journal": False}  # fmt: skip
LABEL = " <span class='scripted'>scripted</span>"


def show() -> None:
    """The model that is picked, and the walk from its claims to its calls."""
    warehouse = data.warehouse()
    st.html(page("<h2>Lineage</h2>"))
    summary = read_summary(warehouse)
    known = {name: models_of(question) for name, question in summary["questions"].items()} if summary else {}
    questions = [name for name, models in known.items() if models]
    if not questions:
        st.html(page("<p>There is no number to walk back from yet: run <code>di demo</code>, or materialise an arm and the report.</p>"))  # fmt: skip
        return
    with st.container(horizontal=True):
        question = st.selectbox("question", questions, key="question", bind="query-params")
        model = st.selectbox("model", known[question], key="model", bind="query-params")
    try:
        walked = data.walk(str(warehouse), warehouse.version(), question, model)
    except TraceError as problem:  # the report was replaced meanwhile
        st.html(page(f"<p role='alert' class='text'>{safe(str(problem))}</p>"))
        return
    st.html(page(walk_of(walked)))


def walk_of(walked: Step) -> str:
    """A walk as HTML: what it was made of, each claim with its rows, each set of episodes."""
    return _top(walked) + "".join(_step(step) for step in walked.steps)


def _top(walked: Step) -> str:
    facts = walked.facts
    stale = f"<p role='alert'>{safe(facts['stale'])}</p>" if facts["stale"] else ""
    label = "<p class='scripted'>played by scripted agents</p>" if facts["scripted"] else ""
    line = f"commit {facts['commit']} · generated {facts['generated']} · rules {facts['rules_version']}"
    line += f" · episode set {short(facts['episode_set'])}"
    listed = f"<p class='caption'>Listed are {safe(facts['listed'])}.</p>" if facts["listed"] else ""
    return f"{label}{stale}<p class='provenance'>{safe(line)}</p>{listed}"


def _step(step: Step) -> str:
    return _claim(step) if step.kind == "claim" else _side(step)


def _claim(claim: Step) -> str:
    rows = "".join(f"<li>{safe(line_of(row))}</li>" for row in claim.steps)
    return (
        f"<h3 class='small'>{safe(claim.name)}</h3><p>{safe(claim.facts['status'])}: {safe(claim.facts['sentence'])}</p>"
        + (f"<ul>{rows}</ul>" if rows else "<p class='caption'>No row stands behind it.</p>")
    )


def _side(side: Step) -> str:
    """One set of episodes: its versions, and a row each of the first ones."""
    more = len(side.steps) - SHOWN
    rest = (
        f"<p class='caption'>{more:,} more episodes: <code>di trace --json</code> prints all.</p>" if more > 0 else ""
    )
    name = safe(side.name) + (LABEL if side.facts["scripted"] else "")
    table = boxed(EPISODES, [_episode(step) for step in side.steps[:SHOWN]], label=f"episodes, {side.name}")
    return f"<h3 class='small'>{name}</h3><p class='caption text'>{safe(line_of(side))}</p>{table}{rest}"


def _episode(step: Step) -> tuple[str, ...]:
    event = step.steps[0] if step.steps else None
    calls: tuple[Step, ...] = event.steps if event else ()
    link = reader_link(step.name)
    return (
        f"<a href='{link}' target='_self'>{safe(step.name)}</a>",
        "—" if event is None else _event_link(step.name, event.facts),
        f"{len(calls):,}",
        f"<code>{safe(short(calls[-1].facts['request_hash']))}</code>" if calls else "—",
        safe(text_of(step.facts["cost_usd"])),
        f"<code>{safe(short(step.facts['journal_sha256']))}</code>",
    )


def _event_link(episode_id: str, facts: Mapping[str, Any]) -> str:
    text = f"#{facts['event_id']}, round {facts['round']}, {facts['kind']}"
    return f"<a href='{reader_link(episode_id, facts['event_id'])}' target='_self'>{safe(text)}</a>"
