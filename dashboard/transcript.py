"""The reader: one episode, every event with an address of its own."""

import re
from collections.abc import Sequence
from html import escape
from typing import Any

import streamlit as st

from dashboard import data
from dashboard.components import bring_into_view
from dashboard.style import page
from dashboard.untrusted import reader_link, safe
from di_assets.report.cited import citations
from di_assets.report.reading import neighbours, read_summary
from di_assets.report.transcript import Event, Transcript, visible_to

LANES = 6
EVERYONE = "everyone"


def show() -> None:
    """The episode named in the address, with the event named there marked, in view and focused."""
    warehouse = data.warehouse()
    asked = st.query_params.get("episode", "")
    found = data.transcript(str(warehouse), warehouse.version(), asked) if asked else None
    if found is None:
        _nothing(asked)
        return
    marked, problem = _marked(found)
    _top(found, marked)
    if problem:
        st.html(page(f"<p role='alert'>{escape(problem)}</p>"))
    blind, shown = _filters(found, marked)
    st.html(page(_events(found, shown, marked, blind=blind)))
    if marked is not None:
        bring_into_view(marked)
        _behind(found, marked)


def _nothing(asked: str) -> None:
    text = (
        f"There is no episode <span class='text'>{safe(asked[:200])}</span> here."
        if asked
        else "No episode is named in the address."
    )
    st.html(page(f"<h2>Transcript</h2><p>{text} Choose one from <a href='episodes' target='_self'>Episodes</a>.</p>"))


def _marked(found: Transcript) -> tuple[int | None, str | None]:
    """The event in the address, and what is wrong with it."""
    asked = st.query_params.get("event")
    if asked is None:
        return None, None
    if re.fullmatch(r"[0-9]{1,9}", asked) and int(asked) < len(found.events):
        return int(asked), None
    return None, f"This episode has no event {asked[:40]!r}; its events run from 0 to {len(found.events) - 1}."


def _top(found: Transcript, marked: int | None) -> None:
    episode = found.episode
    warehouse = data.warehouse()
    before, after = neighbours(warehouse, episode["episode_id"])
    links = [
        f"<a href='{reader_link(key)}' target='_self'>{word}</a>"
        for key, word in ((before, "← previous episode"), (after, "next episode →"))
        if key
    ]
    if marked is not None:
        around = ((marked - 1, "← previous event"), (marked + 1, "next event →"))
        links += [
            f"<a href='{reader_link(episode['episode_id'], event)}' target='_self'>{word}</a>"
            for event, word in around
            if 0 <= event < len(found.events)
        ]
    label = "<p class='scripted'>played by scripted agents</p>" if episode["scripted"] else ""
    failed = (
        f"<p role='alert'>{escape(episode['status'])}: {safe(episode['failure'] or '')}</p>"
        if episode["status"] != "complete"
        else ""
    )
    facts = f"{episode['condition']} · seed {episode['seed']} · {episode['n_rounds']} rounds · {episode['n_calls']} calls · {episode['n_forfeits']} forfeits · ${episode['cost_usd']:.4f}"
    cited = "".join(
        f"<li>{_cited_event(episode['episode_id'], one.event_id)}{escape(one.what)}</li>"
        for one in citations(warehouse, read_summary(warehouse), episode)
    )
    st.html(
        page(
            f"<h2>{escape(episode['episode_id'])}</h2>{label}{failed}<p class='provenance'>{escape(facts)}</p>"
            f"<p>{' · '.join(links)}</p>" + (f"<p class='sub'>Cited by</p><ul>{cited}</ul>" if cited else "")
        )
    )


def _cited_event(episode_id: str, event: int | None) -> str:
    """A link to the cited event; nothing where the whole episode is cited."""
    return "" if event is None else f"<a href='{reader_link(episode_id, event)}' target='_self'>#{event}</a> "


def _filters(found: Transcript, marked: int | None) -> tuple[bool, Sequence[Event]]:
    """What is shown of the events; a word where a filter hides the marked one."""
    labels = [seat["label"] for seat in found.seats]
    with st.container(horizontal=True):
        blind = st.toggle("judge blind", key="blind", bind="query-params", help="Hide which model plays which letter.")
        kind = st.selectbox("kind", ["all", "message", "pull"], key="kind", bind="query-params")
        view = st.selectbox("as seen by", [EVERYONE, *sorted(labels)], key="view", bind="query-params")
        words = st.text_input("search", key="q", bind="query-params")
    shown = list(found.events)
    if view != EVERYONE:
        shown = visible_to(shown, labels.index(view))
    shown = [e for e in shown if kind in {"all", e.kind} and words.casefold() in (e.text or "").casefold()]
    if marked is not None and all(e.event_id != marked for e in shown):
        st.html(page(f"<p role='alert'>A filter hides the linked event #{marked}.</p>"))
    return blind, shown


def _events(found: Transcript, shown: Sequence[Event], marked: int | None, *, blind: bool) -> str:
    parts, last = [], 0
    for event in shown:
        if event.round != last:
            parts.append(_score(found, last) + f"<h3 class='small'>Round {event.round}</h3>")
            last = event.round
        parts.append(_event(found, event, on=event.event_id == marked, blind=blind))
    return "".join(parts) + _score(found, last) if parts else "<p>No event matches.</p>"


def _score(found: Transcript, number: int) -> str:
    if number not in found.scores:
        return ""
    points = sorted((seat["label"], score) for seat, score in zip(found.seats, found.scores[number], strict=True))
    return (
        f"<p class='score'>Points after round {number}: {', '.join(f'{label} {score}' for label, score in points)}</p>"
    )


def _event(found: Transcript, event: Event, *, on: bool, blind: bool) -> str:
    seat = found.seats[event.seat]
    other = "—" if event.other is None else found.seats[event.other]["label"]
    here = reader_link(found.episode["episode_id"], event.event_id)
    body = safe(event.text) if event.text is not None else _pull_words(event, other)
    notes = [
        *event.labels,
        *([event.pull_kind] if event.pull_kind else []),
        *([event.status] if event.status == "cut" else []),
    ]
    model = (
        "" if blind else f"<small>{escape(seat['model'])}{' (scripted)' if seat['kind'] == 'scripted' else ''}</small>"
    )
    state = " on' aria-current='true' tabindex='-1" if on else ""
    return (
        f"<div class='ev lane{event.seat % LANES}{state}'><span class='id'><a href='{here}' target='_self'>#{event.event_id}</a> r{event.round}</span>"
        f"<span class='who'><b>{escape(seat['label'])}</b> → {escape(other)}{model}</span>"
        f"<div class='say'><div class='text' dir='auto'>{body}</div>"
        + (f"<span class='note'>{escape(' · '.join(notes))}</span>" if notes else "")
        + "</div></div>"
    )


def _pull_words(event: Event, other: str) -> str:
    return {"valid": f"pulls for {escape(other)} (+1)", "kept": "keeps the pull", "forfeit": "forfeits the pull"}[
        event.status
    ]


def _behind(found: Transcript, marked: int) -> None:
    """The raw calls behind the marked event: attempts, replies, status, tokens, cost, latency."""
    event = found.events[marked]
    st.html(page(f"<h3 class='small'>Calls behind #{marked}</h3>"))
    for call in event.calls:
        with st.expander(
            f"attempt {call['attempt']} · {call['status']} · {call['provider']}", expanded=len(event.calls) == 1
        ):
            st.html(page(_call(call)))


def _call(call: dict[str, Any]) -> str:
    names = (
        "error",
        "input_tokens",
        "cached_tokens",
        "output_tokens",
        "cost_usd",
        "latency_s",
        "started_at",
        "request_hash",
    )
    rows = "".join(
        f"<tr><th scope='row'>{name}</th><td class='text'>{'—' if call[name] is None else safe(str(call[name]))}</td></tr>"
        for name in names
    )
    reasoning = (
        f"<p class='sub'>reasoning</p><p class='text' dir='auto'>{safe(call['reasoning_text'])}</p>"
        if call["reasoning_text"]
        else ""
    )
    return f"<p class='text' dir='auto'>{safe(call['reply_text']) or '<em>no text</em>'}</p>{reasoning}<table><tbody>{rows}</tbody></table>"
