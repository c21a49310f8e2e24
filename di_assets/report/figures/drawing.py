"""What all figures share: a sheet of marks in pixels, drawn by Altair into SVG without a network.

Panels stand one above the other on one sheet: x counts pixels from the panels' left edge (names of rows stand left of
it), y from the top. Every mark that stands for episodes is a link to one of them.
"""

import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import vl_convert as vlc

SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
# Stands in for a relative address, which the renderer would resolve against a public one.
BASE = "https://reader.invalid/"
FONT = "Georgia, 'Times New Roman', 'Liberation Serif', serif"
WIDE, NARROW = 560, 240
PNG_SCALE = 2.0

# Colour roles: on paper, in the dark. No two roles have the same colour, for that is what tells them apart in the SVG.
LIGHT = {"on": "#6b1e2b", "off": "#b9a888", "pale": "#e6dcc8", "ink": "#1c1b19", "halo": "#fcf9f2", "muted": "#6f6a62", "grid": "#e4ddcf",
         "dot": "#fcf9f1", "bright": "#fcf9f0", "rim": "#6b1e2c", "floor": "#c08a1e"}  # fmt: skip
DARK = {"on": "#e07f8b", "off": "#6d6450", "pale": "#3a362d", "ink": "#f3efe6", "halo": "#14130f", "muted": "#a8a297", "grid": "#34312b",
        "dot": "#14130e", "bright": "#f3efe7", "rim": "#f0b7bd", "floor": "#e3b341"}  # fmt: skip
_THEMED: Mapping[str, str] = {LIGHT[role]: DARK[role] for role in LIGHT}

# Heights of dots with the same value, in the order they come.
STACK = (0.0, -5.0, 5.0, -2.5, 2.5)
# Width of a character of the notes' type, about: what lines are broken by.
CHARACTER = 5.6

Value = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure in its three renderings: the download (light, plain), and two for the page (both themes, with links)."""

    download: str
    wide: str
    narrow: str


@dataclass(frozen=True, slots=True)
class Scale:
    """From values low..high to pixels 0..width; what lies beyond stands at the edge."""

    low: float
    high: float
    width: float

    def __call__(self, value: float) -> float:
        """Pixels of a value."""
        share = (value - self.low) / ((self.high - self.low) or 1.0)
        return round(min(1.0, max(0.0, share)) * self.width, 2)


@dataclass(frozen=True, slots=True)
class _Layer:
    """Marks of one kind: a value a mark, with `x2` and `y2` where they `span`, and a `depth` where they are filled so."""

    values: list[Value]
    mark: Callable[[Any], Any]
    span: bool
    by_depth: bool
    channels: Mapping[str, str]


@dataclass(slots=True)
class Sheet:
    """Marks in the order they are drawn, later ones above.

    Attributes:
        width: of the panels, in pixels.
        height: of all of them.
        layers: the marks.
    """

    width: int
    height: float = 0.0
    layers: list[_Layer] = field(default_factory=list)

    def boxes(self, values: Sequence[Value], role: str, *, dashed: bool = False) -> None:
        """Boxes x..x2, y..y2, filled with a role's colour; or dashed outlines, for what is not there yet."""
        look: dict[str, Any] = (
            {"fill": None, "stroke": LIGHT[role], "strokeDash": [4, 3], "strokeWidth": 1}
            if dashed
            else {"fill": LIGHT[role]}
        )
        self._add(values, lambda chart: chart.mark_rect(aria=False, **look), span=True)

    def tiles(self, values: Sequence[Value], role: str) -> None:
        """Boxes that are links (`href`, `label`), as deep in colour as their `depth` in [0, 1]."""
        look = {"fill": LIGHT[role], "stroke": LIGHT["rim"], "strokeWidth": 0}
        self._add(values, lambda chart: chart.mark_rect(**look), span=True, by_depth=True, channels=_LINK)

    def lines(self, values: Sequence[Value], role: str, *, thick: float = 1.0) -> None:
        """Lines from (x, y) to (x2, y2)."""
        look = {"stroke": LIGHT[role], "strokeWidth": thick}
        self._add(values, lambda chart: chart.mark_rule(aria=False, **look), span=True)

    def joins(self, values: Sequence[Value], role: str) -> None:
        """Lines that are links (`href`, `label`), from (x, y) to (x2, y2)."""
        look = {"stroke": LIGHT[role], "strokeWidth": 0.9}
        self._add(values, lambda chart: chart.mark_rule(**look), span=True, channels=_LINK)

    def intervals(self, spans: Iterable[tuple[float | None, float | None, float]]) -> None:
        """Intervals (low, high, y) with a cap at each end, halo then ink so as to be seen on a bar; none without bounds."""
        drawn: list[Value] = []
        for low, high, y in spans:
            if low is not None and high is not None:
                drawn.append({"x": low, "x2": high, "y": y, "y2": y})
                drawn += [{"x": end, "x2": end, "y": y - 4, "y2": y + 4} for end in (low, high)]
        self.lines(drawn, "halo", thick=4)
        self.lines(drawn, "ink", thick=1.4)

    def dots(self, values: Sequence[Value], *, role: str = "dot") -> None:
        """Links (`href`, `label`) as dots; those at one place stand above each other, so that each can be reached."""
        alike: Counter[tuple[float, float]] = Counter()
        spread = []
        for value in values:
            at = (value["x"], value["y"])
            spread.append({**value, "y": value["y"] + STACK[alike[at] % len(STACK)]})
            alike[at] += 1
        look = {"filled": True, "shape": "circle", "size": 34, "stroke": LIGHT["rim"], "strokeWidth": 1.2, "opacity": 1}
        self._add(spread, lambda chart: chart.mark_point(fill=LIGHT[role], **look), channels=_LINK)

    def words(
        self, values: Sequence[Value], role: str = "ink", *, size: float = 13, align: str = "left", italic: bool = False
    ) -> None:
        """Texts (`text`) at (x, y), their middle at y."""
        look: dict[str, Any] = {"align": align, "baseline": "middle", "fontSize": size, "fill": LIGHT[role]}
        look |= {"fontStyle": "italic"} if italic else {}
        self._add(values, lambda chart: chart.mark_text(aria=False, **look), channels={"text": "text:N"})

    def names(self, values: Sequence[tuple[str, float]], role: str = "ink", *, size: float = 13) -> None:
        """Names of rows (text, y), left of the panel."""
        self.words([{"x": -9, "y": y, "text": text} for text, y in values], role, size=size, align="right")

    def note(self, text: str, y: float, *, x: float = 7) -> float:
        """A note in italics, broken into lines that fit; returns the y below it."""
        parts = broken(text, self.width - x - 7)
        rows = [{"x": x, "y": y + 8 + 15 * k, "text": part} for k, part in enumerate(parts)]
        self.words(rows, "muted", size=11.5, italic=True)
        return y + 15 * len(parts)

    def legend(self, entries: Sequence[tuple[str, str]], y: float) -> float:
        """Swatches (role, text) in a row, broken where it is full; returns the y below them."""
        x = 0.0
        for role, text in entries:
            wide = 17 + CHARACTER * 0.95 * len(text)
            if x and x + wide > self.width:
                x, y = 0.0, y + 17
            self.boxes([{"x": x, "x2": x + 11, "y": y + 2, "y2": y + 13}], role)
            self.words([{"x": x + 16, "y": y + 8, "text": text}], "muted", size=11.5)
            x += wide + 12
        return y + 17

    def axis(self, scale: Scale, ticks: Sequence[tuple[float, str]], *, top: float, bottom: float, title: str) -> float:
        """Grid lines with numbers and a title below; returns the y below them. Drawn before the marks."""
        at = [(scale(value), text) for value, text in ticks]
        self.lines([{"x": x, "x2": x, "y": top, "y2": bottom} for x, _ in at], "grid")
        for place, align in (("first", "left"), ("middle", "center"), ("last", "right")):
            chosen = [(x, text) for x, text in at if _place(x, scale.width) == place]
            rows = [{"x": x, "y": bottom + 12, "text": text} for x, text in chosen]
            self.words(rows, "muted", size=12, align=align)
        return self.note(title, bottom + 22, x=0)

    def _add(
        self,
        values: Sequence[Value],
        mark: Callable[[Any], Any],
        *,
        span: bool = False,
        by_depth: bool = False,
        channels: Mapping[str, str] | None = None,
    ) -> None:
        if values:
            self.layers.append(_Layer(list(values), mark, span, by_depth, channels or {}))

    def chart(self) -> "Any":
        """The Altair chart."""
        # Takes most of a second to import, and the asset graph is loaded far more often than a figure is drawn.
        import altair as alt  # noqa: PLC0415

        x = alt.X("x:Q", scale=alt.Scale(domain=[0, self.width], nice=False), axis=None)
        y = alt.Y("y:Q", scale=alt.Scale(domain=[0, self.height], reverse=True, nice=False), axis=None)
        depth, layers = alt.FillOpacity("depth:Q", scale=None, legend=None), []
        for one in self.layers:
            more = {**({"fillOpacity": depth} if one.by_depth else {}), **one.channels}
            more |= {"x2": alt.X2("x2:Q"), "y2": alt.Y2("y2:Q")} if one.span else {}
            layers.append(one.mark(alt.Chart({"values": one.values})).encode(y=y, x=x, **more))
        return (
            alt.layer(*layers)
            .properties(width=self.width, height=self.height, background="transparent", padding=6)
            .configure(font=FONT)
            .configure_view(stroke=None)
        )


_LINK: Mapping[str, str] = {"href": "href:N", "description": "label:N"}


def link(mark: Mapping[str, Any], label: str) -> Value:
    """What makes a value a link to a mark's episode and event, under a label for those who do not see it."""
    address = f"transcript?episode={quote(mark['episode_id'], safe='')}&event={mark['event_id']}"
    return {"href": BASE + address, "label": f"{label}: open episode {mark['episode_id']}"}


def spanned(value: float | None, low: float | None, high: float | None, form: str) -> str:
    """A value with its 95% interval, for a label."""
    if value is None:
        return "none yet"
    if low is None or high is None:
        return f"{value:{form}}"
    return f"{value:{form}}, 95% CI [{low:{form}}, {high:{form}}]"


def broken(text: str, width: float) -> list[str]:
    """A text in lines of about this many pixels."""
    lines: list[str] = []
    for word in text.split(" "):
        if lines and (len(lines[-1]) + 1 + len(word)) * CHARACTER <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def drawn(draw: Callable[[Sheet], None], *, title: str, alt: str) -> Figure:
    """The three renderings of what `draw` puts on a sheet."""
    wide, narrow = (_render(draw, width) for width in (WIDE, NARROW))
    return Figure(
        download=_finish(wide, title, alt, page=False),
        wide=_finish(wide, title, alt, page=True),
        narrow=_finish(narrow, title, alt, page=True),
    )


def png(svg: str, *, scale: float = PNG_SCALE) -> bytes:
    """A download as a picture of pixels, so many a unit of the drawing."""
    return bytes(vlc.svg_to_png(svg, scale=scale))


def _render(draw: Callable[[Sheet], None], width: int) -> str:
    sheet = Sheet(width)
    draw(sheet)
    # Checked against the schema by the tests: that takes as long as all the rest.
    return str(vlc.vegalite_to_svg(sheet.chart().to_dict(validate=False), allowed_base_urls=[]))


def _place(x: float, width: float) -> str:
    return "first" if x <= 0 else "last" if x >= width else "middle"


def _finish(svg: str, title: str, alt: str, *, page: bool) -> str:
    """Links made relative and named (page) or dropped (download), colours for both themes (page), title and desc."""
    ET.register_namespace("", SVG)
    ET.register_namespace("xlink", XLINK)
    root = ET.fromstring(svg)  # noqa: S314 -- our own renderer's output
    for element in root.iter(f"{{{SVG}}}a"):
        _mend_link(element, keep=page)
    for element in root.iter():
        for name in ("fill", "stroke"):
            colour = element.get(name)
            if page and colour is not None and colour in _THEMED:
                element.set(name, f"light-dark({colour}, {_THEMED[colour]})")
        element.attrib.pop("aria-roledescription", None)
    _describe(root, title, alt, page=page)
    return ET.tostring(root, encoding="unicode") + "\n"


def _mend_link(element: ET.Element, *, keep: bool) -> None:
    href = element.attrib.pop(f"{{{XLINK}}}href", None) or element.attrib.pop("href", "")
    marks = [child for child in element.iter() if child.get("aria-label")]
    label = marks[0].get("aria-label", "") if marks else ""
    for mark in marks:
        for name in ("aria-label", "role", "aria-roledescription"):
            mark.attrib.pop(name, None)
    if keep:
        element.attrib.update({"href": href.removeprefix(BASE), "target": "_self", "aria-label": label})
    else:
        element.tag = f"{{{SVG}}}g"
        for name in ("target", "rel"):
            element.attrib.pop(name, None)


def _describe(root: ET.Element, title: str, alt: str, *, page: bool) -> None:
    head, description = ET.Element(f"{{{SVG}}}title"), ET.Element(f"{{{SVG}}}desc")
    head.text, description.text = title, alt
    root.insert(0, description)
    root.insert(0, head)
    if page:
        root.attrib.pop("role", None)  # an image role would hide the links inside
    else:
        root.set("role", "img")
        root.insert(2, ET.Element(f"{{{SVG}}}rect", {"width": "100%", "height": "100%", "fill": LIGHT["halo"]}))
