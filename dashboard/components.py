"""The two things plain HTML can't do here: links inside the figure, and the reader's focus and keys."""

import json
import re
from collections.abc import Sequence
from html import unescape

import streamlit as st

from dashboard.reader_view import View
from di_assets.report.reader.episode_index import Place
from di_assets.report.reader.transcript import Event

_FIGURE_CSS = """
.figure { container-type: inline-size; }
.figure svg { display: block; width: 100%; height: auto; max-width: 100%; }
.figure .narrow { display: none; }
@container (max-width: 520px) { .figure .wide { display: none; } .figure .narrow { display: block; } }
.figure a:focus-visible { outline: none; }
.figure a:is(:focus-visible, :hover) :is(path, line) { stroke-width: 4; }
"""
# The SVG is the report's own, its names escaped; nothing else may be passed here.
_FIGURE_JS = """
export default function ({ data, parentElement }) {
  const root = parentElement.querySelector('.figure');
  root.innerHTML = `<div class="wide">${data.wide}</div><div class="narrow">${data.narrow}</div>`;
  root.setAttribute('aria-label', data.alt);
}
"""
# Brings the linked event into view once for each address, so that a run that a filter caused takes no focus from it.
# Keys may come faster than runs end: each goes on from where the last one led, whether or not that is drawn yet.
# Streamlit calls this anew with new data before it cleans up after the last call: one listener is kept, in `memory`.
_READER_JS = """
export default function ({ data: { told }, setTriggerValue }) {
  const data = JSON.parse(told);
  const memory = (window.diReader ??= { shown: null, to: null, pressed: null, timer: null });
  const forget = () => { clearInterval(memory.timer); document.removeEventListener('keydown', memory.pressed); };
  forget();
  const address = `${data.episode}#${data.event}`;
  const bring = () => {
    const event = document.querySelector('.ev.on');
    if (!event || !event.querySelector('.id').textContent.startsWith(`#${data.event} `)) return;
    event.scrollIntoView({ block: 'center' });
    event.focus({ preventScroll: true });
    if (document.activeElement === event) memory.shown = address;
  };
  if (data.event === null) memory.shown = null;
  if (memory.to === data.event) memory.to = null;
  let tries = 0;
  const timer = memory.timer = setInterval(() => {
    const done = memory.shown === address || data.event === null || !data.order.includes(data.event) || ++tries > 60;
    if (done) clearInterval(timer); else bring();
  }, 50);
  const step = (by, own) => {
    const from = memory.to ?? data.event;
    const seat = data.seats[data.order.indexOf(from)];
    const among = data.order.filter((event, at) => event === from || !own || data.seats[at] === seat);
    return by > 0 ? among.find((event) => event > (from ?? -1)) : from === null ? undefined : among.findLast((event) => event < from);
  };
  const moves = { j: [1, false], k: [-1, false], J: [1, true], K: [-1, true] };
  const typed = (target) => target.closest?.('input, textarea, select, [contenteditable], [role=combobox], [role=listbox]');
  const pressed = (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || typed(event.target)) return;
    const search = event.key === '/' && document.querySelector('.st-key-q input');
    const to = event.key in moves ? step(...moves[event.key]) : undefined;
    const episode = data.episodes[event.key];
    if (!search && to === undefined && !episode) return;
    event.preventDefault();
    if (search) search.focus();
    else if (episode) window.location.assign(new URL(episode, document.baseURI));
    else { memory.to = to; setTriggerValue('event', to); }
  };
  document.addEventListener('keydown', memory.pressed = pressed);
  return () => { if (memory.pressed === pressed) forget(); };
}
"""


# The component's own frame, and the room its figure will take: what is below stays where it is once the figure comes.
_ROOM = """<style>
.st-key-figure_room { container-type: inline-size; }
.st-key-figure_room .st-key-figure { min-height: calc(100cqi * %(wide)s); }
@container (max-width: 520px) { .st-key-figure_room .st-key-figure { min-height: calc(100cqi * %(narrow)s); } }
</style>"""


def figure(wide: str, narrow: str, alt: str) -> None:
    """A figure in two renderings, switched by its own width; its links are real ones."""
    show = st.components.v2.component(
        "di_figure", html="<div class='figure' role='group'></div>", css=_FIGURE_CSS, js=_FIGURE_JS
    )
    st.html(_ROOM % {"wide": _steepness(wide), "narrow": _steepness(narrow)})
    with st.container(key="figure_room"):
        show(data={"wide": wide, "narrow": narrow, "alt": alt}, key="figure")


def _steepness(svg: str) -> float:
    """Height over width of a figure; 0 of none."""
    found = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg[:1000])
    return round(float(found[2]) / float(found[1]), 4) if found else 0.0


def reader_keys(view: View, shown: Sequence[Event], place: Place) -> None:
    """Brings the marked event into view and focuses it; j, k, J, K go through events and n, p through episodes.

    Args:
        view: what the address asks for.
        shown: the events that the keys go through.
        place: the episodes that they lead to.
    """
    show = st.components.v2.component("di_reader", html="<span data-di-keys></span>", js=_READER_JS)
    episodes = {"n": place.after, "p": place.before}
    told = {
        "episode": view.episode_id,
        "event": view.marked,
        "order": [event.event_id for event in shown],
        "seats": [event.seat for event in shown],
        "episodes": {key: unescape(view.link(episode_id=to)) for key, to in episodes.items() if to},
    }
    # As text: of lists Streamlit would ask whether they are data frames, and import pandas for it.
    show(data={"told": json.dumps(told)}, key="di_keys", on_event_change=_go)


def _go() -> None:
    """A key was pressed: the address is set to the event it leads to, before the page runs again."""
    to = st.session_state["di_keys"].get("event")
    if isinstance(to, int):
        st.query_params["event"] = str(to)
