"""Figures and axes that charts are drawn on: sizes in points, stand-in colours, ticks in per cent."""

from __future__ import annotations

import math

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from negspace.reports.numbers import percent

INK, SOFT, LINE, ACCENT, WARN, PAPER = (f"#{d:02d}{d:02d}{d:02d}" for d in range(1, 7))
# One thing is drawn in the accent colour; several differ in colour and in shape.
SERIES = ((ACCENT, "o"), (WARN, "D"), ("#070707", "^"), ("#080808", "s"))
_POINT = 1 / 72
_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)


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
