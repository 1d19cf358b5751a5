"""The drawings of a proof: the learning curve of random rows read off at each arm, and the best of k."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter, NullLocator

from negspace.report.numbers import Summary, bounds, count, number, percent
from negspace.report.sheet import INK, PAPER, SERIES, SOFT, percent_ticks, sheet
from negspace.report.svg import drawing, inline_svg

__all__ = ["best_of_curves", "exchange_curve"]

_SIZE = (374, 290)
_BOX = (52, 46, 310, 232)
_MOST_TICKS = 6


def exchange_curve(summary: Summary, on: str, name: str) -> Markup:
    """Accuracy of random rows by their number, every seed a dot, and where each arm's accuracy meets it.

    Args:
        summary: What ``proof.json`` holds.
        on: ``"near_miss"`` or ``"easy"``.
        name: Starts every id of the drawing.
    """
    reference = summary["reference"]
    sizes, per_seed = np.array(reference["sizes"]), np.array(reference[on]["per_seed"])
    arms = summary["arms"]
    accuracies = [arm["exchange"][on]["accuracy"] for arm in arms]
    with drawing():
        figure, axes = sheet(*_SIZE, _BOX)
        low, high = _span([*per_seed.ravel().tolist(), *accuracies])
        axes.set_xscale("log")
        axes.set(xlim=(sizes[0] / 1.15, sizes[-1] * 1.15), ylim=(low, high))
        axes.set_xlabel("random rows of the reference pool")
        axes.set_ylabel("accuracy")
        percent_ticks(axes, low, high, x=False)
        _size_ticks(axes, sizes.tolist())
        tips = _seed_dots(axes, sizes, per_seed, summary["seeds"])
        axes.plot(sizes, per_seed.mean(axis=1), "o", color=INK, markersize=4.5)
        axes.plot(*_fitted_line(arms[0]["exchange"][on], sizes), color=INK, linewidth=1.4)
        for index, arm in enumerate(arms):
            _read_off(axes, arm["exchange"][on], index, low)
        label = _describe(summary, on)
        return inline_svg(figure, name=name, label=label, tips=tips)


def best_of_curves(tuning: Summary, on: str, name: str) -> Markup:
    """Expected test accuracy of the best of k trials, an arm a line, with what no search reaches.

    Args:
        tuning: The part ``tuning`` of a summary.
        on: ``"near_miss"`` or ``"easy"``.
        name: Starts every id of the drawing.
    """
    arms: Mapping[str, Summary] = {name: arm[on] for name, arm in tuning["arms"].items()}
    shown = [point["mean"] for arm in arms.values() for point in arm["expected"]]
    shown += [arm["default"] for arm in arms.values()]
    shown += [end for arm in arms.values() for point in arm["expected"] for end in bounds(point["ci"]) or ()]
    with drawing():
        figure, axes = sheet(*_SIZE, _BOX)
        low, high = _span(shown)
        trials = tuning["trials"]
        axes.set(xlim=(0.7, trials + 0.3), ylim=(low, high))
        axes.set_xlabel("trials, k")
        axes.set_ylabel("expected accuracy")
        percent_ticks(axes, low, high, x=False)
        axes.locator_params(axis="x", integer=True, nbins=min(trials, 8))
        for index, arm in enumerate(arms.values()):
            colour, marker = SERIES[index % len(SERIES)]
            ks = [point["k"] for point in arm["expected"]]
            means = [point["mean"] for point in arm["expected"]]
            ends = [bounds(point["ci"]) for point in arm["expected"]]
            if all(ends):
                lows, highs = zip(*(each for each in ends if each), strict=True)
                axes.fill_between(ks, lows, highs, color=colour, alpha=0.15, linewidth=0)
            axes.plot(ks, means, marker=marker, color=colour, linewidth=1.4, markersize=4.5)
            axes.axhline(arm["default"], color=colour, linewidth=1, dashes=(2, 3))
        said = "; ".join(
            f"arm {place}: {percent(arm['expected'][0]['mean'])} with one trial, "
            f"{percent(arm['expected'][-1]['mean'])} with {trials}, {percent(arm['default'])} without search"
            for place, arm in enumerate(arms.values(), start=1)
        )
        return inline_svg(figure, name=name, label=f"Expected test accuracy of the best of k trials. {said}.")


def _span(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    pad = max(0.02, 0.08 * (high - low))
    return max(-0.02, low - pad), min(1.02, high + pad)


def _size_ticks(axes: Axes, sizes: Sequence[int]) -> None:
    step = -(-len(sizes) // _MOST_TICKS)
    # From the end, for the whole pool is what an arm may never be worth.
    shown = sorted(sizes[::-1][::step])
    axes.set_xticks(shown, [count(size) for size in shown])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())


def _seed_dots(axes: Axes, sizes: np.ndarray, per_seed: np.ndarray, seeds: Sequence[int]) -> dict[str, str]:
    tips = {}
    for size, values in zip(sizes.tolist(), per_seed, strict=True):
        for seed, value in zip(seeds, values.tolist(), strict=True):
            gid = f"dot-{size}-{seed}"
            tips[gid] = f"{count(size)} random rows, seed {seed}: {percent(value)}"
            axes.plot(size, value, "o", color=SOFT, markersize=3.6, alpha=0.35, markeredgewidth=0, gid=gid)
    return tips


def _fitted_line(rate: Summary, sizes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if rate["parameters"] is None:  # linear in the logarithm of the rows between the sizes
        return sizes, np.array(rate["fitted"])
    a, b, c = rate["parameters"]
    rows = np.geomspace(sizes[0], sizes[-1], 80)
    return rows, 1 - (a + b * rows**-c)


def _read_off(axes: Axes, rate: Summary, index: int, low: float) -> None:
    """An arm's accuracy as a line to the curve, and down to the rows it is worth."""
    colour, marker = SERIES[index % len(SERIES)]
    left, right = axes.get_xlim()
    accuracy, rows = rate["accuracy"], number(rate["rows"])
    if rows is None or rows == 0:
        place = right if rows is None else left
        axes.plot((left, right), (accuracy, accuracy), color=colour, linewidth=1.4)
        axes.plot(place, accuracy, ">" if rows is None else "<", color=colour, markersize=7, clip_on=False)
        axes.plot((left * right) ** 0.5, accuracy, marker, color=colour, markersize=5.5)
        return
    axes.plot((left, rows, rows), (accuracy, accuracy, low), color=colour, linewidth=1.4)
    axes.plot(rows, accuracy, marker, color=PAPER, markeredgecolor=colour, markeredgewidth=1.8, markersize=7)
    ends = [number(rate["low"]), number(rate["high"])]
    span = [max(left, ends[0] or left), right if ends[1] is None else ends[1]]
    height = low + 0.012 * (index + 1)
    axes.plot(span, (height, height), color=colour, linewidth=3, alpha=0.6, solid_capstyle="round")


def _describe(summary: Summary, on: str) -> str:
    reference = summary["reference"]
    sizes, per_seed = reference["sizes"], reference[on]["per_seed"]
    said = (
        f"Accuracy of random rows, {len(summary['seeds'])} seeds a size: from "
        f"{percent(float(np.mean(per_seed[0])))} at {count(sizes[0])} rows to "
        f"{percent(float(np.mean(per_seed[-1])))} at {count(sizes[-1])}"
    )
    for place, arm in enumerate(summary["arms"], start=1):
        rate = arm["exchange"][on]
        said += f"; arm {place}, {percent(rate['accuracy'])}, is worth {rate['brief']}"
    return said + "."
