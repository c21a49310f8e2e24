"""Compare: two arms or two models on the seeds that both have played, down to two transcripts side by side."""

from collections.abc import Sequence
from html import escape
from urllib.parse import quote

import streamlit as st

from dashboard import data
from dashboard.components import figure
from dashboard.reader_events import LANES, listed_text, pull_words
from dashboard.style import page
from dashboard.tables import ROWS, boxed
from dashboard.untrusted import reader_link, safe
from di_assets.report.compare import Comparison, RoundOfTwo, Side, about_two, caption, facts_of, rounds_of_two, sentence
from di_assets.report.published import measure_of
from di_assets.report.reader.choosing import MOST_SHOWN
from di_assets.report.reader.episode_index import place_of
from di_assets.report.reader.transcript import Event, Transcript

EVERY, ALL = "every model", "all"
PAIRS = {"seed": True, "left": False, "right": False, "points, left": True, "points, right": True, "gap": True,
         "capture, left": True, "capture, right": True, "pair": False}  # fmt: skip
NAMES = ("left", "right")
SCRIPTED = "<p class='scripted'>played by scripted agents</p>"


def show() -> None:
    """The pair of episodes that the address names, else the two sides that are chosen."""
    asked = [st.query_params.get(name, "") for name in NAMES]
    if all(asked):
        _show_pair(*asked)
    else:
        _show_sides()


def _show_sides() -> None:
    warehouse = data.warehouse()
    root, version = str(warehouse), warehouse.version()
    st.html(page("<h2>Compare</h2>"))
    known = data.comparable(root, version)
    if not known.models:
        st.html(page("<p>Nothing can be compared yet: run <code>di demo</code>, or materialise an arm and the report.</p>"))  # fmt: skip
        return
    arms = list(known.models)
    first = known.shared[0] if known.shared else (arms[0], arms[-1])
    sides = []
    for name, arm in zip(NAMES, first, strict=True):
        with st.container(horizontal=True):
            of = st.selectbox(f"{name}: arm", arms, arms.index(arm), key=f"{name}_arm", bind="query-params")
            models = [EVERY, *known.models[of]]
            model = st.selectbox(f"{name}: model", models, key=f"{name}_model", bind="query-params")
        sides.append(Side(of, None if model == EVERY else model))
    found = data.comparison(root, version, *sides)
    st.html(page(above_figure(found)))
    if found.gap is None:
        return
    drawing = data.comparison_figure(root, version, *sides)
    figure(drawing.wide, drawing.narrow, sentence(found))
    st.html(page(f"<p class='caption'>{safe(caption(found))}</p><h3>Matched pairs</h3>"))
    pages = -(-found.pairs.height // ROWS)
    at = st.pagination(pages, key="page", bind="query-params") if pages > 1 else 1
    st.html(page(pairs_of(found, (at - 1) * ROWS, ROWS)))


def above_figure(found: Comparison) -> str:
    """What the comparison says, with all that differs beside what was chosen."""
    label = SCRIPTED if found.scripted else ""
    if found.gap is None:
        return f"<p role='status'>{safe(sentence(found))}</p>"
    told = (
        f"The sides differ in {'; '.join(found.differences)}."
        if found.differences
        else "Channel, graph, seats, letters and rivals are the same on both sides."
    )
    return f"{label}<p class='headline' role='status'>{safe(sentence(found))}</p><p class='sub'>{safe(told)}</p>"


def pairs_of(found: Comparison, first: int, n: int, *, linked: bool = True) -> str:
    """A table of matched pairs; each leads to its two transcripts, and (`linked`) to both side by side.

    Args:
        found: the comparison.
        first: row to begin with.
        n: rows.
        linked: there is a page for two transcripts.
    """
    rows = [
        (
            str(row["seed"]),
            *(_episode(row[f"episode_id_{side}"], row[f"focal_model_{side}"]) for side in NAMES),
            *(measure_of(row[f"focal_points_{side}"]) for side in NAMES),
            f"{row['gap']:+g}" if row["gap"] else "0",
            *(measure_of(row[f"focal_capture_{side}"]) for side in NAMES),
            _side_by_side(row["episode_id_left"], row["episode_id_right"]),
        )
        for row in found.pairs.slice(first, n).iter_rows(named=True)
    ]
    columns = PAIRS if linked else {name: number for name, number in PAIRS.items() if name != "pair"}
    label = f"matched pairs: {found.left.name}, {found.right.name}"
    return boxed(columns, [row[: len(columns)] for row in rows], label=label)


def _episode(episode_id: str, model: str) -> str:
    return f"<a href='{reader_link(episode_id)}' target='_self'>{safe(episode_id)}</a><small>{safe(model)}</small>"


def _side_by_side(left: str, right: str) -> str:
    told = f"{escape(left)} beside {escape(right)}"
    return f"<a href='{_pair_link(left, right)}' target='_self' aria-label='side by side: {told}'>side&nbsp;by&nbsp;side</a>"


def _pair_link(left: str, right: str, number: int | None = None) -> str:
    of = "" if number is None else f"&amp;round={number}"
    return f"compare?left={quote(left, safe='')}&amp;right={quote(right, safe='')}{of}"


def _show_pair(left: str, right: str) -> None:
    warehouse = data.warehouse()
    root, version = str(warehouse), warehouse.version()
    shelf = data.shelf(root, warehouse.version("episodes"))
    found: list[Transcript] = []
    for asked in (left, right):
        place = place_of(shelf, asked)
        one = None if place is None else data.transcript(root, version, asked, place.batch)
        if one is None:
            words = f"There is no episode <span class='text'>{safe(asked[:200])}</span> here."
            st.html(page(f"<h2>Compare</h2><p>{words} <a href='compare' target='_self'>Choose two sides</a>.</p>"))
            return
        found.append(one)
    rounds = rounds_of_two(found[0], found[1])
    st.html(page(_above_pair(found, rounds)))
    numbers = [ALL, *(str(one.number) for one in rounds)]
    number = st.selectbox("round", numbers, key="round", bind="query-params", width=120)
    st.html(page(_pair(found, [one for one in rounds if number in {ALL, str(one.number)}])))


def _above_pair(found: Sequence[Transcript], rounds: Sequence[RoundOfTwo]) -> str:
    one, other = found
    apart = [each.number for each in rounds if each.pulls_differ]
    told = f"Pulls differ in {len(apart)} of {len(rounds)} rounds"
    if apart:
        to = _pair_link(one.episode["episode_id"], other.episode["episode_id"], apart[0])
        told += f", first in <a href='{to}' target='_self'>round {apart[0]}</a>"
    sides = "".join(f"<div class='side'>{_side(side)}</div>" for side in found)
    arms = (f"{name}_arm={quote(side.episode['arm'], safe='')}" for name, side in zip(NAMES, found, strict=True))
    back = f"compare?{'&amp;'.join(arms)}"
    return (
        f"<h2>Two episodes</h2><p>{safe(about_two(one, other))} {told}.</p><div class='two'>{sides}</div>"
        f"<nav class='ways' aria-label='comparison'><a href='{back}' target='_self'>← their arms on all matched seeds</a></nav>"
    )


def _side(found: Transcript) -> str:
    episode, facts = found.episode, facts_of(found)
    focal = "" if facts["focal"] is None else f" · focal {escape(facts['focal'])}: {safe(facts['model'])}"
    focal += "" if facts["points"] is None else f", {facts['points']:g} points"
    label = "<p class='scripted'>scripted agents play</p>" if facts["scripted"] else ""
    return (
        f"<h3 class='small text'><a href='{reader_link(episode['episode_id'])}' target='_self'>{safe(episode['episode_id'])}</a></h3>{label}"
        f"<p class='sub'>{safe(episode['condition'])} · seed {episode['seed']}{focal}</p>"
    )


def _pair(found: Sequence[Transcript], rounds: Sequence[RoundOfTwo]) -> str:
    """Rounds until so many events are shown that a page can still hold."""
    parts: list[str] = []
    n = 0
    for one in rounds:
        n += sum(map(len, one.events))
        if parts and n > 2 * MOST_SHOWN:
            parts.append("<p role='alert' class='alert'>Later rounds are left out: choose one.</p>")
            break
        parts.append(_round(found, one))
    return "".join(parts) or "<p>Neither has played a round yet.</p>"


def _round(found: Sequence[Transcript], one: RoundOfTwo) -> str:
    apart = (
        f" <span class='apart'>other pulls by {', '.join(map(escape, one.pulls_differ))}</span>"
        if one.pulls_differ
        else ""
    )
    sides = "".join(
        f"<div class='side'>{''.join(_event(side, event) for event in events) or '<p class=sub>Not played.</p>'}{_score(score)}</div>"
        for side, events, score in zip(found, one.events, one.scores, strict=True)
    )
    return f"<details class='round' open><summary><h3>Round {one.number}</h3>{apart}</summary><div class='two'>{sides}</div></details>"


def _event(found: Transcript, event: Event) -> str:
    label = found.labels[event.seat]
    other = "—" if event.other is None else found.labels[event.other]
    body = escape(pull_words(event, other)) if event.text is None else listed_text(event.text, whole=False)
    link = reader_link(found.episode["episode_id"], event.event_id)
    return (
        f"<div class='ev lane{event.seat % LANES}'><span class='id'><a href='{link}' target='_self' aria-label='#{event.event_id} of "
        f"{escape(found.episode['episode_id'])}'>#{event.event_id}</a></span> <b>{escape(label)}</b> → {escape(other)}"
        f"<div class='text' dir='auto'>{body}</div></div>"
    )


def _score(score: object) -> str:
    if not isinstance(score, dict):
        return ""
    return f"<p class='score'>{', '.join(f'{escape(name)} {points:g}' for name, points in score.items())}</p>"
