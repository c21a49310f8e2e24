"""Figure of Question 1: paired bars, messages on and off. The gap between the two bars is the lift."""

from collections.abc import Mapping, Sequence
from typing import Any

from di_assets.report.figures.rendering import Figure, drawn
from di_assets.report.figures.sheet import Scale, Sheet, by_whom, link, spanned

# Heights in one row of the figure, in pixels: the bar with messages on, the slot for messages off, white space.
BAR, GAP, ROW = 22, 4, 66


def paired_bars(question: Mapping[str, Any]) -> Figure:
    """Paired bars of `summary.questions.q1`; empty axes with a note if there are no focal episodes."""
    return drawn(
        lambda sheet: _draw(sheet, question), title="Points received per episode, messages on and off", of=question
    )


def _draw(sheet: Sheet, question: Mapping[str, Any]) -> None:
    halves = {name: {h["model"]: h for h in question["lift"][f"messages_{name}"] or []} for name in ("on", "off")}
    models = list(dict.fromkeys([*halves["on"], *halves["off"]]))
    most, bottom = question["most_points"], max(1, len(models)) * ROW
    scale = Scale(0, most, sheet.width)
    title = by_whom(f"points received per episode ({most} possible)", question)
    ticks = [(most * k / 4, f"{most * k / 4:g}") for k in range(5)]
    sheet.height = sheet.axis(scale, ticks, top=0, bottom=bottom, title=title)
    waiting = [i for i, model in enumerate(models) if model not in halves["off"]]
    sheet.boxes([{"x": 0, "x2": sheet.width, **_lane(i, 1)} for i in waiting], "muted", dashed=True)
    for lane, name in enumerate(("on", "off")):
        rows = [(i, halves[name][model]) for i, model in enumerate(models) if model in halves[name]]
        sheet.boxes([{"x": 0, "x2": scale(half["points_mean"]), **_lane(i, lane)} for i, half in rows], name)
        floors = [
            {"x": scale(floor), "x2": scale(floor), **_lane(i, lane)}
            for i, half in rows
            if name == "on" and (floor := half["floor_points_mean"]) is not None
        ]
        sheet.lines(floors, "floor", thick=2.5)
        bounds = [(i, half["ci"]) for i, half in rows if half["ci"]]
        sheet.intervals((scale(low), scale(high), _top(i, lane) + 18) for i, (low, high) in bounds)
        places = {model: i for i, model in enumerate(models)}
        sheet.dots(
            [
                {
                    "x": scale(mark["value"]),
                    "y": _top(places[mark["model"]], lane) + 8,
                    **link(mark, _label(mark, halves[name][mark["model"]])),
                }
                for mark in question["marks"]
                if mark["part"] == name
            ]
        )
    sheet.names([(model, _top(i, 0) + BAR + GAP / 2) for i, model in enumerate(models)])
    if not models:
        sheet.note("no focal episode has been played yet", ROW / 2 - 8)
    for i in waiting[:1]:
        sheet.words([{"x": 7, "y": _top(i, 1) + 1 + BAR / 2, "text": _slot(question["needs"], sheet.width)}], "muted", size=11.5, italic=True)  # fmt: skip


def _label(mark: Mapping[str, Any], half: Mapping[str, Any]) -> str:
    low, high = half["ci"] or (None, None)
    mean = spanned(half["points_mean"], low, high, ".1f")
    return f"{mark['model']}, messages {mark['part']}, {mark['value']:g} points (mean {mean})"


def _slot(needs: str | None, width: float) -> str:
    """The text in the first empty slot: what it waits for, shortened if there is not enough space."""
    arms: Sequence[str] = (needs or "its control").split(", ")
    whole = f"messages off — needs {arms[0]}"
    return whole if len(whole) * 5.6 < width - 14 else f"off — needs {arms[0]}"


def _top(row: int, lane: int) -> float:
    return row * ROW + lane * (BAR + GAP)


def _lane(row: int, lane: int) -> dict[str, float]:
    return {"y": _top(row, lane) + 1, "y2": _top(row, lane) + 1 + BAR}
