"""The sheet on which all figures are drawn: marks at positions in pixels.

Panels are placed one above the other on one sheet. x counts pixels from the left edge of the panels (names of rows are
to the left of it), y from the top. Every mark that stands for episodes links to one of them.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from di_assets.report.figures.colours import LIGHT

# A placeholder for a relative address. The renderer would resolve a relative address against a public one.
BASE = "https://reader.invalid/"

# Offsets of dots with the same value, in the order in which they come.
STACK = (0.0, -5.0, 5.0, -2.5, 2.5)
# Approximate width of a character in notes; lines are broken by it.
CHARACTER = 5.6

Value = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Scale:
    """Maps values low..high to pixels 0..width. Values outside are drawn at the edge."""

    low: float
    high: float
    width: float

    def __call__(self, value: float) -> float:
        """The position of a value in pixels."""
        share = (value - self.low) / ((self.high - self.low) or 1.0)
        return round(min(1.0, max(0.0, share)) * self.width, 2)


@dataclass(frozen=True, slots=True)
class Layer:
    """Marks of one kind.

    Attributes:
        mark: the kind of mark in Vega-Lite's terms.
        look: properties that all marks share.
        values: one per mark, each with `x` and `y`.
        channels: Vega-Lite channel -> the field of the values that it shows, and its type.
        span: marks extend from x and y to `x2` and `y2`.
        shaded: `depth` gives the opacity of each mark.
    """

    mark: str
    look: Value
    values: list[Value]
    channels: Mapping[str, Mapping[str, str]]
    span: bool
    shaded: bool


@dataclass(slots=True)
class Sheet:
    """Marks in drawing order: later marks are drawn on top.

    Attributes:
        width: width of the panels, in pixels.
        height: height of all panels, in pixels.
        layers: the marks.
    """

    width: int
    height: float = 0.0
    layers: list[Layer] = field(default_factory=list)

    def boxes(self, values: Sequence[Value], role: str, *, dashed: bool = False) -> None:
        """Draws boxes x..x2, y..y2 filled with a role's colour. Dashed outlines are for data that do not exist yet."""
        look: dict[str, Any] = (
            {"fill": None, "stroke": LIGHT[role], "strokeDash": [4, 3], "strokeWidth": 1}
            if dashed
            else {"fill": LIGHT[role]}
        )
        self._add("rect", values, {"aria": False, **look}, span=True)

    def tiles(self, values: Sequence[Value], role: str) -> None:
        """Draws boxes that are links (`href`, `label`). `depth` in [0, 1] gives the depth of their colour."""
        look = {"fill": LIGHT[role], "stroke": LIGHT["rim"], "strokeWidth": 0}
        self._add("rect", values, look, span=True, shaded=True, channels=_LINK)

    def lines(self, values: Sequence[Value], role: str, *, thick: float = 1.0) -> None:
        """Draws lines from (x, y) to (x2, y2)."""
        look = {"stroke": LIGHT[role], "strokeWidth": thick}
        self._add("rule", values, {"aria": False, **look}, span=True)

    def joins(self, values: Sequence[Value], role: str) -> None:
        """Draws lines that are links (`href`, `label`), from (x, y) to (x2, y2)."""
        look = {"stroke": LIGHT[role], "strokeWidth": 0.9}
        self._add("rule", values, look, span=True, channels=_LINK)

    def intervals(self, spans: Iterable[tuple[float | None, float | None, float]]) -> None:
        """Draws intervals (low, high, y) with a cap at each end; intervals without bounds are skipped.

        A halo under the line keeps it visible on a bar.
        """
        drawn: list[Value] = []
        for low, high, y in spans:
            if low is not None and high is not None:
                drawn.append({"x": low, "x2": high, "y": y, "y2": y})
                drawn += [{"x": end, "x2": end, "y": y - 4, "y2": y + 4} for end in (low, high)]
        self.lines(drawn, "halo", thick=4)
        self.lines(drawn, "ink", thick=1.4)

    def dots(self, values: Sequence[Value], *, role: str = "dot") -> None:
        """Draws dots that are links (`href`, `label`).

        Dots at the same place are stacked, so that each can be clicked.
        """
        at_same_place: Counter[tuple[float, float]] = Counter()
        spread = []
        for value in values:
            at = (value["x"], value["y"])
            spread.append({**value, "y": value["y"] + STACK[at_same_place[at] % len(STACK)]})
            at_same_place[at] += 1
        look = {"filled": True, "shape": "circle", "size": 34, "stroke": LIGHT["rim"], "strokeWidth": 1.2, "opacity": 1}
        self._add("point", spread, {"fill": LIGHT[role], **look}, channels=_LINK)

    def words(
        self, values: Sequence[Value], role: str = "ink", *, size: float = 13, align: str = "left", italic: bool = False
    ) -> None:
        """Writes texts (`text`) at (x, y), vertically centred on y."""
        look: dict[str, Any] = {"align": align, "baseline": "middle", "fontSize": size, "fill": LIGHT[role]}
        look |= {"fontStyle": "italic"} if italic else {}
        self._add("text", values, {"aria": False, **look}, channels={"text": {"field": "text", "type": "nominal"}})

    def names(self, values: Sequence[tuple[str, float]], role: str = "ink", *, size: float = 13) -> None:
        """Writes names of rows (text, y) to the left of the panel."""
        self.words([{"x": -9, "y": y, "text": text} for text, y in values], role, size=size, align="right")

    def note(self, text: str, y: float, *, x: float = 7) -> float:
        """Writes a note in italics, with line breaks; returns the y below it."""
        parts = broken(text, self.width - x - 7)
        rows = [{"x": x, "y": y + 8 + 15 * k, "text": part} for k, part in enumerate(parts)]
        self.words(rows, "muted", size=11.5, italic=True)
        return y + 15 * len(parts)

    def legend(self, entries: Sequence[tuple[str, str]], y: float) -> float:
        """Draws swatches (role, text) in a row, with a new row when it is full; returns the y below them."""
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
        """Draws grid lines with numbers, and a title below; returns the y below. Call it before the marks are drawn."""
        at = [(scale(value), text) for value, text in ticks]
        self.lines([{"x": x, "x2": x, "y": top, "y2": bottom} for x, _ in at], "grid")
        for place, align in (("first", "left"), ("middle", "center"), ("last", "right")):
            chosen = [(x, text) for x, text in at if _place(x, scale.width) == place]
            rows = [{"x": x, "y": bottom + 12, "text": text} for x, text in chosen]
            self.words(rows, "muted", size=12, align=align)
        return self.note(title, bottom + 22, x=0)

    def _add(
        self,
        mark: str,
        values: Sequence[Value],
        look: Value,
        *,
        span: bool = False,
        shaded: bool = False,
        channels: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
    ) -> None:
        if values:
            self.layers.append(Layer(mark, look, list(values), channels, span=span, shaded=shaded))


_LINK = {"href": {"field": "href", "type": "nominal"}, "description": {"field": "label", "type": "nominal"}}


def by_whom(title: str, question: Mapping[str, Any]) -> str:
    """The title of an axis; it says so if scripted agents played."""
    return title + (" · scripted agents" if question["scripted"] else "")


def link(mark: Mapping[str, Any], label: str) -> Value:
    """The fields that make a value link to a mark's episode and event, with a label for screen readers."""
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
    """Breaks a text into lines of about this many pixels."""
    lines: list[str] = []
    for word in text.split(" "):
        if lines and (len(lines[-1]) + 1 + len(word)) * CHARACTER <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _place(x: float, width: float) -> str:
    return "first" if x <= 0 else "last" if x >= width else "middle"
