"""Figure of Question 2: kinds of pulls, messages on and off, and the same split if nobody talks."""

from collections.abc import Mapping
from typing import Any

from di_assets.report.figures.rendering import Figure, drawn
from di_assets.report.figures.sheet import Scale, Sheet, by_whom, link, spanned

# The lanes of a row (part -> top and height) and the height of a row, in pixels.
LANES = {"on": (0, 22), "off": (25, 20), "no talk": (48, 14)}
ROW = 80
# Distance of an interval below the middle of its lane, which leaves space for dots.
LOWER = {"on": 6, "off": 6, "no talk": 0}
KINDS = (("payback", "off"), ("solicited", "on"), ("unprompted", "pale"))
LEGEND = (("off", "pay-back"), ("on", "asked for, repays nothing"), ("pale", "neither"))


def split_bars(question: Mapping[str, Any]) -> Figure:
    """Split bars of `summary.questions.q2`; empty axes with a note if there are no episodes."""
    return drawn(lambda sheet: _draw(sheet, question), title="Kinds of pull, with and without talk", of=question)


def _draw(sheet: Sheet, question: Mapping[str, Any]) -> None:
    rows = {(row["model"], row["part"]): row for row in question["rows"]}
    models = list(dict.fromkeys(model for model, _ in rows))
    start = sheet.legend(LEGEND, 0) + 8
    tops = {model: start + i * ROW for i, model in enumerate(models)}
    bottom, scale = start + max(1, len(models)) * ROW, Scale(0, 1, sheet.width)
    title = by_whom("share of all valid pulls", question)
    ticks = [(k / 4, f"{k / 4:.0%}") for k in range(5)]
    sheet.height = sheet.axis(scale, ticks, top=start, bottom=bottom, title=title)
    if not models:
        sheet.note(f"no pull with messages on yet — needs {question['needs']}", start + ROW / 2 - 8)
    # A mixed cast has no control, so it has no slot for one.
    focal = {claim["model"] for claim in question["claims"] if claim["parts"]}
    waiting = [model for model in models if model in focal and (model, "off") not in rows]
    sheet.boxes([{"x": 0, "x2": sheet.width, **_lane(tops[model], "off")} for model in waiting], "muted", dashed=True)
    for kind, role in KINDS:
        sheet.boxes([_segment(row, kind, tops[row["model"]], scale) for row in rows.values()], role)
    sheet.intervals(
        (scale(row["ci_low"]), scale(row["ci_high"]), _middle(tops[model], part) + LOWER[part])
        for (model, part), row in rows.items()
        if row["ci_low"] is not None
    )
    sheet.dots(
        [
            {"x": scale(mark["value"]), "y": tops[mark["model"]] + 8, **link(mark, _label(mark, rows))}
            for mark in question["marks"]
            if mark["part"] == "on"
        ]
    )
    sheet.dots(
        [
            {"x": scale(mark["value"]), "y": _middle(tops[mark["model"]], "off") - 3, **link(mark, _label(mark, rows))}
            for mark in question["marks"]
            if mark["part"] == "off"
        ]
    )
    sheet.names([(model, tops[model] + 11) for model in models])
    small = [("messages off", model, "off") for model in models if model in focal]
    small += [("no talk", model, "no talk") for model in models if (model, "no talk") in rows]
    sheet.names([(text, _middle(tops[model], part)) for text, model, part in small], "muted", size=11)
    arms = (question["needs"] or "its control").split(", ")
    for model in waiting[:1]:
        sheet.words([{"x": 7, "y": _middle(tops[model], "off"), "text": f"needs {arms[0]}"}], "muted", size=11, italic=True)  # fmt: skip


def _segment(row: Mapping[str, Any], kind: str, top: float, scale: Scale) -> dict[str, Any]:
    before = 0.0
    for name, _ in KINDS:
        if name == kind:
            break
        before += row[name]
    return {"x": scale(before), "x2": scale(before + row[kind]), **_lane(top, row["part"])}


def _label(mark: Mapping[str, Any], rows: Mapping[tuple[str, str], Mapping[str, Any]]) -> str:
    row = rows[mark["model"], mark["part"]]
    mean = spanned(row["payback"], row["ci_low"], row["ci_high"], ".1%")
    return f"{mark['model']}, messages {mark['part']}, {mark['value']:.1%} pay-back (mean {mean})"


def _lane(top: float, part: str) -> dict[str, float]:
    first, height = LANES[part]
    return {"y": top + first, "y2": top + first + height}


def _middle(top: float, part: str) -> float:
    first, height = LANES[part]
    return top + first + height / 2
