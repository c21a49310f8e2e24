"""Figure of Question 4: ring and complete graph, a panel per measure; each condition has the band of its own null."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from di_assets.report.figures.rendering import Figure, drawn
from di_assets.report.figures.sheet import Scale, Sheet, Value, by_whom, link, spanned

ROW, PANEL = 40, 30
TITLES = {
    "points": "points of the focal seat an episode",
    "cascades": "cascades an episode",
    "gini": "gini of final points (0 = all equal)",
}
FORMS = {"points": ".1f", "cascades": ".1f", "gini": ".3f"}
LEGEND = (("on", "mean"), ("pale", "95% under no talk"), ("floor", "no talk"))


def panels(question: Mapping[str, Any]) -> Figure:
    """The panels of `summary.questions.q4`. A graph that was not played has a dashed slot."""
    return drawn(lambda sheet: _draw(sheet, question), title="Complete graph against ring", of=question)


def _draw(sheet: Sheet, question: Mapping[str, Any]) -> None:
    top = sheet.legend(LEGEND, 0) + 10
    for measure in TITLES:
        top = _panel(sheet, measure, question, top) + PANEL
    sheet.height = top - PANEL


def _panel(sheet: Sheet, measure: str, question: Mapping[str, Any], top: float) -> float:
    rows = [row for row in question["rows"] if row["measure"] == measure]
    marks = [mark for mark in question["marks"] if mark["measure"] == measure]
    # A graph may be played and still lack a measure: without a focal seat it has no points.
    waiting = question["waiting"].items()
    slots: list[Mapping[str, Any]] = [
        *rows,
        *({"graph": graph, "condition": None, "arm": arm} for graph, arm in waiting),
    ]
    slots.sort(key=lambda row: row["graph"])
    most = _most(measure, [mark["value"] for mark in marks], question["most_points"])
    scale, bottom = Scale(0, most, sheet.width), top + max(1, len(slots)) * ROW
    ticks = [(most * k / 4, f"{most * k / 4:.3g}") for k in range(5)]
    title = by_whom(TITLES[measure], question)
    below = sheet.axis(scale, ticks, top=top, bottom=bottom, title=title)
    tops = {row["condition"]: top + i * ROW for i, row in enumerate(slots)}
    _nulls(sheet, rows, tops, scale)
    sheet.lines([_tick(scale(row["value"]), tops[row["condition"]]) for row in rows], "on", thick=3)
    sheet.intervals(
        (scale(row["ci_low"]), scale(row["ci_high"]), tops[row["condition"]] + 28)
        for row in rows
        if row["ci_low"] is not None
    )
    known = {row["condition"]: row for row in rows}
    sheet.dots(
        [
            {
                "x": scale(m["value"]),
                "y": tops[m["condition"]] + 14,
                **link(m, _label(m, measure, known[m["condition"]])),
            }
            for m in marks
        ]
    )
    sheet.names([(row["graph"], top + i * ROW + 20) for i, row in enumerate(slots)])
    empty = [(top + i * ROW, row["arm"]) for i, row in enumerate(slots) if row["condition"] is None]
    sheet.boxes([{"x": 0, "x2": sheet.width, "y": y + 6, "y2": y + 34} for y, _ in empty], "muted", dashed=True)
    words = [{"x": 7, "y": y + 20, "text": f"needs {arm}"} for y, arm in empty]
    sheet.words(words, "muted", size=11.5, italic=True)
    if not slots:
        sheet.note("no episode with a focal seat yet", top)
    return below


def _nulls(sheet: Sheet, rows: Sequence[Mapping[str, Any]], tops: Mapping[str, float], scale: Scale) -> None:
    known = [(row, tops[row["condition"]]) for row in rows if row["null_mean"] is not None]
    bands: list[Value] = [
        {
            "x": scale(row["null_low"]),
            "x2": max(scale(row["null_high"]), scale(row["null_low"]) + 2),
            "y": y + 5,
            "y2": y + 35,
        }
        for row, y in known
    ]
    sheet.boxes(bands, "pale")
    sheet.lines([_tick(scale(row["null_mean"]), y) for row, y in known], "floor", thick=2)


def _tick(x: float, top: float) -> Value:
    return {"x": x, "x2": x, "y": top + 5, "y2": top + 35}


def _most(measure: str, values: Sequence[float], most_points: int) -> float:
    """The end of a panel's axis: all points there are, a multiple of four cascades, the gini of a single winner."""
    if measure == "points":
        return most_points
    return 0.8 if measure == "gini" else max(4, 4 * math.ceil(max([*values, 0.0]) / 4))


def _label(mark: Mapping[str, Any], measure: str, row: Mapping[str, Any]) -> str:
    mean = spanned(row["value"], row["ci_low"], row["ci_high"], FORMS[measure])
    return f"{mark['model']}, {mark['part']}: {mark['value']:.3g} (mean {mean})"
