"""The figures of a report, drawn from a summary.

Only numbers are written into a drawing. Names of labels, files and audits are the user's words and
stand in the page around it, where the template escapes them.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from negspace.report.effect_strip import effect_strip
from negspace.report.numbers import Summary, bounds, count, number, percent, points
from negspace.report.sheet import (
    ACCENT,
    INK,
    PAPER,
    SERIES,
    SOFT,
    add_axes,
    percent_ticks,
    sheet,
)
from negspace.report.svg import drawing, inline_svg

__all__ = ["boundary_curve", "chance", "easy_against_near", "seed_strip", "verdict_strip"]


@dataclass(frozen=True)
class _Cloud:
    """One audit's seeds in the plane of easy and near-miss accuracy, with the means."""

    seeds: tuple[tuple[int, float, float], ...]
    mean: tuple[float, float]
    easy_ci: tuple[float, float] | None
    near_ci: tuple[float, float] | None


def chance(summary: Summary) -> float | None:
    """Accuracy of guessing evenly among the labels: 1 / labels, on any test rows."""
    labels = len(summary["data"]["labels"])
    return 1 / labels if labels else None


def easy_against_near(summaries: Sequence[Summary], name: str) -> Markup | None:
    """Each seed as a dot: accuracy on easy rows across, on near misses up. The diagonal is "no gap".

    Returns:
        The drawing, or None where no summary has both numbers.
    """
    clouds = [_cloud(summary) for summary in summaries]
    drawn = [cloud for cloud in clouds if cloud is not None]
    if not drawn:
        return None
    guess = _shared_chance(summaries)
    low, high = _square_limits(drawn, guess)
    with drawing():
        figure, axes = sheet(368, 352, (56, 44, 300, 300))
        axes.set(xlim=(low, high), ylim=(low, high), aspect="equal")
        axes.set_xlabel("accuracy on easy rows")
        axes.set_ylabel("accuracy on near misses")
        percent_ticks(axes, low, high)
        _diagonal(axes, low, high)
        _chance_line(axes, guess, low, high)
        tips: dict[str, str] = {}
        for index, cloud in enumerate(clouds):
            if cloud is not None:
                tips |= _draw_cloud(axes, cloud, index, several=len(summaries) > 1)
        if len(summaries) == 1:
            _gap_arrow(axes, *drawn[0].mean, low, high)
        return inline_svg(figure, name=name, label=_describe_clouds(drawn), tips=tips)


def _cloud(summary: Summary) -> _Cloud | None:
    easy, near = summary["easy"], summary["near_miss"]
    if easy is None or near is None:
        return None
    x, y = number(easy["mean"]), number(near["mean"])
    if x is None or y is None:
        return None
    per_seed = zip(summary["seeds"], easy["per_seed"], near["per_seed"], strict=False)
    seeds = tuple((seed, e, m) for seed, e, m in per_seed if number(e) is not None and number(m) is not None)
    return _Cloud(seeds, (x, y), bounds(easy["ci"]), bounds(near["ci"]))


def _square_limits(clouds: Sequence[_Cloud], guess: float | None) -> tuple[float, float]:
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


def _shared_chance(summaries: Sequence[Summary]) -> float | None:
    guesses = {chance(summary) for summary in summaries}
    return guesses.pop() if len(guesses) == 1 else None


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


def _draw_cloud(axes: Axes, cloud: _Cloud, index: int, *, several: bool) -> dict[str, str]:
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
        return  # no room to write it; the headline figure has it
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


def _describe_clouds(clouds: Sequence[_Cloud]) -> str:
    said = [
        f"{len(cloud.seeds)} seeds with a mean of {percent(cloud.mean[0])} on easy rows and "
        f"{percent(cloud.mean[1])} on near misses"
        for cloud in clouds
    ]
    return "Accuracy on easy rows against accuracy on near misses: " + "; ".join(said) + "."


def seed_strip(summary: Summary, name: str) -> Markup | None:
    """Near-miss accuracy and pair consistency of every seed, for an audit without easy rows."""
    rows = [
        (said, estimate)
        for said, estimate in (
            ("near misses", summary["near_miss"]),
            ("pairs", summary["pair_consistency"]),
            ("easy rows", summary["easy"]),
        )
        if estimate is not None and number(estimate["mean"]) is not None
    ]
    if not rows:
        return None
    with drawing():
        figure, axes = sheet(380, 60 + 44 * len(rows), (84, 44, 284, 8 + 44 * len(rows)))
        axes.set(xlim=(-0.02, 1.02), ylim=(len(rows) - 0.4, -0.6))
        axes.set_yticks(range(len(rows)), [said for said, _ in rows])
        quarters = (0.0, 0.25, 0.5, 0.75, 1.0)
        axes.set_xticks(quarters, [percent(tick, 0) for tick in quarters])
        axes.set_xlabel("share right")
        for y, (_, estimate) in enumerate(rows):
            values = [v for v in estimate["per_seed"] if number(v) is not None]
            axes.plot(
                values, [y] * len(values), "o", color=ACCENT, markersize=6, alpha=0.5, markeredgewidth=0
            )
            if ends := bounds(estimate["ci"]):
                axes.plot(ends, (y + 0.26, y + 0.26), color=INK, linewidth=1.3)
            axes.plot(estimate["mean"], y + 0.26, "o", color=INK, markersize=5)
        means = "; ".join(f"{said} {percent(estimate['mean'])}" for said, estimate in rows)
        return inline_svg(figure, name=name, label=f"Share right, every seed a dot; means: {means}.")


def boundary_curve(summaries: Sequence[Summary], name: str) -> Markup | None:
    """Accuracy by distance to the nearest row of another label, with intervals; counts below.

    Returns:
        The drawing, or None where no summary has a curve.
    """
    curves = [
        [band for band in summary["curve"] if number(band["mean"]) is not None] for summary in summaries
    ]
    if not any(curves):
        return None
    several = len(curves) > 1
    with drawing():
        figure, axes = sheet(374, 330, (56, 44 if several else 98, 312, 274 if several else 220))
        _draw_curves(axes, curves, _shared_chance(summaries))
        bottom = axes
        if not several:
            bottom = _draw_counts(figure, axes, curves[0])
        bottom.set_xlabel("cosine distance to the nearest row of another label")
        return inline_svg(figure, name=name, label=_describe_curves(curves))


def _draw_curves(axes: Axes, curves: Sequence[Sequence[Summary]], guess: float | None) -> None:
    bands = list(itertools.chain.from_iterable(curves))
    tops = [v for band in bands for v in (band["mean"], *(bounds(band["ci"]) or ()))]
    low, high = min(tops), max(tops)
    if guess is not None and low - 0.2 < guess:
        low = min(low, guess)
    low, high = max(-0.02, low - 0.06), min(1.03, high + 0.05)
    left, right = min(b["low"] for b in bands), max(b["high"] for b in bands)
    edge = 0.03 * ((right - left) or 1.0)
    axes.set(xlim=(left - edge, right + edge), ylim=(low, high))
    axes.set_ylabel("accuracy")
    percent_ticks(axes, low, high, x=False)
    _chance_line(axes, guess, low, high, 0.85)
    for index, curve in enumerate(curves):
        colour, marker = SERIES[index % len(SERIES)]
        middles = [(band["low"] + band["high"]) / 2 for band in curve]
        axes.plot(middles, [band["mean"] for band in curve], color=colour, linewidth=1.2, alpha=0.45)
        for x, band in zip(middles, curve, strict=True):
            axes.plot((band["low"], band["high"]), [band["mean"]] * 2, color=colour, linewidth=2.4)
            if ends := bounds(band["ci"]):
                axes.plot((x, x), ends, color=colour, linewidth=1.4)
            axes.plot(x, band["mean"], marker, color=colour, markersize=5.5)


def _draw_counts(figure: Figure, above: Axes, curve: Sequence[Summary]) -> Axes:
    """How many rows each band rests on, as bars under the curve."""
    axes = add_axes(figure, (56, 44, 312, 44), 374, 330)
    above.tick_params(labelbottom=False)
    left, right = above.get_xlim()
    most = max(band["n"] for band in curve) or 1
    axes.set(xlim=(left, right), ylim=(0, 1.75 * most), yticks=[])
    axes.set_ylabel("rows")
    for band in curve:
        width = band["high"] - band["low"]
        axes.bar(band["low"], band["n"], 0.9 * width, align="edge", color=ACCENT, alpha=0.3, linewidth=0)
        said = count(band["n"])
        room = 312 * width / (right - left)
        if room > 6 * len(said):
            axes.annotate(
                said,
                (band["low"] + 0.45 * width, band["n"]),
                xytext=(0, 2),
                textcoords="offset points",
                ha="center",
                color=SOFT,
                fontsize=9.5,
            )
    return axes


def _describe_curves(curves: Sequence[Sequence[Summary]]) -> str:
    said = []
    for curve in curves:
        if curve:
            near, far = curve[0], curve[-1]
            said.append(
                f"from {percent(near['mean'])} at distance {near['low']:.2f} to {near['high']:.2f} "
                f"to {percent(far['mean'])} at {far['low']:.2f} to {far['high']:.2f}, in {len(curve)} bands"
            )
    return "Accuracy by distance to the nearest row of another label: " + "; ".join(said) + "."


def verdict_strip(summary: Summary, name: str) -> Markup | None:
    """The effect and its interval against the margin: what the verdict was decided on."""
    verdict = summary["verdict"]
    ends = bounds(verdict["ci"])
    return None if ends is None else effect_strip(verdict["effect"], ends, verdict["margin"], name)
