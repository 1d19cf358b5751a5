"""The drawing on every verdict card: an effect, its interval and the margin on one axis."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup
from matplotlib.axes import Axes

from negspace.report.numbers import interval, limits, number, percent, points
from negspace.report.sheet import ACCENT, LINE, PAPER, SOFT, WARN, sheet
from negspace.report.svg import drawing, inline_svg

__all__ = ["effect_strip"]

_LANE = 18


def effect_strip(
    effect: float | None,
    ci: tuple[float, float] | None,
    margin: float | None,
    name: str,
    *,
    level: float = 0.95,
    no_less: bool = False,
    per_seed: Sequence[float | None] = (),
    published: float | None = None,
) -> Markup | None:
    """Draw what a verdict was decided on.

    Args:
        effect: The mean difference, a share.
        ci: Its interval; without one the effect stands alone.
        margin: Smallest effect of interest. Shaded on both sides of 0, or below 0 alone with ``no_less``.
        name: Starts every id of the drawing.
        level: Level of the interval, for the text alternative.
        no_less: The claim is that the effect does not fall short of 0 by the margin.
        per_seed: The difference at each seed, a lane of dots of its own.
        published: The published effect, a diamond in a lane of its own.

    Returns:
        The drawing, or None where effect or margin is missing.
    """
    effect, margin, published = number(effect), number(margin), number(published)
    if effect is None or margin is None:
        return None
    dots = [value for value in map(number, per_seed) if value is not None]
    lanes = 1 + bool(dots) + (published is not None)
    low, high = limits([*dots, effect, -margin, margin, published], [ci], least=-1.0) or (-1.0, 1.0)
    pad = 0.08 * (high - low) or 0.01
    with drawing():
        room = 6 + _LANE * lanes
        figure, axes = sheet(300, 46 + room, (10, 26, 280, room))
        axes.set(xlim=(low - pad, high + pad), ylim=(-0.67 - (lanes - 1), 0.67), yticks=[])
        axes.spines["left"].set_visible(False)
        _shade(axes, margin, no_less=no_less)
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
            axes.plot(
                published, lane, "D", color=PAPER, markersize=6, markeredgecolor=WARN, markeredgewidth=1.8
            )
        axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.3g}".replace("-", "−"))
        axes.locator_params(axis="x", nbins=8)
        label = _describe(effect, ci, margin, level, no_less=no_less, dots=len(dots), published=published)
        return inline_svg(figure, name=name, label=label)


def _shade(axes: Axes, margin: float, *, no_less: bool) -> None:
    """What is too small to matter."""
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


def _describe(
    effect: float,
    ci: tuple[float, float] | None,
    margin: float,
    level: float,
    *,
    no_less: bool,
    dots: int,
    published: float | None,
) -> str:
    said = f"Effect {points(effect)}"
    said += f", {percent(level, 0)} interval {interval(ci)}" if ci is not None else ", no interval"
    said += f", margin {points(margin)}" + (" below 0" if no_less else "")
    if dots:
        said += f", {dots} seeds"
    if published is not None:
        said += f", published {points(published)}"
    return said + "."
