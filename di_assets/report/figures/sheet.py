"""What all figures are drawn on: a sheet of marks in pixels.

Panels stand one above the other on one sheet: x counts pixels from the panels' left edge (names of rows stand left of
it), y from the top. Every mark that stands for episodes is a link to one of them.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from di_assets.report.figures.colours import LIGHT

# Stands in for a relative address, which the renderer would resolve against a public one.
BASE = "https://reader.invalid/"

# Heights of dots with the same value, in the order they come.
STACK = (0.0, -5.0, 5.0, -2.5, 2.5)
# Width of a character of the notes' type, about: what lines are broken by.
CHARACTER = 5.6

Value = dict[str, Any]


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
class Layer:
    """Marks of one kind.

    Attributes:
        mark: kind of mark, as Vega-Lite calls it.
        look: what all of them have alike.
        values: one a mark, each with `x` and `y`.
        channels: Vega-Lite's channel -> the field of the values that it shows, with its type.
        span: they reach from x and y to `x2` and `y2`.
        shaded: their `depth` is how opaque they are.
    """

    mark: str
    look: Value
    values: list[Value]
    channels: Mapping[str, str]
    span: bool
    shaded: bool


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
    layers: list[Layer] = field(default_factory=list)

    def boxes(self, values: Sequence[Value], role: str, *, dashed: bool = False) -> None:
        """Boxes x..x2, y..y2, filled with a role's colour; or dashed outlines, for what is not there yet."""
        look: dict[str, Any] = (
            {"fill": None, "stroke": LIGHT[role], "strokeDash": [4, 3], "strokeWidth": 1}
            if dashed
            else {"fill": LIGHT[role]}
        )
        self._add("rect", values, {"aria": False, **look}, span=True)

    def tiles(self, values: Sequence[Value], role: str) -> None:
        """Boxes that are links (`href`, `label`), as deep in colour as their `depth` in [0, 1]."""
        look = {"fill": LIGHT[role], "stroke": LIGHT["rim"], "strokeWidth": 0}
        self._add("rect", values, look, span=True, shaded=True, channels=_LINK)

    def lines(self, values: Sequence[Value], role: str, *, thick: float = 1.0) -> None:
        """Lines from (x, y) to (x2, y2)."""
        look = {"stroke": LIGHT[role], "strokeWidth": thick}
        self._add("rule", values, {"aria": False, **look}, span=True)

    def joins(self, values: Sequence[Value], role: str) -> None:
        """Lines that are links (`href`, `label`), from (x, y) to (x2, y2)."""
        look = {"stroke": LIGHT[role], "strokeWidth": 0.9}
        self._add("rule", values, look, span=True, channels=_LINK)

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
        self._add("point", spread, {"fill": LIGHT[role], **look}, channels=_LINK)

    def words(
        self, values: Sequence[Value], role: str = "ink", *, size: float = 13, align: str = "left", italic: bool = False
    ) -> None:
        """Texts (`text`) at (x, y), their middle at y."""
        look: dict[str, Any] = {"align": align, "baseline": "middle", "fontSize": size, "fill": LIGHT[role]}
        look |= {"fontStyle": "italic"} if italic else {}
        self._add("text", values, {"aria": False, **look}, channels={"text": "text:N"})

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
        mark: str,
        values: Sequence[Value],
        look: Value,
        *,
        span: bool = False,
        shaded: bool = False,
        channels: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        if values:
            self.layers.append(Layer(mark, look, list(values), channels, span=span, shaded=shaded))


_LINK: dict[str, str] = {"href": "href:N", "description": "label:N"}


def by_whom(title: str, question: Mapping[str, Any]) -> str:
    """The title of an axis, with a word where scripted agents played."""
    return title + (" · scripted agents" if question["scripted"] else "")


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


def _place(x: float, width: float) -> str:
    return "first" if x <= 0 else "last" if x >= width else "middle"
