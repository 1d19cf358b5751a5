"""The drawings of an audit's report.

Only numbers are written into a drawing. Names of labels, files and audits are the user's words and
stand in the page around it, where the writer escapes them.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from negspace.audits.findings import CurveBin, Estimated
from negspace.audits.shared_blocks import Cloud
from negspace.reports.numbers import bounds, count, percent, points
from negspace.reports.svg import (
    ACCENT,
    INK,
    PAPER,
    SERIES,
    SOFT,
    add_axes,
    canvas,
    drawing,
    inline_svg,
    percent_ticks,
)


def easy_against_near(clouds: Sequence[Cloud | None], guess: float | None, name: str, label: str) -> Markup:
    """Draw each seed as a dot: accuracy on easy rows across, on near misses up. The diagonal is "no gap"."""
    drawn = [cloud for cloud in clouds if cloud is not None]
    low, high = _square_limits(drawn, guess)
    with drawing():
        figure, axes = canvas(368, 352, (56, 44, 300, 300))
        axes.set(xlim=(low, high), ylim=(low, high), aspect="equal")
        axes.set_xlabel("accuracy on easy rows")
        axes.set_ylabel("accuracy on near misses")
        percent_ticks(axes, low, high)
        _diagonal(axes, low, high)
        _chance_line(axes, guess, low, high)
        tips: dict[str, str] = {}
        for index, cloud in enumerate(clouds):
            if cloud is not None:
                tips |= _draw_cloud(axes, cloud, index, several=len(clouds) > 1)
        if len(clouds) == 1:
            _gap_arrow(axes, *drawn[0].mean, low, high)
        return inline_svg(figure, name=name, label=label, tips=tips)


def _square_limits(clouds: Sequence[Cloud], guess: float | None) -> tuple[float, float]:
    """Common limits of both axes, so that the diagonal is the diagonal."""
    values = [v for cloud in clouds for _, x, y in cloud.seeds for v in (x, y)]
    for cloud in clouds:
        values += [*cloud.mean, *(cloud.easy_ci or ()), *(cloud.near_ci or ())]
    low, high = min(values), max(values)
    if guess is not None and low - 0.2 < guess < high:
        low = min(low, guess)
    pad = max(0.04, 0.1 * (high - low))
    return max(-0.02, low - pad), min(1.02, high + pad)


def _diagonal(axes: Axes, low: float, high: float) -> None:
    axes.plot([low, high], [low, high], color=SOFT, linewidth=1, zorder=1)
    at = low + 0.2 * (high - low)
    axes.annotate(
        "no gap",
        (at, at),
        xytext=(-6, 6),
        textcoords="offset points",
        rotation=45,
        ha="center",
        va="center",
        color=SOFT,
    )


def _chance_line(axes: Axes, guess: float | None, low: float, high: float, at: float = 0.5) -> None:
    """The line of guessing, named at ``at`` of its length."""
    if guess is None or not low < guess < high:
        return
    axes.axhline(guess, color=SOFT, linewidth=1, dashes=(2, 3), zorder=1)
    axes.annotate(
        "guessing",
        (at, guess),
        xycoords=("axes fraction", "data"),
        xytext=(0, -4),
        textcoords="offset points",
        ha="center",
        va="top",
        color=SOFT,
    )


def _draw_cloud(axes: Axes, cloud: Cloud, index: int, *, several: bool) -> dict[str, str]:
    """Draw the seeds and the mean with both intervals; return each dot's text by its ``gid``."""
    colour, marker = SERIES[index % len(SERIES)]
    tips = {}
    for seed, x, y in cloud.seeds:
        gid = f"seed-{index}-{seed}"
        tips[gid] = f"seed {seed}: easy {percent(x)}, near misses {percent(y)}"
        axes.plot(
            x, y, marker, color=colour, markersize=6, alpha=0.5, markeredgewidth=0, gid=gid, clip_on=False
        )
    x, y = cloud.mean
    edge = colour if several else INK
    if cloud.easy_ci:
        axes.plot(cloud.easy_ci, (y, y), color=edge, linewidth=1.3, zorder=4)
    if cloud.near_ci:
        axes.plot((x, x), cloud.near_ci, color=edge, linewidth=1.3, zorder=4)
    axes.plot(x, y, marker, color=edge, markersize=6, markeredgecolor=PAPER, markeredgewidth=1.2, zorder=5)
    return tips


def _gap_arrow(axes: Axes, x: float, y: float, low: float, high: float) -> None:
    """The gap as what it is: how far the mean lies below (or above) the diagonal."""
    if abs(x - y) < 0.3 * (high - low):
        return  # too short to write beside it; the headline figure has it
    axes.annotate(
        "",
        (x, y),
        (x, x),
        arrowprops={"arrowstyle": "->", "color": INK, "linewidth": 1, "linestyle": (0, (4, 3)), "shrinkB": 9},
    )
    axes.annotate(
        f"gap\n{points(x - y)}",
        (x, y + 0.4 * (x - y)),
        xytext=(-7, 0),
        textcoords="offset points",
        ha="right",
        va="center",
        color=INK,
        fontweight=700,
    )


def seed_strip(rows: Sequence[tuple[str, Estimated]], name: str, label: str) -> Markup:
    """Draw shares right, every seed a dot, for an audit without easy rows or near misses."""
    with drawing():
        figure, axes = canvas(380, 60 + 44 * len(rows), (84, 44, 284, 8 + 44 * len(rows)))
        axes.set(xlim=(-0.02, 1.02), ylim=(len(rows) - 0.4, -0.6))
        axes.set_yticks(range(len(rows)), [said for said, _ in rows])
        quarters = (0.0, 0.25, 0.5, 0.75, 1.0)
        axes.set_xticks(quarters, [percent(tick, 0) for tick in quarters])
        axes.set_xlabel("share right")
        for y, (_, estimate) in enumerate(rows):
            values = [value for value in estimate.per_seed if value is not None]
            axes.plot(
                values, [y] * len(values), "o", color=ACCENT, markersize=6, alpha=0.5, markeredgewidth=0
            )
            if ends := bounds(estimate.ci):
                axes.plot(ends, (y + 0.26, y + 0.26), color=INK, linewidth=1.3)
            axes.plot(estimate.mean, y + 0.26, "o", color=INK, markersize=5)
        return inline_svg(figure, name=name, label=label)


def boundary_curve(
    curves: Sequence[Sequence[CurveBin]], guess: float | None, name: str, label: str
) -> Markup:
    """Draw accuracy by distance to the nearest row of another label, with intervals; counts below."""
    several = len(curves) > 1
    with drawing():
        figure, axes = canvas(374, 330, (56, 44 if several else 98, 312, 274 if several else 220))
        _draw_curves(axes, curves, guess)
        bottom = axes if several else _draw_counts(figure, axes, curves[0])
        bottom.set_xlabel("cosine distance to the nearest row of another label")
        return inline_svg(figure, name=name, label=label)


def _draw_curves(axes: Axes, curves: Sequence[Sequence[CurveBin]], guess: float | None) -> None:
    bands = list(itertools.chain.from_iterable(curves))
    tops = [v for band in bands for v in (band.mean, *(bounds(band.ci) or ()))]
    low, high = min(tops), max(tops)
    if guess is not None and low - 0.2 < guess:
        low = min(low, guess)
    low, high = max(-0.02, low - 0.06), min(1.03, high + 0.05)
    left, right = min(b.low for b in bands), max(b.high for b in bands)
    edge = 0.03 * ((right - left) or 1.0)
    axes.set(xlim=(left - edge, right + edge), ylim=(low, high))
    axes.set_ylabel("accuracy")
    percent_ticks(axes, low, high, x=False)
    _chance_line(axes, guess, low, high, 0.85)
    for index, curve in enumerate(curves):
        colour, marker = SERIES[index % len(SERIES)]
        middles = [(band.low + band.high) / 2 for band in curve]
        axes.plot(middles, [band.mean for band in curve], color=colour, linewidth=1.2, alpha=0.45)
        for x, band in zip(middles, curve, strict=True):
            axes.plot((band.low, band.high), [band.mean] * 2, color=colour, linewidth=2.4)
            if ends := bounds(band.ci):
                axes.plot((x, x), ends, color=colour, linewidth=1.4)
            axes.plot(x, band.mean, marker, color=colour, markersize=5.5)


def _draw_counts(figure: Figure, above: Axes, curve: Sequence[CurveBin]) -> Axes:
    """How many rows each band rests on, as bars under the curve."""
    axes = add_axes(figure, (56, 44, 312, 44), 374, 330)
    above.tick_params(labelbottom=False)
    left, right = above.get_xlim()
    most = max(band.n for band in curve) or 1
    axes.set(xlim=(left, right), ylim=(0, 1.75 * most), yticks=[])
    axes.set_ylabel("rows")
    for band in curve:
        width = band.high - band.low
        axes.bar(band.low, band.n, 0.9 * width, align="edge", color=ACCENT, alpha=0.3, linewidth=0)
        said = count(band.n)
        across = 312 * width / (right - left)
        if across > 6 * len(said):
            axes.annotate(
                said,
                (band.low + 0.45 * width, band.n),
                xytext=(0, 2),
                textcoords="offset points",
                ha="center",
                color=SOFT,
                fontsize=9.5,
            )
    return axes
