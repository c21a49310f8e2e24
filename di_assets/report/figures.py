"""Figures: Altair charts made into SVG without a network, every mark a link to the episode behind it."""

import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import vl_convert as vlc

from di_assets.report.scope import Half, Row, Scope

if TYPE_CHECKING:
    import altair as alt

SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
# Stands in for a relative address, which the renderer would resolve against a public one.
BASE = "https://reader.invalid/"
FONT = "Georgia, 'Times New Roman', 'Liberation Serif', serif"

# Colour roles: on paper, in the dark.
LIGHT = {"on": "#6b1e2b", "off": "#b9a888", "ink": "#1c1b19", "halo": "#fcf9f2", "muted": "#6f6a62", "grid": "#e4ddcf", "dot": "#fcf9f1", "rim": "#6b1e2c", "floor": "#c08a1e"}  # fmt: skip
DARK = {"on": "#c9606d", "off": "#6d6450", "ink": "#f3efe6", "halo": "#14130f", "muted": "#a8a297", "grid": "#34312b", "dot": "#14130e", "rim": "#f0b7bd", "floor": "#e3b341"}  # fmt: skip

# One row of the figure, in pixels: the bar with messages on, the slot for messages off, white space.
BAR, GAP, ROW = 22, 4, 66
# Heights of dots with the same points, in the order they come.
STACK = (0.0, -5.0, 5.0, -2.5, 2.5)


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure in its three renderings: the download (light, plain), and two for the page (both themes, with links)."""

    download: str
    wide: str
    narrow: str


def q1(scope: Scope) -> Figure:
    """Question 1: paired bars. A warehouse without focal episodes gives empty axes with a word."""
    charts = {width: _render(_q1_chart(scope, width=width)) for width in (560, 240)}
    return Figure(
        download=_finish(charts[560], scope, page=False),
        wide=_finish(charts[560], scope, page=True),
        narrow=_finish(charts[240], scope, page=True),
    )


def _q1_chart(scope: Scope, *, width: int) -> "alt.LayerChart":
    # Takes most of a second to import, and the asset graph is loaded far more often than a figure is drawn.
    import altair as alt  # noqa: PLC0415

    rows = scope.rows
    height = max(1, len(rows)) * ROW
    most = scope.most_points
    x = alt.X(
        "x:Q",
        scale=alt.Scale(domain=[0, most], nice=False),
        axis=alt.Axis(
            values=[most * k / 4 for k in range(5)],
            title=f"points received per episode ({most} possible)" + (" · scripted agents" if scope.scripted else ""),
            domain=False,
            ticks=False,
            gridColor=LIGHT["grid"],
            labelColor=LIGHT["muted"],
            titleColor=LIGHT["muted"],
            titleFontStyle="italic",
            titleFontWeight="normal",
            titleAnchor="start",
            titlePadding=8,
            labelFlush=True,
        ),
    )
    y = alt.Y("y:Q", scale=alt.Scale(domain=[0, height], reverse=True, nice=False), axis=None)
    layers: list[Any] = []

    def layer(values: list[dict[str, Any]], mark: "Callable[[alt.Chart], alt.Chart]", **channels: Any) -> None:
        if values:
            layers.append(mark(alt.Chart({"values": values})).encode(x=x, y=y, **channels))

    span = {"x2": alt.X2("x2:Q"), "y2": alt.Y2("y2:Q")}
    slots = [_box(i, 1, 0, most) for i, row in enumerate(rows) if row.off is None]
    layer([{"x": 0, "y": 0, "x2": 0, "y2": 0}], lambda c: c.mark_rect(opacity=0, aria=False), **span)
    layer(
        slots,
        lambda c: c.mark_rect(fill=None, stroke=LIGHT["muted"], strokeDash=[4, 3], strokeWidth=1, aria=False),
        **span,
    )
    for index, name in enumerate(("on", "off")):
        halves = [(i, getattr(row, name)) for i, row in enumerate(rows) if getattr(row, name) is not None]
        layer(
            [_box(i, index, 0, h.points.mean) for i, h in halves],
            _filled(LIGHT[name]),
            **span,
        )
        if name == "on":
            floors = [
                {**_box(i, index, h.floor_points, None), "x2": h.floor_points}
                for i, h in halves
                if h.floor_points is not None
            ]
            layer(floors, lambda c: c.mark_rule(stroke=LIGHT["floor"], strokeWidth=2.5, aria=False), y2=alt.Y2("y2:Q"))
        for values in (_interval_lines(halves, index),):
            layer(values, lambda c: c.mark_rule(stroke=LIGHT["halo"], strokeWidth=4, aria=False), **span)
            layer(values, lambda c: c.mark_rule(stroke=LIGHT["ink"], strokeWidth=1.4, aria=False), **span)
        layer(
            _dots(rows, halves, index, name),
            lambda c: c.mark_point(
                filled=True, shape="circle", size=34, fill=LIGHT["dot"], stroke=LIGHT["rim"], strokeWidth=1.2, opacity=1
            ),
            href="href:N",
            description="label:N",
        )
    names = [{"x": 0, "y": i * ROW + BAR + GAP / 2, "text": row.model} for i, row in enumerate(rows)]
    layer(
        names,
        lambda c: c.mark_text(align="right", baseline="middle", dx=-9, fontSize=13, fill=LIGHT["ink"], aria=False),
        text="text:N",
    )
    notes = _notes(rows)
    layer(notes, lambda c: c.mark_text(align="left", baseline="middle", dx=7, fontSize=11.5, fontStyle="italic", fill=LIGHT["muted"], aria=False, limit=width - 14), text="text:N")  # fmt: skip
    chart: alt.LayerChart = (
        alt.layer(*layers)
        .properties(width=width, height=height, background="transparent", padding=6)
        .configure(font=FONT)
        .configure_view(stroke=None)
        .configure_axis(labelFontSize=12, titleFontSize=12.5)
    )
    return chart


def _filled(colour: str) -> "Callable[[alt.Chart], alt.Chart]":
    return lambda chart: chart.mark_rect(fill=colour, aria=False)


def _box(row: int, lane: int, x: float, x2: float | None) -> dict[str, Any]:
    top = row * ROW + lane * (BAR + GAP) + 1
    return {"x": x, "x2": x2, "y": top, "y2": top + BAR}


def _interval_lines(halves: list[tuple[int, Half]], lane: int) -> list[dict[str, Any]]:
    """A line from bound to bound in the bar's lower part, and a cap at each."""
    lines = []
    for i, half in halves:
        low, high = half.points.t.low, half.points.t.high
        if low is None or high is None:
            continue
        middle = i * ROW + lane * (BAR + GAP) + 18
        lines.append({"x": low, "x2": high, "y": middle, "y2": middle})
        lines += [{"x": end, "x2": end, "y": middle - 4, "y2": middle + 4} for end in (low, high)]
    return lines


def _dots(rows: tuple[Row, ...], halves: list[tuple[int, Half]], lane: int, name: str) -> list[dict[str, Any]]:
    """One dot an episode; episodes with the same points stand above each other, so that each can be reached."""
    dots = []
    for i, half in halves:
        alike: Counter[float] = Counter()
        for dot in half.dots:
            lift = STACK[alike[dot.points] % len(STACK)]
            alike[dot.points] += 1
            dots.append(
                {
                    "x": dot.points,
                    "y": i * ROW + lane * (BAR + GAP) + 8 + lift,
                    "href": f"{BASE}transcript?episode={dot.episode_id}&event={dot.event_id}",
                    "label": f"{rows[i].model}, messages {name}, {dot.points:g} points: open episode {dot.episode_id}",
                }
            )
    return dots


def _notes(rows: tuple[Row, ...]) -> list[dict[str, Any]]:
    """What the first empty slot waits for, and a word where there is nothing at all."""
    if not rows:
        return [{"x": 0, "y": ROW / 2, "text": "no focal episode has been played yet"}]
    waiting = [(i, row.needs) for i, row in enumerate(rows) if row.off is None]
    return [
        {"x": 0, "y": i * ROW + BAR + GAP + 1 + BAR / 2, "text": f"messages off — runs from {needs or 'its control'}"}
        for i, needs in waiting[:1]
    ]


def _render(chart: "alt.LayerChart") -> str:
    return str(vlc.vegalite_to_svg(chart.to_dict(), allowed_base_urls=[]))


def _finish(svg: str, scope: Scope, *, page: bool) -> str:
    """Links made relative and named (page) or dropped (download), colours for both themes (page), title and desc."""
    ET.register_namespace("", SVG)
    ET.register_namespace("xlink", XLINK)
    root = ET.fromstring(svg)  # noqa: S314 -- our own renderer's output
    for link in root.iter(f"{{{SVG}}}a"):
        _mend_link(link, keep=page)
    for element in root.iter():
        for name in ("fill", "stroke"):
            colour = element.get(name)
            if page and colour is not None and colour in _THEMED:
                element.set(name, f"light-dark({colour}, {_THEMED[colour]})")
        for name in ("aria-roledescription",):
            element.attrib.pop(name, None)
    _describe(root, scope, page=page)
    return ET.tostring(root, encoding="unicode") + "\n"


def _mend_link(link: ET.Element, *, keep: bool) -> None:
    href = link.attrib.pop(f"{{{XLINK}}}href", None) or link.attrib.pop("href", "")
    marks = [child for child in link.iter() if child.get("aria-label")]
    label = marks[0].get("aria-label", "") if marks else ""
    for mark in marks:
        for name in ("aria-label", "role", "aria-roledescription"):
            mark.attrib.pop(name, None)
    if keep:
        link.attrib.update({"href": href.removeprefix(BASE), "target": "_self", "aria-label": label})
    else:
        link.tag = f"{{{SVG}}}g"
        for name in ("target", "rel"):
            link.attrib.pop(name, None)


def _describe(root: ET.Element, scope: Scope, *, page: bool) -> None:
    played = " (scripted agents)" if scope.scripted else ""
    title, description = ET.Element(f"{{{SVG}}}title"), ET.Element(f"{{{SVG}}}desc")
    title.text = f"Points received per episode, messages on and off{played}"
    description.text = "; ".join(
        f"{row.model}: {row.on.points.mean:.1f} on"
        + (f", {row.off.points.mean:.1f} off" if row.off else ", off not yet played")
        for row in scope.rows
        if row.on and row.on.points.mean is not None
    )
    root.insert(0, description)
    root.insert(0, title)
    if page:
        root.attrib.pop("role", None)  # an image role would hide the links inside
    else:
        root.set("role", "img")
        root.set("style", f"background:{LIGHT['halo']}")


_THEMED: Mapping[str, str] = {LIGHT[role]: DARK[role] for role in LIGHT}

FIGURES: Mapping[str, Callable[[Scope], Figure]] = {"q1": q1}
