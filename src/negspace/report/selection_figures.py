"""The drawing of a trial: a row for each strategy, every seed a dot. Only numbers are written into it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from negspace.report.numbers import Summary, bounds, interval, limits, number, percent
from negspace.report.selection_views import tests_of
from negspace.report.sheet import ACCENT, INK, SOFT, percent_ticks, sheet
from negspace.report.svg import drawing, inline_svg

__all__ = ["Strip", "trial_strips"]

_SIZE = (368, 31)
_BOX = (10, 348)
_DOT = 5.5


@dataclass(frozen=True)
class Strip:
    """The strategies of a trial on one test.

    Attributes:
        said: The test.
        rows: A drawing of each strategy, in the trial's order.
        axis: The axis under them.
    """

    said: str
    rows: tuple[Markup, ...]
    axis: Markup


def trial_strips(trial: Summary) -> list[Strip]:
    """Draw a trial, a strip for each test, all on one axis so that they can be compared.

    Args:
        trial: The part ``trial`` of a summary.
    """
    tests, strategies = tests_of(trial), trial["strategies"]
    estimates = [each[on] for each in strategies for on in tests]
    ends = limits(
        [value for each in estimates for value in (each["mean"], *each["per_seed"])],
        [bounds(each["ci"]) for each in estimates],
    )
    if ends is None:
        return []
    pad = max(0.02, 0.05 * (ends[1] - ends[0]))
    ends = (ends[0] - pad, ends[1] + pad)
    reference = next(each for each in strategies if each["name"] == trial["reference"])
    return [
        Strip(
            said,
            tuple(
                _row(each[on], trial["seeds"], reference[on]["mean"], ends, f"trial-{on}-{place}")
                for place, each in enumerate(strategies)
            ),
            _axis(ends, f"trial-{on}-axis"),
        )
        for on, said in tests.items()
    ]


def _row(
    estimate: Summary, seeds: Sequence[int], reference: float, ends: tuple[float, float], name: str
) -> Markup:
    """One strategy on one test: seeds above, mean and interval below, the reference a line through both."""
    with drawing():
        figure, axes = sheet(*_SIZE, (_BOX[0], 0, _BOX[1], _SIZE[1]))
        axes.set(xlim=ends, ylim=(-1.65, 0.75))
        axes.spines[["left", "bottom"]].set_visible(False)
        percent_ticks(axes, *ends, y=False)
        axes.tick_params(length=0, labelbottom=False)
        axes.set_yticks([])
        axes.axvline(reference, color=SOFT, linewidth=1.2, dashes=(3, 2))
        tips = {}
        for seed, value in zip(seeds, estimate["per_seed"], strict=False):
            if (at := number(value)) is not None:
                tips[f"dot-{seed}"] = f"seed {seed}: {percent(at)}"
                # Every other seed a little lower: equal ones are told apart.
                axes.plot(
                    at,
                    0.2 - 0.4 * (seed % 2),
                    "o",
                    color=ACCENT,
                    markersize=_DOT,
                    alpha=0.5,
                    markeredgewidth=0,
                    gid=f"dot-{seed}",
                    clip_on=False,
                )
        if span := bounds(estimate["ci"]):
            axes.plot(span, (-1, -1), color=INK, linewidth=2, solid_capstyle="round")
        axes.plot(estimate["mean"], -1, "o", color=INK, markersize=6)
        said = f"{len(tips)} seeds: {percent(estimate['mean'])}"
        if ci := interval(estimate["ci"]):
            said += f", 95 % interval {ci}"
        return inline_svg(figure, name=name, label=f"{said}; the reference {percent(reference)}.", tips=tips)


def _axis(ends: tuple[float, float], name: str) -> Markup:
    with drawing():
        figure, axes = sheet(_SIZE[0], 22, (_BOX[0], 20, _BOX[1], 2))
        axes.set(xlim=ends, ylim=(0, 1), yticks=[])
        axes.spines["left"].set_visible(False)
        percent_ticks(axes, *ends, y=False)
        return inline_svg(figure, name=name, label=f"Axis from {percent(ends[0])} to {percent(ends[1])}.")
