"""The drawings of a probe's report. Only numbers are written into them; names stand in the page around."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator

from negspace.report.numbers import Summary, count, number, percent
from negspace.report.probe_views import measured
from negspace.report.sheet import ACCENT, INK, LINE, SERIES, SOFT, percent_ticks, sheet
from negspace.report.svg import drawing, inline_svg

__all__ = ["Line", "layer_panel", "retention_curve", "temperature_curve", "tick"]

_WIDE, _BOX = (368, 190), (58, 20, 300, 162)
_PLAIN = re.compile(r"[\w.\-]{1,8}", re.ASCII)
_MOST_TICKS = 14
# From this ratio of the largest to the smallest on, a straight axis would show the largest alone.
_LOGARITHMIC = 50


@dataclass(frozen=True)
class Line:
    """Values over the layers.

    Attributes:
        values: One a layer; None where there is none.
        low: Where the band around them begins; empty for none.
        high: Where it ends.
    """

    values: tuple[float | None, ...]
    low: tuple[float | None, ...] = ()
    high: tuple[float | None, ...] = ()


def layer_panel(layers: Sequence[str], lines: Sequence[Line], name: str, what: str) -> Markup | None:
    """One measure over the layers, in the order the text passes them.

    Args:
        layers: As the model names them.
        lines: At most as many as there are series.
        name: Starts every id of the drawing.
        what: The measure, for the text alternative.

    Returns:
        The drawing, or None where no line has a value.
    """
    known = [v for line in lines for v in map(number, (*line.values, *line.low, *line.high)) if v is not None]
    if not any(number(value) is not None for line in lines for value in line.values):
        return None
    with drawing():
        figure, axes = sheet(*_WIDE, _BOX)
        axes.set_xlim(-0.3, len(layers) - 0.7)
        _measured_axis(axes, known)
        _layer_ticks(axes, layers)
        tips: dict[str, str] = {}
        for place, line in enumerate(lines):
            _band(axes, [float(at) for at in range(len(layers))], line, SERIES[place % len(SERIES)][0])
            tips |= _dotted(axes, layers, line.values, place)
        first = [v for v in map(number, lines[0].values) if v is not None] or known
        label = f"{what} over {len(layers)} layers, from {measured(min(first))} to {measured(max(first))}."
        return inline_svg(figure, name=name, label=label, tips=tips)


def _layer_ticks(axes: Axes, layers: Sequence[str]) -> None:
    """Name the layers, not more than fit, and only with names that are no text of a stranger's."""
    step = math.ceil(len(layers) / _MOST_TICKS)
    shown = range(0, len(layers), step)
    names = [layers[at] if _PLAIN.fullmatch(layers[at]) else f"({at + 1})" for at in shown]
    axes.set_xticks(list(shown), names)
    if len(names) > 8:
        axes.tick_params(axis="x", labelsize=9)


def _dotted(axes: Axes, names: Sequence[str], values: Sequence[float | None], place: int) -> dict[str, str]:
    """A line with a dot at each value; return what each dot says."""
    colour, marker = SERIES[place % len(SERIES)]
    known = [(x, v) for x, v in enumerate(map(number, values)) if v is not None]
    axes.plot([x for x, _ in known], [v for _, v in known], color=colour, linewidth=1.4, alpha=0.7)
    tips = {}
    for x, value in known:
        gid = f"at-{place}-{x}"
        tips[gid] = f"{names[x]}: {measured(value)}"
        axes.plot(x, value, marker, color=colour, markersize=5.5, markeredgewidth=0, gid=gid, clip_on=False)
    return tips


def _band(axes: Axes, xs: Sequence[float], line: Line, colour: str) -> None:
    """The band around a line, over those places that have both of its ends."""
    ends = [
        (x, low, high)
        for x, low, high in zip(xs, map(number, line.low), map(number, line.high), strict=False)
        if low is not None and high is not None
    ]
    if len(ends) == 1:
        axes.plot([ends[0][0]] * 2, ends[0][1:], color=colour, linewidth=5, alpha=0.25)
    elif ends:
        axes.fill_between(
            [x for x, _, _ in ends],
            [low for _, low, _ in ends],
            [high for _, _, high in ends],
            color=colour,
            alpha=0.18,
            linewidth=0,
        )


def _measured_axis(axes: Axes, values: Sequence[float]) -> None:
    """An upright axis in the measure's own unit, from 0 or over powers of ten."""
    low, high = min(values), max(values)
    if low > 0 and high / low > _LOGARITHMIC:
        axes.set_yscale("log")
        axes.set_ylim(low / 1.4, high * 1.4)
        first, last = math.floor(math.log10(low / 1.4)), math.ceil(math.log10(high * 1.4))
        step = math.ceil((last - first) / 5)
        axes.yaxis.set_major_locator(FixedLocator([10.0**k for k in range(first, last + 1, step)]))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(lambda value, _: tick(value))
    else:
        low, high = min(low, 0.0), max(high, 0.0)
        pad = 0.06 * (high - low) or 1.0
        axes.set_ylim(low - pad * (low < 0), high + pad)
        axes.locator_params(axis="y", nbins=5)
        axes.yaxis.set_major_formatter(lambda value, _: tick(value))
        if low < 0:
            axes.axhline(0, color=SOFT, linewidth=0.8)
    axes.yaxis.grid(visible=True, color=LINE, linewidth=0.6, alpha=0.7)
    axes.set_axisbelow(True)


def tick(value: float) -> str:
    """A number at an axis."""
    if not value:
        return "0"
    return (f"{value:,.6g}" if abs(value) < 1e6 else f"{value:g}").replace("-", "−")


def temperature_curve(curve: Summary, name: str) -> Markup | None:
    """Where the probability goes as the softmax's temperature rises: truth, near competitors, the rest.

    Args:
        curve: ``temperatures`` and the shares ``truth``, ``near`` and ``rest``, which sum to 1.
        name: Starts every id of the drawing.

    Returns:
        The drawing, or None where there is no temperature.
    """
    temperatures = [float(t) for t in curve["temperatures"]]
    parts = ("truth", "near", "rest")
    if not temperatures or all(number(value) is None for part in parts for value in curve[part]):
        return None
    with drawing():
        figure, axes = sheet(*_WIDE, (58, 44, 300, 148))
        if len(temperatures) > 1 and min(temperatures) > 0:
            axes.set_xscale("log", base=2)
        axes.set_ylim(0, 1.04)
        percent_ticks(axes, 0.0, 1.0, x=False)
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xticks(temperatures, [f"{t:g}" for t in temperatures])
        axes.set_xlabel("temperature")
        tips: dict[str, str] = {}
        said = []
        for place, part in enumerate(parts):
            colour, marker = SERIES[place]
            known = [
                (t, v) for t, v in zip(temperatures, map(number, curve[part]), strict=False) if v is not None
            ]
            axes.plot([t for t, _ in known], [v for _, v in known], color=colour, linewidth=1.4, alpha=0.7)
            for at, (t, value) in enumerate(known):
                gid = f"{part}-{at}"
                tips[gid] = f"{part} at temperature {t:g}: {percent(value)}"
                axes.plot(
                    t, value, marker, color=colour, markersize=5.5, markeredgewidth=0, gid=gid, clip_on=False
                )
            if known:
                said.append(f"{part} from {percent(known[0][1])} to {percent(known[-1][1])}")
        label = f"Share of the probability over {len(temperatures)} temperatures: {'; '.join(said)}."
        return inline_svg(figure, name=name, label=label, tips=tips)


def retention_curve(retention: Summary, name: str) -> Markup | None:
    """How much of a fragment's own gain is left after steps on others, with the half-life where there is one.

    Args:
        retention: The part ``retention`` of a summary.
        name: Starts every id of the drawing.
    """
    lags = [int(lag) for lag in retention["lags"]]
    medians = [number(value) for value in retention["median"]]
    known = [(lag, value) for lag, value in zip(lags, medians, strict=False) if value is not None]
    if not known:
        return None
    with drawing():
        figure, axes = sheet(*_WIDE, (58, 44, 300, 148))
        places = [math.log2(1 + lag) for lag in lags]
        ends = [v for v in map(number, (*retention["low"], *retention["high"], *medians)) if v is not None]
        low, high = min(0.0, *ends), max(1.0, *ends)
        pad = 0.05 * (high - low)
        axes.set_ylim(low - pad * (low < 0), high + pad)
        percent_ticks(axes, low, high, x=False)
        axes.set_xticks(places, [count(lag) for lag in lags])
        axes.set_xlabel("further steps on other fragments")
        _band(axes, places, Line((), tuple(retention["low"]), tuple(retention["high"])), ACCENT)
        axes.plot(
            [math.log2(1 + lag) for lag, _ in known], [v for _, v in known], color=ACCENT, linewidth=1.4
        )
        tips = {}
        for lag, value in known:
            tips[f"lag-{lag}"] = f"after {count(lag)} steps: {percent(value)}"
            axes.plot(
                math.log2(1 + lag),
                value,
                "o",
                color=ACCENT,
                markersize=5.5,
                markeredgewidth=0,
                gid=f"lag-{lag}",
                clip_on=False,
            )
        _half_life(axes, number(retention["half_life"]), max(lags))
        said = "; ".join(f"{percent(value)} after {count(lag)}" for lag, value in known)
        return inline_svg(figure, name=name, label=f"Median share of the own gain left: {said}.", tips=tips)


def _half_life(axes: Axes, half_life: float | None, last: int) -> None:
    axes.axhline(0.5, color=SOFT, linewidth=1, dashes=(2, 3))
    if half_life is not None and 0 <= half_life <= last:
        axes.plot([math.log2(1 + half_life)] * 2, [0, 0.5], color=INK, linewidth=1, dashes=(3, 2))
