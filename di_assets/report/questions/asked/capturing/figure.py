"""Figure of Question 3: capture against the floor; who gives to whom; the variance of pulls split in three."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from di_assets.report.figures.rendering import Figure, drawn
from di_assets.report.figures.sheet import Scale, Sheet, Value, broken, by_whom, link, spanned

ROW, BAR, PANEL = 34, 18, 34
CELL = 62
# From these depths of colour on, a square's number is light in the light theme and dark in the dark theme: at this depth
# both have the same contrast, about 4 to 1.
LIGHT_FROM, DARK_FROM = 0.62, 0.72
SHARES = (("receiver", "on", "who receives"), ("dyad", "off", "the pair"), ("giver", "pale", "who gives"))


def captures_and_heat(question: Mapping[str, Any]) -> Figure:
    """The three panels of `summary.questions.q3`. A panel without data says so."""
    return drawn(lambda sheet: _draw(sheet, question), title="Who captures whom", of=question)


def _draw(sheet: Sheet, question: Mapping[str, Any]) -> None:
    bottom = _captures(sheet, question)
    bottom = _heat(sheet, [row for row in question["rows"] if row["what"] == "pulls a round"], bottom + PANEL, question)
    sheet.height = _variance(sheet, question["variance"], bottom + PANEL)


def _captures(sheet: Sheet, question: Mapping[str, Any]) -> float:
    rows = {row["receiver"]: row for row in question["rows"] if row["what"] == "capture"}
    values = [mark["value"] for mark in question["marks"]]
    bounds = [row[name] for row in rows.values() for name in ("ci_low", "ci_high") if row[name] is not None]
    low = min(-0.05, math.floor(min([*values, *bounds, 0.0]) * 20) / 20)
    high = max(0.1, math.ceil(max([*values, *bounds, 0.0]) * 20) / 20)
    scale, bottom = Scale(low, high, sheet.width), max(1, len(rows)) * ROW
    step = 0.05 if high - low <= 0.3 and sheet.width > 300 else 0.1 if high - low <= 0.6 else 0.2
    steps = range(math.ceil(round(low / step, 6)), math.floor(round(high / step, 6)) + 1)
    ticks = [(k * step, f"{k * step:+.2f}" if k else "0") for k in steps]
    title = by_whom("capture: net pulls a round and rival above the floor", question)
    below = sheet.axis(scale, ticks, top=0, bottom=bottom, title=title)
    if not rows:
        sheet.note(f"no capture yet — needs {question['needs'] or 'an arm of focal models'}", 2)
        return below
    sheet.lines([{"x": scale(0), "x2": scale(0), "y": 0, "y2": bottom}], "floor", thick=2)
    tops = {model: i * ROW for i, model in enumerate(rows)}
    ticked = [(scale(row["value"]), tops[model]) for model, row in rows.items() if row["value"] is not None]
    sheet.lines([{"x": x, "x2": x, "y": top + 6, "y2": top + 28} for x, top in ticked], "on", thick=3)
    sheet.intervals(
        (scale(row["ci_low"]), scale(row["ci_high"]), tops[model] + 24)
        for model, row in rows.items()
        if row["ci_low"] is not None
    )
    sheet.dots(
        [
            {"x": scale(mark["value"]), "y": tops[mark["model"]] + 12, **link(mark, _label(mark, rows))}
            for mark in question["marks"]
        ]
    )
    sheet.names([(model, top + 17) for model, top in tops.items()])
    return below


def _label(mark: Mapping[str, Any], rows: Mapping[str, Mapping[str, Any]]) -> str:
    row = rows[mark["model"]]
    mean = spanned(row["value"], row["ci_low"], row["ci_high"], "+.3f")
    return f"{mark['model']}, capture {mark['value']:+.3f} (mean {mean})"


def _heat(sheet: Sheet, cells: Sequence[Mapping[str, Any]], top: float, question: Mapping[str, Any]) -> float:
    top = _heading(sheet, "pulls a round: a seat of the row gives a seat of the column", top)
    if not cells:
        return sheet.note("no pull between seats yet", top)
    focal = [row["receiver"] for row in question["rows"] if row["what"] == "capture"]
    givers, receivers = (_ordered({cell[end] for cell in cells}, focal) for end in ("giver", "receiver"))
    size = min(CELL, sheet.width / len(receivers))
    tall = min(size, 30)
    most = max(cell["value"] for cell in cells) or 1.0
    values: list[Value] = []
    written: dict[str, list[Value]] = {"ink": [], "bright": [], "dot": []}
    for cell in cells:
        x, y = receivers.index(cell["receiver"]) * size, top + givers.index(cell["giver"]) * tall
        depth = round(cell["value"] / most, 3)
        value = spanned(cell["value"], cell["ci_low"], cell["ci_high"], ".2f")
        label = f"{cell['giver']} gives {cell['receiver']} {value} pulls a round"
        values.append(
            {"x": x + 1, "x2": x + size - 1, "y": y + 1, "y2": y + tall - 1, "depth": depth, **link(cell, label)}
        )
        word = {"x": x + size / 2, "y": y + tall / 2, "text": f"{cell['value']:.2f}".removeprefix("0")}
        written["ink" if depth < LIGHT_FROM else "bright" if depth < DARK_FROM else "dot"].append(word)
    sheet.tiles(values, "on")
    small = 11 if size > 26 else 9
    for role, words in written.items():
        sheet.words(words, role, size=small, align="center")
    sheet.names([(model, top + (i + 0.5) * tall) for i, model in enumerate(givers)])
    # A number above each column, and a list of the names below: names do not fit side by side.
    sheet.words([{"x": (i + 0.5) * size, "y": top - 8, "text": f"{i + 1}"} for i in range(len(receivers))], "muted", size=11, align="center")  # fmt: skip
    key = "columns: " + ", ".join(f"{i + 1}\u00a0{model}" for i, model in enumerate(receivers))
    return sheet.note(key, top + len(givers) * tall + 4, x=0)


def _ordered(models: set[str], focal: Sequence[str]) -> list[str]:
    """Focal models in the order given, then the others."""
    return [model for model in focal if model in models] + sorted(models - set(focal))


def _variance(sheet: Sheet, rows: Sequence[Mapping[str, Any]], top: float) -> float:
    top = _heading(sheet, "variance of pulls between seats", top) - 14
    split = [row for row in rows if row["receiver_share"] is not None]
    if not split:
        why = f" ({rows[0]['ci_method']})" if rows else ""
        return sheet.note(f"not split yet: it takes at least four seats, every pair of them joined{why}", top)
    top = sheet.legend([(role, text) for _, role, text in SHARES], top) + 4
    scale = Scale(0, 1, sheet.width)
    for role, name in ((role, name) for name, role, _ in SHARES):
        boxes = []
        for i, row in enumerate(split):
            before = sum(row[f"{other}_share"] for other in _before(name))
            y = top + i * (BAR + 8)
            boxes.append({"x": scale(before), "x2": scale(before + row[f"{name}_share"]), "y": y, "y2": y + BAR})
        sheet.boxes(boxes, role)
    names = [(broken(row["arm"], 150)[0], top + i * (BAR + 8) + BAR / 2) for i, row in enumerate(split)]
    sheet.names(names, size=12)
    return top + len(split) * (BAR + 8) + 4


def _before(name: str) -> list[str]:
    names = [part for part, _, _ in SHARES]
    return names[: names.index(name)]


def _heading(sheet: Sheet, text: str, top: float) -> float:
    """Draws a panel's heading; returns the y below it."""
    return sheet.note(text, top, x=0) + 18
