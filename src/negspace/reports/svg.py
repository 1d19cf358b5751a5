"""A matplotlib figure as inline SVG that scales, follows the page's colours and clashes with no other."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from xml.etree import ElementTree as ET

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from negspace.reports.textdiff import visible

# What a figure is drawn with -> what the page shows. Figures are drawn in stand-in colours; the
# page's custom properties decide, so that one figure serves light, dark and print.
COLOURS: Mapping[str, str] = {
    "#010101": "var(--ink)",
    "#020202": "var(--soft)",
    "#030303": "var(--line)",
    "#040404": "var(--accent)",
    "#050505": "var(--warn)",
    "#060606": "var(--paper)",
    "#070707": "var(--series-2)",
    "#080808": "var(--series-3)",
}
_COLOUR = re.compile("|".join(COLOURS))
_REFERENCE = re.compile(r"url\(#([^)]+)\)")
_FONT_FAMILY = re.compile(r"font-family:[^;]*;?\s*")
_DROPPED = ("metadata", "style")
# Nothing global is touched: these hold inside drawing() only.
_SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "negspace",
    "text.parse_math": False,
    "font.size": 11.0,
    "axes.unicode_minus": True,
}


@contextmanager
def drawing() -> Iterator[None]:
    """The settings under which figures are made and written; the caller's own come back after it."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_SETTINGS)
        yield


def inline_svg(figure: Figure, *, name: str, label: str, tips: Mapping[str, str] | None = None) -> Markup:
    """Write a figure as an ``<svg>`` element to stand in an HTML page.

    Call inside :func:`drawing`. The same figure gives the same bytes.

    Args:
        figure: Drawn with the stand-in colours of :data:`COLOURS`.
        name: Starts every id of the drawing; distinct for each figure of a page.
        label: Text alternative.
        tips: For an artist's ``gid``, the text shown when the pointer rests on it.
    """
    buffer = io.StringIO()
    FigureCanvasSVG(figure).print_svg(buffer, metadata={"Date": None})  # type: ignore[no-untyped-call]
    root = ET.fromstring(buffer.getvalue())  # noqa: S314  written by matplotlib a line above
    box = root.get("viewBox", "0 0 1 1")
    root.attrib.clear()
    root.attrib.update({"viewBox": box, "role": "img", "aria-label": visible(label), "class": "plot"})
    root.set("style", "display:block;width:100%;height:auto;stroke-linejoin:round;stroke-linecap:butt")
    _strip(root)
    used = _references(root)
    for element in list(root.iter()):
        gid = _rewrite(element, name, used)
        if tips and gid in tips:
            title = ET.Element("title")
            title.text = visible(tips[gid])
            element.insert(0, title)
    return Markup(ET.tostring(root, encoding="unicode"))  # noqa: S704  serialised, so escaped, by ElementTree


def _strip(root: ET.Element) -> None:
    """Drop namespaces (HTML needs none) and whatever would reach beyond the drawing."""
    for parent in root.iter():
        for child in list(parent):
            if _local(child.tag) in _DROPPED:
                parent.remove(child)
    for element in root.iter():
        element.tag = _local(element.tag)
        element.text = element.text if element.text and element.text.strip() else None
        element.tail = None
        for key in [k for k in element.attrib if k.startswith("{")]:
            element.set(_local(key), element.attrib.pop(key))


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _references(root: ET.Element) -> set[str]:
    used: set[str] = set()
    for element in root.iter():
        for key, value in element.attrib.items():
            if key == "href":
                used.add(value.removeprefix("#"))
            used.update(_REFERENCE.findall(value))
    return used


def _rewrite(element: ET.Element, name: str, used: set[str]) -> str:
    """Make one element's ids, colours and typeface the page's; return the id it was drawn with."""
    drawn = element.attrib.pop("id", "")
    if drawn in used:
        element.set("id", f"{name}-{drawn}")
    for key, value in list(element.attrib.items()):
        if key == "href":
            element.set(key, f"#{name}-{value.removeprefix('#')}")
        elif key in {"style", "clip-path"}:
            ours = _REFERENCE.sub(rf"url(#{name}-\1)", value)
            ours = _COLOUR.sub(lambda match: COLOURS[match.group()], ours)
            # A named typeface would be the drawing machine's; without one the page's own holds.
            element.set(key, _FONT_FAMILY.sub("", ours))
    return drawn
