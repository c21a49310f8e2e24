"""Renders a figure: Vega-Lite turns the marks on a sheet into SVG, without a network."""

import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import vl_convert as vlc

from di_assets.report.figures.colours import LIGHT, THEMED
from di_assets.report.figures.sheet import BASE, Sheet

SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
WIDE, NARROW = 560, 240
PNG_SCALE = 2.0
GRAMMAR = "https://vega.github.io/schema/vega-lite/v6.json"
SPAN = {"x2": {"field": "x2"}, "y2": {"field": "y2"}}
SHADE = {"fillOpacity": {"field": "depth", "type": "quantitative", "scale": None, "legend": None}}
FONT = "Georgia, 'Times New Roman', 'Liberation Serif', serif"


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure in three renderings: the download (light, without links), and two for the page (both themes, links)."""

    download: str
    wide: str
    narrow: str


def drawn(draw: Callable[[Sheet], None], *, title: str, of: Mapping[str, Any]) -> Figure:
    """Renders what `draw` puts on a sheet.

    Args:
        draw: puts the marks on a sheet of any width.
        title: title of the figure.
        of: the data of the figure. `alt` describes it in words; `scripted` says that scripted agents played.
    """
    title, alt = title + (" (scripted agents)" if of["scripted"] else ""), of["alt"]
    wide, narrow = (_render(draw, width) for width in (WIDE, NARROW))
    return Figure(
        download=_finish(wide, title, alt, page=False),
        wide=_finish(wide, title, alt, page=True),
        narrow=_finish(narrow, title, alt, page=True),
    )


def png(svg: str, *, scale: float = PNG_SCALE) -> bytes:
    """The download as PNG. `scale` is the number of pixels per unit of the drawing."""
    return bytes(vlc.svg_to_png(svg, scale=scale))


def specified(sheet: Sheet) -> dict[str, Any]:
    """The sheet as a Vega-Lite specification: a layer for each kind of mark, on axes that count pixels."""
    channels = {
        "x": {"field": "x", "type": "quantitative", "axis": None, "scale": {"domain": [0, sheet.width], "nice": False}},
        "y": {
            "field": "y",
            "type": "quantitative",
            "axis": None,
            "scale": {"domain": [0, sheet.height], "nice": False, "reverse": True},
        },
    }
    return {
        "$schema": GRAMMAR,
        "config": {"font": FONT, "view": {"stroke": None}},
        "background": "transparent",
        "padding": 6,
        "width": sheet.width,
        "height": sheet.height,
        "layer": [
            {
                "mark": {"type": layer.mark, **layer.look},
                "encoding": {
                    **channels,
                    **layer.channels,
                    **(SPAN if layer.span else {}),
                    **(SHADE if layer.shaded else {}),
                },
                "data": {"values": layer.values},
            }
            for layer in sheet.layers
        ],
    }


def _render(draw: Callable[[Sheet], None], width: int) -> str:
    sheet = Sheet(width)
    draw(sheet)
    # Not checked against the schema of Vega-Lite here: that takes longer than the rest. The tests check it.
    return str(vlc.vegalite_to_svg(specified(sheet), allowed_base_urls=[]))


def _finish(svg: str, title: str, alt: str, *, page: bool) -> str:
    """Finishes an SVG: adds title and description, and themes.

    Links become relative and get a name on a page; a download has no links. A page gets colours for both themes.
    """
    ET.register_namespace("", SVG)
    ET.register_namespace("xlink", XLINK)
    root = ET.fromstring(svg)  # noqa: S314 -- our own renderer's output
    for element in root.iter(f"{{{SVG}}}a"):
        _mend_link(element, keep=page)
    for element in root.iter():
        for name in ("fill", "stroke"):
            colour = element.get(name)
            if page and colour is not None and colour in THEMED:
                element.set(name, f"light-dark({colour}, {THEMED[colour]})")
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
        root.attrib.pop("role", None)  # the role `img` would hide the links inside
    else:
        root.set("role", "img")
        root.insert(2, ET.Element(f"{{{SVG}}}rect", {"width": "100%", "height": "100%", "fill": LIGHT["halo"]}))
