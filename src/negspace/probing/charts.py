"""The drawings of a probe's report. Only numbers are written into them; names stand in the page around."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator

from negspace.probing.findings import RetentionCurve, TemperatureCurve
from negspace.probing.fragment_map import ROLES, Axis, FragmentMap
from negspace.reports.numbers import count, measured, number, percent
from negspace.reports.svg import (
    ACCENT,
    INK,
    LINE,
    SERIES,
    SOFT,
    WARN,
    canvas,
    drawing,
    inline_svg,
    percent_ticks,
)

_Values: TypeAlias = Sequence[float | None]

_WIDE, _BOX, _NAMED_BOX = (368, 190), (58, 20, 300, 162), (58, 44, 300, 148)
_PLAIN = re.compile(r"[\w.\-]{1,8}", re.ASCII)
_MOST_TICKS = 14
# From this ratio of the largest to the smallest on, a straight axis would show the largest alone.
_LOGARITHMIC = 50
_DOT: Any = {"markeredgewidth": 0, "clip_on": False}
_ROLE_DOTS = {
    "structure": (ACCENT, "o"),
    "fact": ("#070707", "^"),
    "noise": (WARN, "D"),
    "unsure": (SOFT, "s"),
    None: (ACCENT, "o"),
}


def draw_layers(
    layers: Sequence[str], drawn: Sequence[tuple[_Values, _Values, _Values]], name: str, label: str
) -> Markup:
    """Draw one metric over the layers, in the order the text passes them; at least one value is known.

    A line is its values, None where there is none, and the ends of the band around them (empty for none).
    """
    known = [v for line in drawn for part in line for v in map(number, part) if v is not None]
    with drawing():
        figure, axes = canvas(*_WIDE, _BOX)
        axes.set_xlim(-0.3, len(layers) - 0.7)
        low, high = min(known), max(known)
        if low > 0 and high / low > _LOGARITHMIC:
            axes.set_yscale("log")
            axes.set_ylim(low / 1.4, high * 1.4)
            _powers_of_ten(axes, "y", low / 1.4, high * 1.4, 5)
        else:
            low, high = min(low, 0.0), max(high, 0.0)
            pad = 0.06 * (high - low) or 1.0
            axes.set_ylim(low - pad * (low < 0), high + pad)
            axes.locator_params(axis="y", nbins=5)
            axes.yaxis.set_major_formatter(lambda value, _: _tick(value))
            if low < 0:
                axes.axhline(0, color=SOFT, linewidth=0.8)
        axes.yaxis.grid(visible=True, color=LINE, linewidth=0.6, alpha=0.7)
        axes.set_axisbelow(True)
        # Not more names than fit, and only such as are no text of a stranger's.
        shown = range(0, len(layers), math.ceil(len(layers) / _MOST_TICKS))
        names = [layers[at] if _PLAIN.fullmatch(layers[at]) else f"({at + 1})" for at in shown]
        axes.set_xticks(list(shown), names)
        if len(names) > 8:
            axes.tick_params(axis="x", labelsize=9)
        tips: dict[str, str] = {}
        places = [float(at) for at in range(len(layers))]
        for place, (values, lows, highs) in enumerate(drawn):
            _band(axes, places, lows, highs, SERIES[place % len(SERIES)][0])
            said = [f"{layer}: {measured(value)}" for layer, value in zip(layers, values, strict=True)]
            tips |= _dotted(axes, places, values, place, f"at-{place}", said)
        return inline_svg(figure, name=name, label=label, tips=tips)


def draw_temperature(curve: TemperatureCurve, name: str, label: str) -> Markup:
    """Draw where the probability goes as the softmax's temperature rises: truth, near competitors, rest."""
    temperatures = [float(t) for t in curve.temperatures]
    with drawing():
        figure, axes = canvas(*_WIDE, _NAMED_BOX)
        if len(temperatures) > 1 and min(temperatures) > 0:
            axes.set_xscale("log", base=2)
        axes.set_ylim(0, 1.04)
        percent_ticks(axes, 0.0, 1.0, x=False)
        axes.xaxis.set_minor_locator(NullLocator())
        axes.set_xticks(temperatures, [f"{t:g}" for t in temperatures])
        axes.set_xlabel("temperature")
        tips: dict[str, str] = {}
        for place, part in enumerate(("truth", "near", "rest")):
            values: tuple[float | None, ...] = getattr(curve, part)
            known = zip(temperatures, values, strict=True)
            said = [f"{part} at temperature {t:g}: {percent(v)}" for t, v in known]
            tips |= _dotted(axes, temperatures, values, place, part, said)
        return inline_svg(figure, name=name, label=label, tips=tips)


def draw_retention(curve: RetentionCurve, name: str, label: str) -> Markup:
    """Draw how much of a fragment's own gain is left after steps on others, and the half-life if any."""
    with drawing():
        figure, axes = canvas(*_WIDE, _NAMED_BOX)
        places = [math.log2(1 + lag) for lag in curve.lags]
        ends = [v for v in map(number, (*curve.low, *curve.high, *curve.median)) if v is not None]
        low, high = min(0.0, *ends), max(1.0, *ends)
        pad = 0.05 * (high - low)
        axes.set_ylim(low - pad * (low < 0), high + pad)
        percent_ticks(axes, low, high, x=False)
        axes.set_xticks(places, [count(lag) for lag in curve.lags])
        axes.set_xlabel("further steps on other fragments")
        _band(axes, places, curve.low, curve.high, ACCENT)
        known = zip(curve.lags, curve.median, strict=True)
        said = [f"after {count(lag)} steps: {percent(v)}" for lag, v in known]
        tips = _dotted(axes, places, curve.median, 0, "lag", said)
        axes.axhline(0.5, color=SOFT, linewidth=1, dashes=(2, 3))
        half_life = number(curve.half_life)
        if half_life is not None and 0 <= half_life <= max(curve.lags):
            axes.plot([math.log2(1 + half_life)] * 2, [0, 0.5], color=INK, linewidth=1, dashes=(3, 2))
        return inline_svg(figure, name=name, label=label, tips=tips)


def draw_map(map_: FragmentMap, name: str, label: str) -> Markup:
    """Draw where each fragment stands between two numbers, its role in its dot."""
    with drawing():
        figure, axes = canvas(368, 330, (62, 44, 296, 276))
        _scale(axes, map_.across, "x")
        _scale(axes, map_.up, "y")
        across, up = map_.across.column, map_.up.column
        axes.set_xlabel(_word(across.name))
        axes.set_ylabel(_word(up.name))
        tips: dict[str, str] = {}
        # The undecided ones first, so that they lie below.
        for role, rows in reversed(tuple(map_.rows.items())):
            colour, marker = _ROLE_DOTS.get(role, _ROLE_DOTS["unsure"])
            for row in rows:
                x, y = float(across.values[row]), float(up.values[row])
                tips[f"row-{row}"] = (
                    f"fragment {map_.fragments[row].row}{f', {role}' if role in ROLES else ''}: "
                    f"{_word(across.name)} {measured(x)}, {_word(up.name)} {measured(y)}"
                )
                x = min(max(x, map_.across.low), map_.across.high)
                y = min(max(y, map_.up.low), map_.up.high)
                alpha = 0.35 if role == "unsure" else 0.6
                axes.plot(x, y, marker, color=colour, markersize=5, alpha=alpha, gid=f"row-{row}", **_DOT)
        return inline_svg(figure, name=name, label=label, tips=tips)


def _dotted(
    axes: Axes, xs: Sequence[float], values: Sequence[float | None], place: int, gid: str, said: Sequence[str]
) -> dict[str, str]:
    """A line with a dot at each known value; return what each dot says."""
    colour, marker = SERIES[place % len(SERIES)]
    known = [(at, v) for at, v in enumerate(map(number, values)) if v is not None]
    axes.plot([xs[at] for at, _ in known], [v for _, v in known], color=colour, linewidth=1.4, alpha=0.7)
    for at, value in known:
        axes.plot(xs[at], value, marker, color=colour, markersize=5.5, gid=f"{gid}-{at}", **_DOT)
    return {f"{gid}-{at}": said[at] for at, _ in known}


def _band(axes: Axes, xs: Sequence[float], lows: _Values, highs: _Values, colour: str) -> None:
    """The band around a line, over those places that have both of its ends."""
    ends = [
        (x, low, high)
        for x, low, high in zip(xs, map(number, lows), map(number, highs), strict=False)
        if low is not None and high is not None
    ]
    if len(ends) == 1:
        axes.plot([ends[0][0]] * 2, ends[0][1:], color=colour, linewidth=5, alpha=0.25)
    elif ends:
        x, low, high = zip(*ends, strict=True)
        axes.fill_between(x, low, high, color=colour, alpha=0.18, linewidth=0)


def _scale(axes: Axes, along: Axis, which: Literal["x", "y"]) -> None:
    axis = axes.xaxis if which == "x" else axes.yaxis
    setter = axes.set_xlim if which == "x" else axes.set_ylim
    if along.logarithmic:
        (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    setter(along.low, along.high)
    if along.logarithmic:
        _powers_of_ten(axes, which, along.low, along.high, 6)
    else:
        axes.locator_params(axis=which, nbins=6)
        axis.set_major_formatter(lambda value, _: _tick(value))
        if along.low < 0 < along.high:
            (axes.axvline if which == "x" else axes.axhline)(0, color=SOFT, linewidth=1)
    axis.grid(visible=True, color=LINE, linewidth=0.6, alpha=0.7)
    axes.set_axisbelow(True)


def _powers_of_ten(axes: Axes, which: Literal["x", "y"], low: float, high: float, most: int) -> None:
    axis = axes.xaxis if which == "x" else axes.yaxis
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    axis.set_major_locator(FixedLocator([10.0**k for k in powers[:: math.ceil(len(powers) / most)]]))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(lambda value, _: _tick(value))


def _tick(value: float) -> str:
    """A number at an axis."""
    if not value:
        return "0"
    return (f"{value:,.6g}" if abs(value) < 1e6 else f"{value:g}").replace("-", "−")


def _word(name: str) -> str:
    """The name of a number, if it is one of ours: a drawing holds no text of a stranger's."""
    return name if re.fullmatch(r"[a-z0-9 \-]{1,30}", name) else name.partition(" ")[0][:9]
