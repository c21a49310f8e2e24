"""The two things plain HTML can't do here: links inside the figure, and the reader's focus and keys."""

from html import unescape

import streamlit as st

from dashboard.reader_view import View
from di_assets.report.choosing import Around
from di_assets.report.shelf import Place

_FIGURE_CSS = """
.figure { container-type: inline-size; }
.figure svg { display: block; width: 100%; height: auto; max-width: 100%; }
.figure .narrow { display: none; }
@container (max-width: 520px) { .figure .wide { display: none; } .figure .narrow { display: block; } }
.figure a:focus-visible { outline: none; }
.figure a:focus-visible path, .figure a:hover path { stroke-width: 4; }
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
_READER_JS = """
export default function ({ data, setTriggerValue }) {
  const address = `${data.episode}#${data.event}`;
  const bring = () => {
    const event = document.querySelector('.ev.on');
    if (!event || !event.querySelector('.id')?.textContent.startsWith(`#${data.event} `)) return false;
    event.scrollIntoView({ block: 'center' });
    event.focus({ preventScroll: true });
    return true;
  };
  let tries = 0;
  const timer = data.focus && window.diShown !== address && setInterval(() => {
    if (bring()) window.diShown = address;
    if (window.diShown === address || ++tries > 60) clearInterval(timer);
  }, 50);
  if (data.event === null) window.diShown = null;
  const typed = (target) => target.closest?.('input, textarea, select, [contenteditable], [role=combobox], [role=listbox]');
  const pressed = (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing || typed(event.target)) return;
    if (event.key === '/') {
      const search = document.querySelector('.st-key-q input');
      if (search) { event.preventDefault(); search.focus(); }
      return;
    }
    const to = data.events[event.key];
    if (to !== undefined && to !== null) { event.preventDefault(); setTriggerValue('event', to); }
    const episode = data.episodes[event.key];
    if (episode) { event.preventDefault(); window.location.assign(new URL(episode, document.baseURI)); }
  };
  document.addEventListener('keydown', pressed);
  return () => { clearInterval(timer); document.removeEventListener('keydown', pressed); };
}
"""


def figure(wide: str, narrow: str, alt: str) -> None:
    """A figure in two renderings, switched by its own width; its links are real ones."""
    show = st.components.v2.component(
        "di_figure", html="<div class='figure' role='group'></div>", css=_FIGURE_CSS, js=_FIGURE_JS
    )
    show(data={"wide": wide, "narrow": narrow, "alt": alt}, key="figure")


def reader_keys(view: View, beside: Around, place: Place, *, focus: bool) -> None:
    """Brings the marked event into view and focuses it; j, k, J, K go through events and n, p through episodes.

    Args:
        view: what is shown.
        beside: the events that the keys lead to.
        place: the episodes that they lead to.
        focus: the marked event is on the page.
    """
    show = st.components.v2.component("di_reader", html="<span data-di-keys></span>", js=_READER_JS)
    episodes = {"n": place.after, "p": place.before}
    show(
        data={
            "episode": view.episode_id,
            "event": view.marked,
            "focus": focus,
            "events": {"j": beside.after, "k": beside.before, "J": beside.own_after, "K": beside.own_before},
            "episodes": {key: unescape(view.link(episode_id=to)) for key, to in episodes.items() if to},
        },
        key="di_keys",
        on_event_change=_go,
    )


def _go() -> None:
    """A key was pressed: the address is set to the event it leads to, before the page runs again."""
    to = st.session_state["di_keys"].get("event")
    if isinstance(to, int):
        st.query_params["event"] = str(to)
