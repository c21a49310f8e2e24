"""The figure of a comparison: two sides on their matched seeds, a dot for each episode, a line for each pair."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from di_assets.report.figures.rendering import Figure, drawn
from di_assets.report.figures.sheet import BASE, Scale, Sheet, by_whom

# In pixels: the two lanes that the pairs' lines connect, and the space for a name above the first and below the second.
NAME, LANE, BETWEEN = 20, 22, 90


def compared(comparison: Mapping[str, Any]) -> Figure:
    """Points of both sides of every pair that is drawn. Each dot links to its pair.

    Args:
        comparison: `names` and `means` of the two sides, `most_points`, `scripted`, `alt`, and `pairs` with seed, gap
            and the episode_id, focal_model and focal_points of both sides (`_left`, `_right`).
    """
    title = "Points received per episode on matched seeds"
    return drawn(lambda sheet: _draw(sheet, comparison), title=title, of=comparison)


def _draw(sheet: Sheet, comparison: Mapping[str, Any]) -> None:
    most = comparison["most_points"]
    scale = Scale(0, most, sheet.width)
    heights = (NAME + LANE / 2, NAME + LANE + BETWEEN + LANE / 2)
    names = (NAME / 2, heights[1] + LANE / 2 + NAME / 2 + 2)
    bottom = names[1] + NAME / 2
    title = by_whom(f"points received per episode ({most} possible)", comparison)
    ticks = [(most * k / 4, f"{most * k / 4:g}") for k in range(5)]
    sheet.height = sheet.axis(scale, ticks, top=0, bottom=bottom, title=title)
    pairs = comparison["pairs"]
    ends = [(scale(pair["focal_points_left"]), scale(pair["focal_points_right"])) for pair in pairs]
    sheet.joins(
        [
            {"x": x, "x2": x2, "y": heights[0], "y2": heights[1], **_pair(pair)}
            for pair, (x, x2) in zip(pairs, ends, strict=True)
        ],
        "off",
    )
    for place, (which, y) in enumerate(zip(("left", "right"), heights, strict=True)):
        sheet.dots([{"x": end[place], "y": y, **_episode(pair, which)} for pair, end in zip(pairs, ends, strict=True)])
        mean = scale(comparison["means"][place])
        sheet.lines([{"x": mean, "x2": mean, "y": y - LANE / 2, "y2": y + LANE / 2}], "ink", thick=2.5)
        room = int(sheet.width / 6.6)
        name = comparison["names"][place]
        short = name if len(name) <= room else name[: room - 1] + "…"
        sheet.words([{"x": 0, "y": names[place], "text": short}])


def _pair(pair: Mapping[str, Any]) -> dict[str, Any]:
    left, right = (pair[f"episode_id_{side}"] for side in ("left", "right"))
    label = f"seed {pair['seed']}, a gap of {pair['gap']:+g} points: {left} beside {right}"
    return {"href": f"{BASE}compare?left={quote(left, safe='')}&right={quote(right, safe='')}", "label": label}


def _episode(pair: Mapping[str, Any], which: str) -> dict[str, Any]:
    episode = pair[f"episode_id_{which}"]
    label = f"{pair[f'focal_model_{which}']}, seed {pair['seed']}, {pair[f'focal_points_{which}']:g} points: open episode {episode}"
    return {"href": f"{BASE}transcript?episode={quote(episode, safe='')}", "label": label}
