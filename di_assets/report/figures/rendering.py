"""Renders a figure: Altair turns the marks on a sheet into SVG, without a network."""

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


def specified(sheet: Sheet) -> Any:
    """The Altair chart of a sheet."""
    # Imported here: the import takes most of a second, and the asset graph is loaded far more often than a figure is drawn.
    import altair as alt  # noqa: PLC0415

    x = alt.X("x:Q", scale=alt.Scale(domain=[0, sheet.width], nice=False), axis=None)
    y = alt.Y("y:Q", scale=alt.Scale(domain=[0, sheet.height], reverse=True, nice=False), axis=None)
    span = {"x2": alt.X2("x2:Q"), "y2": alt.Y2("y2:Q")}
    shade = {"fillOpacity": alt.FillOpacity("depth:Q", scale=None, legend=None)}
    layers = []
    for layer in sheet.layers:
        chart = getattr(alt.Chart({"values": layer.values}), f"mark_{layer.mark}")(**layer.look)
        more = {**layer.channels, **(span if layer.span else {}), **(shade if layer.shaded else {})}
        layers.append(chart.encode(x=x, y=y, **more))
    return (
        alt.layer(*layers)
        .properties(width=sheet.width, height=sheet.height, background="transparent", padding=6)
        .configure(font=FONT)
        .configure_view(stroke=None)
    )


def _render(draw: Callable[[Sheet], None], width: int) -> str:
    sheet = Sheet(width)
    draw(sheet)
    # Not validated here: that takes as long as everything else together. The tests validate it.
    return str(vlc.vegalite_to_svg(specified(sheet).to_dict(validate=False), allowed_base_urls=[]))


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
