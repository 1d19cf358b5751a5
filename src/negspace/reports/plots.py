"""Drawings that several commands share; :mod:`negspace.reports.charts` imports them for a page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup

from negspace.reports.numbers import limits, number, percent
from negspace.reports.svg import (
    ACCENT,
    INK,
    LINE,
    PAPER,
    SOFT,
    WARN,
    canvas,
    drawing,
    inline_svg,
    percent_ticks,
)

_LANE = 18
_STRIP = (368, 10, 348)  # width of a strip; where its axis begins; how long it is
_STRIP_LANE = 13
_DOT = 5.5
_PUBLISHED: Any = {"color": PAPER, "markersize": 6, "markeredgecolor": WARN, "markeredgewidth": 1.8}


def draw_effect(
    effect: float,
    ci: tuple[float, float] | None,
    margin: float,
    dots: Sequence[float],
    published: float | None,
    no_less: bool,
    name: str,
    label: str,
) -> Markup:
    """Draw an effect with its interval over the band that is too small to matter."""
    lanes = 1 + bool(dots) + (published is not None)
    low, high = limits([*dots, effect, -margin, margin, published], [ci], least=-1.0) or (-1.0, 1.0)
    pad = 0.08 * (high - low) or 0.01
    with drawing():
        height = 6 + _LANE * lanes
        figure, axes = canvas(300, 46 + height, (10, 26, 280, height))
        axes.set(xlim=(low - pad, high + pad), ylim=(-0.67 - (lanes - 1), 0.67), yticks=[])
        axes.spines["left"].set_visible(False)
        axes.axvspan(-margin, 0 if no_less else margin, color=LINE, linewidth=0, alpha=0.8)
        axes.axvline(0, color=SOFT, linewidth=1)
        axes.annotate(
            f"margin {'−' if no_less else '±'}{100 * margin:g}",
            (-margin / 2 if no_less else 0, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 4),
            textcoords="offset points",
            ha="center",
            color=SOFT,
            annotation_clip=False,
        )
        lane = 0
        if ci is not None:
            axes.plot(ci, (0, 0), color=ACCENT, linewidth=4, solid_capstyle="round")
        axes.plot(effect, 0, "o", color=PAPER, markersize=8, markeredgecolor=ACCENT, markeredgewidth=2.4)
        if dots:
            lane -= 1
            axes.plot(
                dots, [lane] * len(dots), "o", color=ACCENT, markersize=5, alpha=0.45, markeredgewidth=0
            )
        if published is not None:
            lane -= 1
            axes.plot(published, lane, "D", **_PUBLISHED)
        axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.3g}".replace("-", "−"))
        axes.locator_params(axis="x", nbins=8)
        return inline_svg(figure, name=name, label=label)


def draw_seeds(
    per_seed: Sequence[tuple[int, float]],
    mean: float | None,
    ci: tuple[float, float] | None,
    ends: tuple[float, float],
    published: tuple[float, float | None] | None,
    reference: float | None,
    lanes: int,
    name: str,
    label: str,
) -> Markup:
    """Draw every seed as a dot, below them the mean with its interval, below that a published mean ± sd."""
    width, left, across = _STRIP
    height = 5 + _STRIP_LANE * lanes
    with drawing():
        figure, axes = canvas(width, height, (left, 0, across, height))
        axes.set(xlim=ends, ylim=(0.35 - lanes, 0.75))
        axes.spines[["left", "bottom"]].set_visible(False)
        percent_ticks(axes, *ends, y=False)
        axes.tick_params(length=0, labelbottom=False)
        axes.set_yticks([])
        if reference is not None:
            axes.axvline(reference, color=SOFT, linewidth=1.2, dashes=(3, 2))
        placed = sorted((value, seed) for seed, value in per_seed)
        rises = _rises([value for value, _ in placed], _DOT * (ends[1] - ends[0]) / across)
        tips = {}
        for (value, seed), rise in zip(placed, rises, strict=True):
            tips[f"dot-{seed}"] = f"seed {seed}: {percent(value)}"
            axes.plot(
                value,
                rise,
                "o",
                color=ACCENT,
                markersize=_DOT,
                alpha=0.5,
                markeredgewidth=0,
                gid=f"dot-{seed}",
                clip_on=False,
            )
        if ci is not None:
            axes.plot(ci, (-1, -1), color=INK, linewidth=2, solid_capstyle="round")
        if mean is not None:
            axes.plot(mean, -1, "o", color=INK, markersize=6)
        if published is not None:
            at, sd = published[0], number(published[1])
            if sd is not None:
                axes.plot((at - sd, at + sd), (-2, -2), color=WARN, linewidth=1.4)
            axes.plot(at, -2, "D", **_PUBLISHED)
        return inline_svg(figure, name=name, label=label, tips=tips)


def _rises(ascending: Sequence[float], width: float) -> list[float]:
    """How far each dot is moved up or down, so that five of a heap can be told apart."""
    steps = (0.0, 0.22, -0.22, 0.44, -0.44)
    rises: list[float] = []
    run = 0
    for place, x in enumerate(ascending):
        run = run + 1 if place and x - ascending[place - 1] < width else 0
        rises.append(steps[run % len(steps)])
    return rises


def draw_strip_axis(ends: tuple[float, float], name: str, label: str) -> Markup:
    """Draw the axis under strips of seeds."""
    width, left, across = _STRIP
    with drawing():
        figure, axes = canvas(width, 22, (left, 20, across, 2))
        axes.set(xlim=ends, ylim=(0, 1), yticks=[])
        axes.spines["left"].set_visible(False)
        percent_ticks(axes, *ends, y=False)
        return inline_svg(figure, name=name, label=label)
