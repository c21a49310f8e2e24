"""A figure in its renderings: what is put on a sheet, drawn by Altair into SVG without a network."""

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
    """A figure in its three renderings: the download (light, plain), and two for the page (both themes, with links)."""

    download: str
    wide: str
    narrow: str


def drawn(draw: Callable[[Sheet], None], *, title: str, of: Mapping[str, Any]) -> Figure:
    """The three renderings of what `draw` puts on a sheet.

    Args:
        draw: puts the marks on a sheet of any width.
        title: of the figure.
        of: what is drawn: `alt` is the figure in words, `scripted` says that scripted agents played.
    """
    title, alt = title + (" (scripted agents)" if of["scripted"] else ""), of["alt"]
    wide, narrow = (_render(draw, width) for width in (WIDE, NARROW))
    return Figure(
        download=_finish(wide, title, alt, page=False),
        wide=_finish(wide, title, alt, page=True),
        narrow=_finish(narrow, title, alt, page=True),
    )


def png(svg: str, *, scale: float = PNG_SCALE) -> bytes:
    """A download as a picture of pixels, so many a unit of the drawing."""
    return bytes(vlc.svg_to_png(svg, scale=scale))


def specified(sheet: Sheet) -> Any:
    """The Altair chart of what is on a sheet."""
    # Takes most of a second to import, and the asset graph is loaded far more often than a figure is drawn.
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
    # Checked against the schema by the tests: that takes as long as all the rest.
    return str(vlc.vegalite_to_svg(specified(sheet).to_dict(validate=False), allowed_base_urls=[]))


def _finish(svg: str, title: str, alt: str, *, page: bool) -> str:
    """Links made relative and named (page) or dropped (download), colours for both themes (page), title and desc."""
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
        root.attrib.pop("role", None)  # an image role would hide the links inside
    else:
        root.set("role", "img")
        root.insert(2, ET.Element(f"{{{SVG}}}rect", {"width": "100%", "height": "100%", "fill": LIGHT["halo"]}))
