"""The two things plain HTML can't do here: links inside the figure, and bringing the linked event into view."""

import streamlit as st

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
_FOCUS_JS = """
export default function ({ data }) {
  const find = () => document.querySelector('.ev.on');
  const bring = () => {
    const event = find();
    if (!event) return false;
    event.scrollIntoView({ block: 'center' });
    event.focus({ preventScroll: true });
    return true;
  };
  let tries = 0;
  const timer = setInterval(() => { if (bring() || ++tries > 40) clearInterval(timer); }, 50);
  return () => clearInterval(timer);
}
"""


def figure(wide: str, narrow: str, alt: str) -> None:
    """A figure in two renderings, switched by its own width; its links are real ones."""
    show = st.components.v2.component(
        "di_figure", html="<div class='figure' role='group'></div>", css=_FIGURE_CSS, js=_FIGURE_JS
    )
    show(data={"wide": wide, "narrow": narrow, "alt": alt}, key="figure")


def bring_into_view(event_id: int) -> None:
    """Scrolls to the marked event and focuses it."""
    show = st.components.v2.component("di_focus", html="<span></span>", js=_FOCUS_JS)
    show(data={"event": event_id}, key=f"focus-{event_id}")
