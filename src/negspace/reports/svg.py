"""Figures to draw on, and each as inline SVG that follows the page's colours and clashes with no other."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from xml.etree import ElementTree as ET

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from negspace.reports.numbers import percent
from negspace.reports.textdiff import visible

INK, SOFT, LINE, ACCENT, WARN, PAPER = (f"#{d:02d}{d:02d}{d:02d}" for d in range(1, 7))
# One thing is drawn in the accent colour; several differ in colour and in shape.
SERIES = ((ACCENT, "o"), (WARN, "D"), ("#070707", "^"), ("#080808", "s"))
_POINT = 1 / 72
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)
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


def canvas(width: int, height: int, box: tuple[int, int, int, int]) -> tuple[Figure, Axes]:
    """A figure of ``width`` x ``height`` points with axes at ``box`` (left, bottom, width, height)."""
    figure = Figure(figsize=(width * _POINT, height * _POINT))
    figure.patch.set_visible(False)
    return figure, add_axes(figure, box, width, height)


def add_axes(figure: Figure, box: tuple[int, int, int, int], width: int, height: int) -> Axes:
    """Axes at ``box`` of a figure of ``width`` x ``height`` points."""
    left, bottom, across, up = box
    axes = figure.add_axes((left / width, bottom / height, across / width, up / height))
    axes.patch.set_visible(False)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(LINE)
    axes.tick_params(color=LINE, labelcolor=SOFT, length=3, labelsize=10.5)
    axes.xaxis.label.set_color(INK)
    axes.yaxis.label.set_color(INK)
    axes.yaxis.set_label_coords(-(left - 12) / across, 0.5)
    return axes


def percent_ticks(axes: Axes, low: float, high: float, *, x: bool = True, y: bool = True) -> None:
    """Round shares between ``low`` and ``high`` as ticks in per cent, with a grid."""
    step = next((s for s in _STEPS if (high - low) / s <= 7), 1.0)
    ticks = [k * step for k in range(math.ceil(low / step), math.floor(high / step) + 1)]
    said = [percent(tick, 0) for tick in ticks]
    if y:
        axes.set_yticks(ticks, said)
        axes.yaxis.grid(visible=True, color=LINE, linewidth=0.6, alpha=0.7)
    if x:
        axes.set_xticks(ticks, said)
        axes.xaxis.grid(visible=True, color=LINE, linewidth=0.6, alpha=0.7)
    axes.set_axisbelow(True)


def inline_svg(figure: Figure, *, name: str, label: str, tips: Mapping[str, str] | None = None) -> Markup:
    """Write a figure as an ``<svg>`` element to stand in an HTML page; the same figure gives the same bytes.

    Call inside :func:`drawing`, drawn with the stand-in colours of :data:`COLOURS`. ``name`` starts every id
    of the drawing and is distinct on a page; ``label`` is the text alternative; ``tips`` is, for an artist's
    ``gid``, what is shown when the pointer rests on it.
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
