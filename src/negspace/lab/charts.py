"""Drawings of the lab's pages. Only numbers are written into a drawing."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from negspace.reports.svg import INK, PAPER, SERIES, canvas, drawing, inline_svg, percent_ticks

_WIDTH = 368
_MOST_TICKS = 7


def draw_curve(
    lines: Sequence[Sequence[tuple[float, float, tuple[float, float] | None, Sequence[float]]]],
    published: Sequence[tuple[float, float]],
    ticks: Sequence[tuple[float, str]],
    scale: str,
    axis: tuple[int, int],
    y_limits: tuple[float, float],
    name: str,
    label: str,
) -> Markup:
    """Draw lines through means with their intervals.

    Args:
        lines: For each line its points, ascending: place, mean, interval, value at each seed.
        published: Published means: place, mean.
        ticks: All places with their names.
        scale: Scale of the lower axis: ``names``, ``linear`` or ``log``.
        axis: Where the lower axis begins, and how long it is.
        y_limits: Ends of the upright axis.
        name: Starts every id of the drawing.
        label: The text alternative.
    """
    with drawing():
        figure, axes = canvas(_WIDTH, 244, (axis[0], 22, axis[1], 214))
        axes.set(ylim=y_limits)
        percent_ticks(axes, *y_limits, x=False)
        _x_axis(axes, ticks, scale)
        for (colour, marker), points in zip(SERIES, lines, strict=False):
            if len(lines) <= 2:  # of more, the dots would hide the lines
                for x, _, _, values in points:
                    axes.plot(
                        [x] * len(values),
                        values,
                        "o",
                        color=colour,
                        markersize=3.5,
                        alpha=0.25,
                        markeredgewidth=0,
                    )
            held = [(x, ends) for x, _, ends, _ in points if ends is not None]
            if len(held) > 1:
                lows, highs = zip(*(ends for _, ends in held), strict=True)
                axes.fill_between([x for x, _ in held], lows, highs, color=colour, alpha=0.16, linewidth=0)
            for x, ends in held:
                axes.plot((x, x), ends, color=colour, linewidth=1.3, alpha=0.8)
            places, means = [x for x, *_ in points], [mean for _, mean, *_ in points]
            axes.plot(places, means, color=colour, linewidth=1.6)
            axes.plot(places, means, marker, color=colour, markersize=5.5)
        if published:
            axes.plot(
                *zip(*published, strict=True),
                "D",
                color=PAPER,
                markersize=7,
                markeredgecolor=INK,
                markeredgewidth=1.6,
                linestyle="none",
                zorder=6,
            )
        return inline_svg(figure, name=name, label=label)


def _x_axis(axes: Axes, ticks: Sequence[tuple[float, str]], scale: str) -> None:
    """Ticks at the places themselves; names stand in the page, as they are the user's words."""
    at = [x for x, _ in ticks]
    if scale == "names":
        axes.set_xlim(-0.5, len(at) - 0.5)
        axes.set_xticks(at, [""] * len(at))
        return
    if scale == "log":
        axes.set_xscale("log")
        axes.xaxis.set_minor_locator(NullLocator())
        edge = (at[-1] / at[0]) ** 0.04
        axes.set_xlim(at[0] / edge, at[-1] * edge)
    else:
        edge = 0.04 * (at[-1] - at[0]) or 0.5
        axes.set_xlim(at[0] - edge, at[-1] + edge)
    every = math.ceil(len(at) / _MOST_TICKS)
    axes.set_xticks(at[::every], [said for _, said in ticks[::every]])
