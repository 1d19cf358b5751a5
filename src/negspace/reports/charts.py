"""Charts that several commands share, and the verdict card around the first of them.

A chart here costs nothing until the HTML writer draws it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module

from markupsafe import Markup

from negspace.records import Verdict as Decision
from negspace.reports.blocks import Chart, Draw, Span, Text, Verdict
from negspace.reports.numbers import bounds, count, interval, limits, number, percent, points, sentence

OUTCOMES: Mapping[str, str] = {"supported": "Supported", "refuted": "Refuted", "inconclusive": "Inconclusive"}
# The same as an answer to the question that stands above it: "supported" alone could be read as praise.
ANSWERS: Mapping[str, str] = {
    "supported": "Supported: yes",
    "refuted": "Refuted: no",
    "inconclusive": "Inconclusive",
}
_READING = (
    "The effect and its interval, in percentage points. Inside the shaded band an effect is too small to "
    "matter."
)


def draw_with(module: str, function: str, *arguments: object) -> Draw:
    """Defer a drawing function, so that its module (and matplotlib) is imported only when a page is written.

    It takes ``arguments``, then the start of its ids and the text alternative.
    """

    def draw(name: str, alt: str) -> Markup:
        drawing: Callable[..., Markup] = getattr(import_module(module), function)
        return drawing(*arguments, name, alt)

    return draw


def effect_chart(
    effect: float | None,
    ci: tuple[float, float] | None,
    margin: float | None,
    *,
    level: float = 0.95,
    no_less: bool = False,
    per_seed: Sequence[float | None] = (),
    published: float | None = None,
) -> Chart | None:
    """Show what a verdict was decided on: an effect, its interval and the margin on one axis.

    The margin is shaded on both sides of 0, or below 0 alone with ``no_less`` (the claim is that the effect
    does not fall short of 0 by it). Differences ``per_seed`` get a lane of dots, a ``published`` effect a
    diamond in one of its own. None without an effect or a margin.
    """
    effect, margin, published = number(effect), number(margin), number(published)
    if effect is None or margin is None:
        return None
    dots = [value for value in map(number, per_seed) if value is not None]
    said = f"Effect {points(effect)}"
    said += f", {percent(level, 0)} interval {interval(ci)}" if ci is not None else ", no interval"
    said += f", margin {points(margin)}" + (" below 0" if no_less else "")
    if dots:
        said += f", {len(dots)} seeds"
    if published is not None:
        said += f", published {points(published)}"
    draw = draw_with("negspace.reports.plots", "draw_effect", effect, ci, margin, dots, published, no_less)
    return Chart(f"{said}.", draw)


def verdict_block(
    verdict: Decision,
    question: Text,
    seeds: int,
    *,
    chart: Chart | None = None,
    reading: Text = _READING,
    answers: Mapping[str, str] = ANSWERS,
    figures: Sequence[tuple[str, Text]] = (),
    next: Text = "",  # noqa: A002 - what the card calls it
    name: Text = "",
    link: Span | None = None,
) -> Verdict:
    """Make a verdict card."""
    said = [*figures, ("margin", points(verdict.margin))]
    if number(verdict.mde) is not None:
        said.append(("smallest detectable effect", points(verdict.mde)))
    tests = [("p", verdict.p_value)]
    if verdict.p_adjusted != verdict.p_value:
        tests.append(("p after Holm", verdict.p_adjusted))
    said += [(name, "< 0.001" if p < 0.001 else f"{p:.3f}") for name, p in tests if number(p) is not None]
    if verdict.look > 1:
        said += [
            ("look", count(verdict.look)),
            ("level of the interval", f"{100 * verdict.interval.level:.4g}\u00a0%"),
        ]
    if verdict.seeds_needed is not None:
        said.append(("seeds it would take", count(verdict.seeds_needed)))
    said.append(("seeds", count(seeds)))
    ends = bounds((verdict.interval.low, verdict.interval.high))
    if chart is None and ends is not None:
        chart = effect_chart(verdict.effect, ends, verdict.margin, level=verdict.interval.level)
    return Verdict(
        question=question,
        outcome=verdict.outcome.value,
        answer=answers[verdict.outcome.value],
        reason=sentence(verdict.reason),
        chart=chart,
        reading=reading,
        figures=tuple(said),
        next=next,
        name=name,
        link=link,
    )


def strip_limits(
    values: Sequence[float | None], spans: Sequence[tuple[float, float] | None]
) -> tuple[float, float] | None:
    """Ends of the axis that strips of seeds share; None without numbers."""
    ends = limits(values, spans)
    if ends is None:
        return None
    pad = max(0.02, 0.05 * (ends[1] - ends[0]))
    return ends[0] - pad, ends[1] + pad


def seeds_chart(
    per_seed: Sequence[float | None],
    seeds: Sequence[int],
    mean: float | None,
    ci: tuple[float, float] | None,
    ends: tuple[float, float],
    said: str,
    *,
    published: tuple[float | None, float | None] | None = None,
    reference: float | None = None,
    lanes: int = 2,
) -> Chart | None:
    """Show an estimate: every seed a dot, below it the mean and its interval; None without a number.

    ``ends`` are those of the axis, from `strip_limits`; ``published`` a mean and standard deviation to
    compare with, in a third lane; ``reference`` another's mean, a dashed line through all lanes. ``lanes`` is
    3 with a lane for the published mean, in this strip or in one of its neighbours.
    """
    known = [
        (seed, at) for seed, value in zip(seeds, per_seed, strict=False) if (at := number(value)) is not None
    ]
    centre, known_mean = number(published[0]) if published else None, number(mean)
    if not known and known_mean is None:
        return None
    compared = None if published is None or centre is None else (centre, published[1])
    draw = draw_with(
        "negspace.reports.plots",
        "draw_seeds",
        known,
        known_mean,
        ci,
        ends,
        compared,
        number(reference),
        lanes,
    )
    return Chart(said, draw)


def strip_axis(ends: tuple[float, float]) -> Chart:
    """Show the axis under strips."""
    draw = draw_with("negspace.reports.plots", "draw_strip_axis", ends)
    return Chart(f"Axis from {percent(ends[0])} to {percent(ends[1])}.", draw)
