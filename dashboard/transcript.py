"""The reader: one episode, every event with an address of its own."""

from collections import Counter
from collections.abc import Sequence
from html import escape

import streamlit as st

from dashboard import data
from dashboard.components import reader_keys
from dashboard.reader_calls import as_json, calls_behind
from dashboard.reader_events import event_list, failure_of, lane_table, legend
from dashboard.reader_view import View, asked_view
from dashboard.style import page
from dashboard.untrusted import hidden, name_of, safe
from di_assets.report.lineage.citations import Citation
from di_assets.report.progress.arms import plans_version
from di_assets.report.reader.choosing import Around, around, chosen, part_of
from di_assets.report.reader.episode_index import Place, place_of
from di_assets.report.reader.replay import Replay, prompt_of
from di_assets.report.reader.seen import Seen, seen_by
from di_assets.report.reader.transcript import Event, Transcript

CHANNELS = {
    "focal_muted": "The focal seat may not write; the others may, and nobody is told.",
    "rivals_muted": "Only the focal seat may write; nobody is told.",
    "placebo": "What the focal seat writes arrives as filler of the same length; nobody is told.",
    "none": "Played without messages, and without a word of them.",
}
KEYS = (
    "<p class='keys'>Keys: <kbd>j</kbd> next event, <kbd>k</kbd> the one before; with <kbd>Shift</kbd>, of the same seat; "
    "<kbd>n</kbd> next episode, <kbd>p</kbd> the one before; <kbd>/</kbd> search</p>"
)


def show() -> None:
    """The episode named in the address, with the event named there marked, in view and focused."""
    warehouse = data.warehouse()
    root, version = str(warehouse), warehouse.version()
    asked = st.query_params.get("episode", "")
    place = place_of(data.shelf(root, warehouse.version("episodes")), asked)
    found = None if place is None else data.transcript(root, version, asked, place.batch)
    if place is None or found is None:
        _nothing(asked)
        return
    folder = data.configs()
    again = data.played_again(root, version, str(folder), plans_version(folder, warehouse), asked, place.batch)
    cited = data.cited(root, version, asked, place.batch)
    top = st.empty()
    view = asked_view(found)
    seen, passes = _seen(found, view, again)
    matching = chosen(found.events if seen is None else seen.events, view.wanted)
    shown = part_of(matching, view.marked)
    linked = None if view.marked is None else found.events[view.marked]
    beside = around(passes, view.marked)
    top.html(page(_top(found, view, place, beside, cited, again)))
    _list(found, shown, view, seen, again, cited, left_out=len(matching) - len(shown))
    reader_keys(view, passes, place)
    if linked is not None:
        _behind(found, linked, view, again)


def _seen(found: Transcript, view: View, again: Replay) -> tuple[Seen | None, Sequence[Event]]:
    """What the seat knew whose view is asked for, and the events that links and keys pass through.

    In a seat's view these go on beyond the linked moment, so that time can be walked through as the seat lived it.
    """
    if view.seat is None:
        return None, part_of(chosen(found.events, view.wanted), view.marked)
    seen, whole = (
        seen_by(found, view.seat, at=at, rules=again.rules, written=again.written) for at in (view.marked, None)
    )
    return seen, chosen(whole.events, view.wanted)


def _nothing(asked: str) -> None:
    text = (
        f"There is no episode <span class='text'>{safe(asked[:200])}</span> here."
        if asked
        else "No episode is named in the address."
    )
    st.html(page(f"<h2>Transcript</h2><p>{text} Choose one from <a href='episodes' target='_self'>Episodes</a>.</p>"))


def _top(found: Transcript, view: View, place: Place, beside: Around, cited: Sequence[Citation], again: Replay) -> str:
    episode = found.episode
    title = "An episode, judged blind" if view.blind else episode["episode_id"]
    label = "<p class='scripted'>played by scripted agents</p>" if episode["scripted"] else ""
    if not episode["scripted"] and any(seat["kind"] == "scripted" for seat in found.seats):
        label = "<p class='scripted'>scripted agents play among the models</p>"
    facts = (
        f"{episode['condition']} · seed {episode['seed']} · {episode['n_rounds']} rounds · {episode['n_calls']:,} calls"
    )
    facts += f" · {episode['n_forfeits']} forfeits · ${episode['cost_usd']:.4f}"
    channel = CHANNELS.get(episode["channel"], "")
    return (
        f"<h2 class='text'>{safe(title)}</h2>{label}{failure_of(episode)}<p class='provenance'>{safe(facts)}</p>"
        + (f"<p>{channel}</p>" if channel else "")
        + _doubts(found, again)
        + f"<nav aria-label='episodes and events' class='ways'>{_ways(view, place, beside)}</nav>{KEYS}"
        + (lane_table(found, view) if found.events and view.seat is None else "")
        + _cited(view, cited)
    )


def _doubts(found: Transcript, again: Replay) -> str:
    """A word where the stored events do not follow from the stored replies."""
    if again.problem is not None or again.changed or again.agrees or not found.events:
        return ""
    return "<p role='alert' class='alert'>The stored events do not follow from the stored replies: <code>di verify</code> says where.</p>"


def _ways(view: View, place: Place, beside: Around) -> str:
    ways = [
        (view.link(episode_id=place.before) if place.before else None, "← previous episode"),
        (view.link(beside.before) if beside.before is not None else None, "← previous event"),
        (view.link(beside.after) if beside.after is not None else None, "next event →"),
        (view.link(episode_id=place.after) if place.after else None, "next episode →"),
    ]
    return "".join(
        f"<a href='{where}' target='_self'>{word}</a>" if where else f"<span class='off'>{word}</span>"
        for where, word in ways
    )


def _cited(view: View, cited: Sequence[Citation]) -> str:
    if not cited:
        return ""
    if view.blind:
        return f"<p class='sub'>Cited {len(cited)} times; by what is hidden, for it names models.</p>"
    rows = "".join(f"<li>{_cited_event(view, one.event_id)}{safe(one.what)}</li>" for one in cited)
    return f"<details class='more'><summary>Cited by ({len(cited)})</summary><ul>{rows}</ul></details>"


def _cited_event(view: View, event: int | None) -> str:
    """A link to the cited event; nothing where the whole episode is cited."""
    return "" if event is None else f"<a href='{view.link(event)}' target='_self'>#{event}</a> "


def _list(
    found: Transcript,
    shown: Sequence[Event],
    view: View,
    seen: Seen | None,
    again: Replay,
    cited: Sequence[Citation],
    *,
    left_out: int,
) -> None:
    words = []
    if view.problem:
        words.append(f"<p role='alert' class='alert'>{safe(view.problem)}</p>")
    if seen is not None:
        words.append(_knew(found, seen, view))
    if view.marked is not None and all(event.event_id != view.marked for event in shown):
        words.append(_hides(found, view, seen))
    if left_out:
        words.append(
            f"<p role='alert' class='alert'>{left_out:,} events farther away are left out: choose a round.</p>"
        )
    citing: dict[int, list[str]] = {}
    for one in cited:
        if one.event_id is not None:
            citing.setdefault(one.event_id, []).append(one.what)
    events = event_list(found, shown, view, seen=seen, written=again.written, cited=citing)
    counts: Counter[str] = Counter()
    for event in shown:
        counts += hidden(event.text or "")
    st.html(page("".join(words) + events + legend(counts, {label: name_of(label) for label in counts})))


def _knew(found: Transcript, seen: Seen, view: View) -> str:
    """What a seat knew, in a few lines above the events it knew."""
    label = escape(found.labels[seen.seat])
    when = "by the end" if seen.at is None else f"when #{seen.at} came about"
    known = [event for event in seen.events if event.event_id != seen.at]
    messages = [event for event in known if event.kind == "message"]
    wrote = sum(event.seat == seen.seat for event in messages)
    told = f"It had written {wrote} messages, got {len(messages) - wrote} and learned of {len(known) - len(messages)} pulls."
    if seen.points is not None:
        points = sorted(zip(found.labels, seen.points, strict=True))
        told += f" Points as it knew them: {', '.join(f'{escape(name)} {score:g}' for name, score in points)}."
    told += f" {seen.later:,} events came to it later, {seen.never:,} never did."
    mute = "" if seen.may_write else " It may not write."
    unsure = f"<p role='note' class='alert'>Not sure: {escape(seen.word)}.</p>" if seen.word else ""
    out = f"<a href='{view.link(seen.at, view='')}' target='_self'>see everything</a>"
    return f"<p class='alert' role='note'><b>What {label} knew {when}.</b>{mute} {told} {out}</p>{unsure}"


def _hides(found: Transcript, view: View, seen: Seen | None) -> str:
    link = f"<a href='{view.link(view.marked, kind='', seat='', round='', view='', q='')}' target='_self'>show it</a>"
    if seen is not None and not seen.shows_it:
        return f"<p role='alert' class='alert'>{escape(found.labels[seen.seat])} never learns of the linked event #{view.marked}; {link}.</p>"
    return f"<p role='alert' class='alert'>A filter hides the linked event #{view.marked}; {link}.</p>"


def _behind(found: Transcript, linked: Event, view: View, again: Replay) -> None:
    """The linked event's calls, and what its seat knew."""
    label = escape(found.labels[linked.seat])
    knew = f"<a href='{view.link(linked.event_id, view=found.labels[linked.seat])}' target='_self'>what {label} knew when it was asked</a>"
    other = ""
    if linked.kind == "message" and linked.other is not None:
        to = found.labels[linked.other]
        other = f" · <a href='{view.link(linked.event_id, view=to)}' target='_self'>what {escape(to)} knew</a>"
    before = found.scores.get(linked.round - 1, (0,) * len(found.labels))
    score = ", ".join(f"{escape(name)} {points:g}" for name, points in sorted(zip(found.labels, before, strict=True)))
    told = f"<p class='sub'>Points when round {linked.round} began: {score}</p>" if view.seat is None else ""
    head = f"<h3 class='small'>Behind #{linked.event_id}</h3>{told}<p>{knew}{other}</p>"
    if view.blind or view.seat is not None:
        why = "they name the model" if view.blind else "no seat sees them"
        st.html(page(f"{head}<p class='sub'>Its calls are hidden: {why}.</p>"))
        return
    prompts = [prompt_of(again, call) for call in linked.calls]
    st.html(page(head + calls_behind(linked.calls, prompts, again)))
    if linked.calls:
        name = f"event-{linked.event_id}-calls.json"
        st.download_button("calls as JSON", as_json(linked.calls, prompts), name, "application/json", on_click="ignore")
