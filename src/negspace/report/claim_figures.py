"""The figures of a claim: its seeds, arm by arm, and its curves. Only numbers are written into a drawing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from negspace.report.claim_views import Place, is_numeric, quantity, x_values
from negspace.report.numbers import Summary, bounds, interval, limits, mean_sd, number, percent
from negspace.report.sheet import ACCENT, INK, PAPER, SERIES, WARN, percent_ticks, sheet
from negspace.report.svg import drawing, inline_svg

__all__ = [
    "AXIS_LEFT",
    "AXIS_RIGHT",
    "Panel",
    "axis_of",
    "curve_panels",
    "is_logarithmic",
    "limits_of",
    "seed_row",
]

Limits = tuple[float, float]

_WIDTH = 368
_STRIP = (10, 348)
_CURVE = (52, 304)
AXIS_LEFT = 100 * _CURVE[0] / _WIDTH
"""Where a curve's axis begins, in per cent of the drawing's width."""
AXIS_RIGHT = 100 * (_WIDTH - sum(_CURVE)) / _WIDTH
"""What is left of the drawing's width after a curve's axis, in per cent."""
_LANE = 13
_DOT = 5.5
_MOST_TICKS = 7


def limits_of(figures: Sequence[Summary]) -> Limits | None:
    """Common limits for the strips of these figures, so that they can be compared; None without numbers."""
    values = [v for figure in figures for v in (figure["mean"], *figure["per_seed"])]
    spans = [bounds(figure["ci"]) for figure in figures]
    for published in (figure["published"] for figure in figures if figure["published"] is not None):
        mean, sd = number(published["mean"]), number(published["sd"]) or 0.0
        values.append(mean)
        spans.append(None if mean is None else (mean - sd, mean + sd))
    ends = limits(values, spans)
    return None if ends is None else _padded(*ends)


def _padded(low: float, high: float) -> Limits:
    pad = max(0.02, 0.05 * (high - low))
    return low - pad, high + pad


def seed_row(
    figure: Summary, seeds: Sequence[int], ends: Limits, name: str, *, lanes: int = 3
) -> Markup | None:
    """One arm on one test: every seed a dot, below it our mean and interval, below that the published mean.

    Args:
        figure: Of the summary's ``figures``.
        seeds: The seeds of ``per_seed``.
        ends: Of the axis, shared by all rows.
        name: Starts every id of the drawing.
        lanes: 3 with a lane for the published mean, 2 without.

    Returns:
        The drawing, or None where the arm has no number.
    """
    if not any(map(_finite, (figure["mean"], *figure["per_seed"]))):
        return None
    height = 5 + _LANE * lanes
    with drawing():
        sheet_, axes = sheet(_WIDTH, height, (_STRIP[0], 0, _STRIP[1], height))
        axes.set(xlim=ends, ylim=(0.35 - lanes, 0.75))
        axes.spines[["left", "bottom"]].set_visible(False)
        percent_ticks(axes, *ends, y=False)
        axes.tick_params(length=0, labelbottom=False)
        axes.set_yticks([])
        tips = _seed_dots(axes, figure, seeds, ends)
        _mean_lane(axes, figure)
        _published_lane(axes, figure)
        return inline_svg(sheet_, name=name, label=_describe_row(figure), tips=tips)


def _seed_dots(axes: Axes, figure: Summary, seeds: Sequence[int], ends: Limits) -> dict[str, str]:
    """Draw the seeds, those that would hide each other one above the other; return the dots' texts."""
    placed = [(float(v), seed) for v, seed in zip(figure["per_seed"], seeds, strict=False) if _finite(v)]
    width = _DOT * (ends[1] - ends[0]) / _STRIP[1]
    tips = {}
    for (x, seed), rise in zip(sorted(placed), _rises(sorted(x for x, _ in placed), width), strict=True):
        gid = f"dot-{seed}"
        tips[gid] = f"seed {seed}: {percent(x)}"
        axes.plot(
            x, rise, "o", color=ACCENT, markersize=_DOT, alpha=0.5, markeredgewidth=0, gid=gid, clip_on=False
        )
    return tips


def _rises(ascending: Sequence[float], width: float) -> list[float]:
    """How far each dot is moved up or down, so that five of a heap can be told apart."""
    steps = (0.0, 0.22, -0.22, 0.44, -0.44)
    rises: list[float] = []
    run = 0
    for place, x in enumerate(ascending):
        run = run + 1 if place and x - ascending[place - 1] < width else 0
        rises.append(steps[run % len(steps)])
    return rises


def _mean_lane(axes: Axes, figure: Summary) -> None:
    if ends := bounds(figure["ci"]):
        axes.plot(ends, (-1, -1), color=INK, linewidth=2, solid_capstyle="round")
    if _finite(figure["mean"]):
        axes.plot(figure["mean"], -1, "o", color=INK, markersize=6)


def _published_lane(axes: Axes, figure: Summary) -> None:
    published = figure["published"]
    if published is None or not _finite(published["mean"]):
        return
    mean, sd = published["mean"], number(published["sd"])
    if sd is not None:
        axes.plot((mean - sd, mean + sd), (-2, -2), color=WARN, linewidth=1.4)
    axes.plot(mean, -2, "D", color=PAPER, markersize=6, markeredgecolor=WARN, markeredgewidth=1.8)


def _describe_row(figure: Summary) -> str:
    said = f"{sum(map(_finite, figure['per_seed']))} seeds: {mean_sd(figure['mean'], figure['sd'])} %"
    if ends := interval(figure["ci"]):
        said += f", 95 % interval {ends}"
    if figure["published"] is not None:
        said += f"; published {mean_sd(figure['published']['mean'], figure['published']['sd'])} %"
    return said + "."


def axis_of(ends: Limits, name: str) -> Markup:
    """The axis under the rows of :func:`seed_row`."""
    with drawing():
        figure, axes = sheet(_WIDTH, 22, (_STRIP[0], 20, _STRIP[1], 2))
        axes.set(xlim=ends, ylim=(0, 1), yticks=[])
        axes.spines["left"].set_visible(False)
        percent_ticks(axes, *ends, y=False)
        return inline_svg(figure, name=name, label=f"Axis from {percent(ends[0])} to {percent(ends[1])}.")


@dataclass(frozen=True)
class Panel:
    """A drawing of a few series of a curve.

    Attributes:
        drawing: The drawing.
        names: Of its series, in the order of their signs.
    """

    drawing: Markup
    names: tuple[str, ...]


def curve_panels(curve: Summary, name: str) -> list[Panel]:
    """Draw a curve: a line through the means with its intervals, at most four series a panel.

    More series than there are signs would not be told apart; all panels have the same axes. The places
    of a ladder stand at equal distances and are named under the drawing.

    Args:
        curve: Of the summary's ``curves``.
        name: Starts every id of the drawings.

    Returns:
        The panels; none where the curve has no number.
    """
    y_limits = _y_limits(curve)
    if y_limits is None:
        return []
    size = len(SERIES)
    series = [curve["series"][at : at + size] for at in range(0, len(curve["series"]), size)]
    return [
        Panel(
            _panel(curve, few, y_limits, f"{name}-{index}"),
            tuple(one["name"] for one in few),
        )
        for index, few in enumerate(series)
    ]


def is_logarithmic(curve: Summary) -> bool:
    """Whether the axis is: numbers above 0 that span more than a decade."""
    places = x_values(curve)
    if not is_numeric(curve, places) or not places:
        return False
    low, high = float(places[0]), float(places[-1])
    return low > 0 and high / low > 10


def _y_limits(curve: Summary) -> Limits | None:
    points = [point for one in curve["series"] for point in one["points"]]
    values = [v for point in points for v in (point["mean"], *point["per_seed"])]
    if not any(map(_finite, values)):
        return None
    values += [point["mean"] for point in curve["published"] or ()]
    ends = limits(values, [bounds((point["low"], point["high"])) for point in points])
    return None if ends is None else _padded(*ends)


def _panel(curve: Summary, series: Sequence[Summary], y_limits: Limits, name: str) -> Markup:
    places = x_values(curve)
    numeric = is_numeric(curve, places)
    at = {x: float(x) if numeric else float(index) for index, x in enumerate(places)}
    with drawing():
        figure, axes = sheet(_WIDTH, 244, (_CURVE[0], 22, _CURVE[1], 214))
        axes.set(ylim=y_limits)
        percent_ticks(axes, *y_limits, x=False)
        _x_axis(axes, curve, places, at)
        for index, one in enumerate(series):
            colour, marker = SERIES[index]
            points = [(at[p["x"]], p) for p in one["points"] if _finite(p["mean"])]
            points.sort(key=lambda placed: placed[0])
            if len(series) <= 2:  # of more, the dots would hide the lines
                _faint_dots(axes, points, colour)
            _line(axes, points, colour, marker)
        known = [(at[p["x"]], p["mean"]) for p in curve["published"] or () if _finite(p["mean"])]
        if known:
            axes.plot(
                *zip(*known, strict=True),
                "D",
                color=PAPER,
                markersize=7,
                markeredgecolor=INK,
                markeredgewidth=1.6,
                linestyle="none",
                zorder=6,
            )
        return inline_svg(figure, name=name, label=_describe_panel(series, published=len(known)))


def _x_axis(axes: Axes, curve: Summary, places: Sequence[Place], at: dict[Place, float]) -> None:
    """Ticks at the places themselves; on a ladder without numbers, its rungs are named in the page."""
    ticks = [at[x] for x in places]
    if not is_numeric(curve, places):
        axes.set_xlim(-0.5, len(places) - 0.5)
        axes.set_xticks(ticks, [""] * len(ticks))
        return
    if is_logarithmic(curve):
        axes.set_xscale("log")
        axes.xaxis.set_minor_locator(NullLocator())
        edge = (ticks[-1] / ticks[0]) ** 0.04
        axes.set_xlim(ticks[0] / edge, ticks[-1] * edge)
    else:
        edge = 0.04 * (ticks[-1] - ticks[0]) or 0.5
        axes.set_xlim(ticks[0] - edge, ticks[-1] + edge)
    every = math.ceil(len(places) / _MOST_TICKS)
    axes.set_xticks(ticks[::every], [quantity(x) for x in places[::every]])


def _faint_dots(axes: Axes, points: Sequence[tuple[float, Summary]], colour: str) -> None:
    for x, point in points:
        values = [v for v in point["per_seed"] if _finite(v)]
        axes.plot([x] * len(values), values, "o", color=colour, markersize=3.5, alpha=0.25, markeredgewidth=0)


def _line(axes: Axes, points: Sequence[tuple[float, Summary]], colour: str, marker: str) -> None:
    held = [(x, (p["low"], p["high"])) for x, p in points if bounds((p["low"], p["high"]))]
    if len(held) > 1:
        lows, highs = zip(*(ends for _, ends in held), strict=True)
        axes.fill_between([x for x, _ in held], lows, highs, color=colour, alpha=0.16, linewidth=0)
    for x, ends in held:
        axes.plot((x, x), ends, color=colour, linewidth=1.3, alpha=0.8)
    axes.plot([x for x, _ in points], [p["mean"] for _, p in points], color=colour, linewidth=1.6)
    axes.plot([x for x, _ in points], [p["mean"] for _, p in points], marker, color=colour, markersize=5.5)


def _describe_panel(series: Sequence[Summary], *, published: int) -> str:
    said = []
    for index, one in enumerate(series, start=1):
        points = [point for point in one["points"] if _finite(point["mean"])]
        if points:
            first, last = percent(points[0]["mean"]), percent(points[-1]["mean"])
            said.append(f"series {index} from {first} to {last} at {len(points)} places")
        else:
            said.append(f"series {index} without numbers")
    text = "Means with 95 % intervals: " + "; ".join(said)
    return text + (f"; {published} published means." if published else ".")


def _finite(value: float | None) -> bool:
    return number(value) is not None
