"""Figure of Question 5: promises kept and broken by each model, and the points that each kind brings."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from di_assets.report.figures.rendering import Figure, drawn
from di_assets.report.figures.sheet import Scale, Sheet, by_whom, link, spanned

ROW, PANEL = 46, 34
LEGEND = (("on", "kept"), ("off", "broken"), ("floor", "kept by chance"))


def kept_and_broken(question: Mapping[str, Any]) -> Figure:
    """The two panels of `summary.questions.q5`; empty axes with a note if there is no promise."""
    return drawn(lambda sheet: _draw(sheet, question), title="Promises kept and broken", of=question)


def _draw(sheet: Sheet, question: Mapping[str, Any]) -> None:
    rows = [row for row in question["rows"] if row["kept_share"] is not None]
    tops = {(row["model"], row["condition"]): i * ROW for i, row in enumerate(rows)}
    top = sheet.legend(LEGEND, 0) + 8
    bottom = _shares_kept(sheet, question, rows, {key: top + at for key, at in tops.items()}, top)
    sheet.height = _points(sheet, question, rows, bottom + PANEL)


def _shares_kept(
    sheet: Sheet,
    question: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    tops: Mapping[tuple[str, str], float],
    top: float,
) -> float:
    scale, bottom = Scale(0, 1, sheet.width), top + max(1, len(rows)) * ROW
    title = by_whom("share of promises kept", question)
    ticks = [(k / 4, f"{k / 4:.0%}") for k in range(5)]
    below = sheet.axis(scale, ticks, top=top, bottom=bottom, title=title)
    if not rows:
        sheet.note(f"no promise kept or broken yet{_runs(question)}", top + ROW / 2 - 8)
        return below
    at = [(row, tops[row["model"], row["condition"]]) for row in rows]
    sheet.boxes([{"x": 0, "x2": scale(row["kept_share"]), "y": y + 2, "y2": y + 24} for row, y in at], "on")
    sheet.boxes([{"x": scale(row["kept_share"]), "x2": sheet.width, "y": y + 2, "y2": y + 24} for row, y in at], "off")
    chance = [(scale(row["chance_share"]), y) for row, y in at if row["chance_share"] is not None]
    sheet.lines([{"x": x, "x2": x, "y": y + 2, "y2": y + 24} for x, y in chance], "floor", thick=2.5)
    sheet.intervals((scale(row["ci_low"]), scale(row["ci_high"]), y + 19) for row, y in at if row["ci_low"] is not None)
    known = {(row["model"], row["condition"]): row for row in rows}
    sheet.dots(
        [
            {"x": scale(m["value"]), "y": tops[_key(m)] + 9, **link(m, _label(m, known[_key(m)]))}
            for m in question["marks"]
            if m["part"] == "kept share"
        ]
    )
    counts = [
        {"x": 3, "y": y + 33, "text": f"{r['made']} made · {r['kept']} kept · {r['broken']} broken · {r['open']} open"}
        for r, y in at
    ]
    sheet.words(counts, "muted", size=11)
    sheet.names([(row["label"], y + 13) for row, y in at])
    return below


def _points(sheet: Sheet, question: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], top: float) -> float:
    """Draws a line from the points that a broken promise brings to those that a kept one brings."""
    marks = [m for m in question["marks"] if m["part"] in {"kept", "broken"} and m["value"] is not None]
    most = max(1, math.ceil(max([m["value"] for m in marks], default=0)))
    scale, bottom = Scale(0, most, sheet.width), top + max(1, len(rows)) * 28
    ticks = [(k, f"{k}") for k in range(most + 1)]
    title = "points a promise brings: kept (filled), broken (open)"
    below = sheet.axis(scale, ticks, top=top, bottom=bottom, title=title)
    if not rows:
        sheet.note(f"no points from a promise yet{_runs(question)}", top + 6)
        return below
    tops = {(row["model"], row["condition"]): top + i * 28 + 14 for i, row in enumerate(rows)}
    known = {(row["model"], row["condition"]): row for row in rows}
    spans = [
        {"x": scale(row["points_a_broken"]), "x2": scale(row["points_a_kept"]), "y": tops[key], "y2": tops[key]}
        for key, row in known.items()
        if row["points_a_kept"] is not None and row["points_a_broken"] is not None
    ]
    sheet.lines(spans, "muted", thick=1.5)
    for part, role in (("broken", "dot"), ("kept", "on")):
        sheet.dots(
            [
                {
                    "x": scale(m["value"]),
                    "y": tops[_key(m)],
                    **link(m, f"{m['model']}, {m['value']:.2f} points a {part} promise"),
                }
                for m in marks
                if m["part"] == part and _key(m) in tops
            ],
            role=role,
        )
    sheet.names([(row["label"], tops[row["model"], row["condition"]]) for row in rows])
    return below


def _key(mark: Mapping[str, Any]) -> tuple[str, str]:
    return mark["model"], mark["condition"]


def _label(mark: Mapping[str, Any], row: Mapping[str, Any]) -> str:
    mean = spanned(row["kept_share"], row["ci_low"], row["ci_high"], ".1%")
    return f"{mark['model']}, {mark['value']:.1%} of promises kept (mean {mean})"


def _runs(question: Mapping[str, Any]) -> str:
    return f" — needs {question['needs']}" if question["needs"] else ""
