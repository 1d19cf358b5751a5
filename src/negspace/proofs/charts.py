"""The drawings of a proof: the learning curve of random rows read off at each arm, and the best of k."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter, NullLocator

from negspace.proofs.findings import mean_value, shown_interval
from negspace.proofs.tuning import TunedArm
from negspace.reports.numbers import count, percent
from negspace.reports.svg import INK, PAPER, SERIES, SOFT, canvas, drawing, inline_svg, percent_ticks
from negspace.statistics import ExchangeRate

_SIZE = (374, 290)
_BOX = (52, 46, 310, 232)
_MOST_TICKS = 6


def draw_exchange(
    rates: Sequence[ExchangeRate],
    per_seed: Float[np.ndarray, "sizes seeds"],
    seeds: Sequence[int],
    name: str,
    label: str,
) -> Markup:
    """Accuracy of random rows by their number, every seed a dot, and where each arm's accuracy meets it."""
    sizes = np.array(rates[0].sizes)
    with drawing():
        figure, axes = canvas(*_SIZE, _BOX)
        low, high = _span([*per_seed.ravel().tolist(), *(rate.accuracy for rate in rates)])
        axes.set_xscale("log")
        axes.set(xlim=(sizes[0] / 1.15, sizes[-1] * 1.15), ylim=(low, high))
        axes.set_xlabel("random rows of the reference pool")
        axes.set_ylabel("accuracy")
        percent_ticks(axes, low, high, x=False)
        _size_ticks(axes, sizes.tolist())
        tips = {}
        for size, values in zip(sizes.tolist(), per_seed, strict=True):
            for seed, value in zip(seeds, values.tolist(), strict=True):
                gid = f"dot-{size}-{seed}"
                tips[gid] = f"{count(size)} random rows, seed {seed}: {percent(value)}"
                axes.plot(
                    size, value, "o", color=SOFT, markersize=3.6, alpha=0.35, markeredgewidth=0, gid=gid
                )
        axes.plot(sizes, per_seed.mean(axis=1), "o", color=INK, markersize=4.5)
        if rates[0].parameters is None:  # linear in the logarithm of the rows between the sizes
            rows, fitted = sizes, np.array(rates[0].fitted)
        else:
            a, b, c = rates[0].parameters
            rows = np.geomspace(sizes[0], sizes[-1], 80)
            fitted = 1 - (a + b * rows**-c)
        axes.plot(rows, fitted, color=INK, linewidth=1.4)
        for index, rate in enumerate(rates):
            _read_off(axes, rate, index, low)
        return inline_svg(figure, name=name, label=label, tips=tips)


def draw_best_of(arms: Mapping[str, TunedArm], on: str, name: str, label: str) -> Markup:
    """Expected test accuracy of the best of k trials, an arm a line, with what no search reaches."""
    means = {arm: each.best[on].test.mean(axis=1).tolist() for arm, each in arms.items()}
    defaults = {arm: mean_value(each.default[on]) for arm, each in arms.items()}
    bands = {
        arm: [shown_interval(ci, 0.0) for ci in each.best[on].test_intervals] for arm, each in arms.items()
    }
    shown = [value for of_arm in means.values() for value in of_arm] + list(defaults.values())
    shown += [end for of_arm in bands.values() for ends in of_arm for end in ends or ()]
    trials = len(next(iter(means.values())))
    with drawing():
        figure, axes = canvas(*_SIZE, _BOX)
        low, high = _span(shown)
        axes.set(xlim=(0.7, trials + 0.3), ylim=(low, high))
        axes.set_xlabel("trials, k")
        axes.set_ylabel("expected accuracy")
        percent_ticks(axes, low, high, x=False)
        axes.locator_params(axis="x", integer=True, nbins=min(trials, 8))
        for index, arm in enumerate(arms):
            colour, marker = SERIES[index % len(SERIES)]
            ks = range(1, trials + 1)
            ends = [each for each in bands[arm] if each is not None]
            if len(ends) == trials:
                lows, highs = zip(*ends, strict=True)
                axes.fill_between(ks, lows, highs, color=colour, alpha=0.15, linewidth=0)
            axes.plot(ks, means[arm], marker=marker, color=colour, linewidth=1.4, markersize=4.5)
            axes.axhline(defaults[arm], color=colour, linewidth=1, dashes=(2, 3))
        return inline_svg(figure, name=name, label=label)


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


def _read_off(axes: Axes, rate: ExchangeRate, index: int, low: float) -> None:
    """An arm's accuracy as a line to the curve, and down to the rows it is worth."""
    colour, marker = SERIES[index % len(SERIES)]
    left, right = axes.get_xlim()
    accuracy, rows = rate.accuracy, rate.rows
    if math.isinf(rows) or rows == 0:
        place = right if math.isinf(rows) else left
        axes.plot((left, right), (accuracy, accuracy), color=colour, linewidth=1.4)
        axes.plot(
            place, accuracy, ">" if math.isinf(rows) else "<", color=colour, markersize=7, clip_on=False
        )
        axes.plot((left * right) ** 0.5, accuracy, marker, color=colour, markersize=5.5)
        return
    axes.plot((left, rows, rows), (accuracy, accuracy, low), color=colour, linewidth=1.4)
    axes.plot(rows, accuracy, marker, color=PAPER, markeredgecolor=colour, markeredgewidth=1.8, markersize=7)
    span = [max(left, rate.low if math.isfinite(rate.low) else left), min(rate.high, right)]
    height = low + 0.012 * (index + 1)
    axes.plot(span, (height, height), color=colour, linewidth=3, alpha=0.6, solid_capstyle="round")
