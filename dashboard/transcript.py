"""The reader page: one episode; every event has an address of its own."""

from collections.abc import Sequence

import streamlit as st

from dashboard import data
from dashboard.components import reader_keys
from dashboard.placing import html, place
from dashboard.reader_view import asked_view
from dashboard.render import Section
from dashboard.sections.calls import as_json, behind, calls_behind
from dashboard.sections.events import Beyond, event_section, lane_section
from dashboard.sections.measured import measured_section
from dashboard.sections.reader import (
    Alert,
    CitedBy,
    NoEpisode,
    Ways,
    citing,
    doubtful,
    hides,
    knew,
    legend,
    reader_top,
    ways,
)
from dashboard.sections.view import View, code_of
from di_assets.report.lineage.citations import Citation
from di_assets.report.progress.arms import plans_version
from di_assets.report.reader.choosing import Around, around, chosen, part_of
from di_assets.report.reader.episode_index import Place, place_of
from di_assets.report.reader.replay import Replay, prompt_of
from di_assets.report.reader.seen import Seen, seen_by
from di_assets.report.reader.transcript import Event, Transcript


def show() -> None:
    """Shows the episode in the address. The event in the address is marked, scrolled to and focused."""
    warehouse = data.warehouse()
    root, version = str(warehouse), warehouse.version()
    named = st.query_params.get("episode", "")
    shelved = warehouse.version("episodes")
    asked = data.codes(root, shelved).get(named, named)
    at = place_of(data.episode_index(root, shelved), asked)
    found = None if at is None else data.transcript(root, version, asked, at.batch)
    if at is None or found is None:
        place(NoEpisode("Transcript", named[:200]))
        return
    folder = data.configs()
    again = data.played_again(root, version, str(folder), plans_version(folder, warehouse), asked, at.batch)
    cited = data.cited(root, version, asked, at.batch)
    top = st.empty()
    view = asked_view(found)
    _name_in_address(view)
    seen, passes = _seen(found, view, again)
    matching = chosen(found.events if seen is None else seen.events, view.wanted)
    shown = part_of(matching, view.marked)
    linked = None if view.marked is None else found.events[view.marked]
    top.html(html(*_top(found, view, at, around(passes, view.marked), cited, again)))
    beyond = Beyond(seen=seen, written=again.written, cited=citing(cited))
    place(*_list(found, shown, view, beyond, left_out=len(matching) - len(shown)))
    reader_keys(view, passes, at)
    if linked is not None:
        _behind(found, linked, view, again)
    if view.seat is None:  # no seat is told what was measured
        place(*measured_section(data.measured(root, version, asked, at.batch), blind=view.blind))


def _name_in_address(view: View) -> None:
    """In blind mode, replaces the episode's id in the address by a code, because the id names the model."""
    name = code_of(view.episode_id) if view.blind else view.episode_id
    if st.query_params.get("episode") != name:
        st.query_params["episode"] = name


def _seen(found: Transcript, view: View, again: Replay) -> tuple[Seen | None, Sequence[Event]]:
    """What the seat knew, in a seat's view, and the events that links and keys go through.

    In a seat's view these go on after the linked moment, so that a person can follow the game as the seat lived it.
    """
    if view.seat is None:
        return None, part_of(chosen(found.events, view.wanted), view.marked)
    seen, whole = (
        seen_by(found, view.seat, at=at, rules=again.rules, written=again.written) for at in (view.marked, None)
    )
    return seen, chosen(whole.events, view.wanted)


def _top(
    found: Transcript, view: View, at: Place, beside: Around, cited: Sequence[Citation], again: Replay
) -> list[Section]:
    onward = ways(
        ("← previous episode", view.link(episode_id=at.before) if at.before else None),
        ("← previous event", view.link(beside.before) if beside.before is not None else None),
        ("next event →", view.link(beside.after) if beside.after is not None else None),
        ("next episode →", view.link(episode_id=at.after) if at.after else None),
    )
    return [
        reader_top(found, view, doubtful=doubtful(found, again)),
        Ways("episodes and events", onward),
        *([lane_section(found, view)] if found.events and view.seat is None else []),
        CitedBy(view, cited),
    ]


def _list(found: Transcript, shown: Sequence[Event], view: View, beyond: Beyond, *, left_out: int) -> list[Section]:
    """The events, with remarks above and the meaning of their chips below."""
    words: list[Section] = []
    if view.problem:
        words.append(Alert(view.problem))
    if beyond.seen is not None:
        words.append(knew(found, beyond.seen, view))
    if view.marked is not None and all(event.event_id != view.marked for event in shown):
        words.append(hides(found, view, beyond.seen))
    if left_out:
        words.append(Alert(f"{left_out:,} events farther away are left out: choose a round."))
    return [*words, event_section(found, shown, view, beyond), legend(shown)]


def _behind(found: Transcript, linked: Event, view: View, again: Replay) -> None:
    """Shows the linked event's calls, and what its seats knew."""
    top = behind(found, linked, view)
    if top.hidden:
        place(top)
        return
    prompts = [prompt_of(again, call) for call in linked.calls]
    place(top, calls_behind(linked.calls, prompts, again))
    if linked.calls:
        name = f"event-{linked.event_id}-calls.json"
        st.download_button("calls as JSON", as_json(linked.calls, prompts), name, "application/json", on_click="ignore")
