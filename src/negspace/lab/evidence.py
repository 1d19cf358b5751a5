"""Parts of a claim's page: curves, drawn and in numbers, and the plan that was run."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from markupsafe import Markup

from negspace.lab.result import CurveResult, ExperimentResult
from negspace.reports import blocks as b
from negspace.reports.charts import draw_with, strip_limits
from negspace.reports.numbers import NONE, bounds, count, interval, number, percent, points, seed_range

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Place: TypeAlias = int | float | str

_AXIS = (52, 304)  # where the lower axis begins, and how long it is
_WIDTH = 368
_MOST_TICKS = 7
_SERIES = 4  # lines that signs can tell apart


def curve_blocks(curve: CurveResult) -> Iterator[b.Block]:
    """A curve drawn and in numbers."""
    charts = curve_charts(curve)
    if charts:
        yield b.Panels(charts)
        said = "Means over seeds with their 95\u00a0% intervals"
        said += "; left is nearest to the boundary" if curve.kind == "ladder" else ""
        said += "; all drawings have the same axes" if len(charts) > 1 else ""
        yield b.Paragraph(f"{said}.", style="small")
    else:
        yield b.Paragraph("Nothing to draw: the curve has no number.", style="lead")
    found = [{point.x: point for point in one.points} for one in curve.series]
    published = {point.x: point.mean for point in curve.published or ()}
    rows = []
    for x in _axis(curve)[0]:
        cells = []
        for point in (points_of.get(x) for points_of in found):
            ends = interval((point.low, point.high)) if point is not None else ""
            cells.append(b.Cell(percent(point.mean) if point is not None else NONE, (ends,) if ends else ()))
        rows.append((b.given(_named(x)), *cells, *((percent(published.get(x)),) if published else ())))
    names = b.numeric(*(b.given(one.name) for one in curve.series), *(("published",) if published else ()))
    columns = (b.Column(b.given(curve.x_label)), *names)
    table = b.Table(columns, tuple(rows), label="Numbers of the curve", style="dense")
    yield b.Details("The numbers of this curve", (table,))


def curve_charts(curve: CurveResult) -> tuple[b.Chart, ...]:
    """Lines through the means with their intervals, at most four a drawing, all on the same axes.

    The places of a ladder stand at equal distances and are named under the drawing. There is no drawing of a
    curve without a number.
    """
    all_points = [point for one in curve.series for point in one.points]
    values = [value for point in all_points for value in (point.mean, *point.per_seed)]
    if all(number(value) is None for value in values):
        return ()
    values += [point.mean for point in curve.published or ()]
    ends = strip_limits(values, [bounds((point.low, point.high)) for point in all_points])
    places, scale = _axis(curve)
    at = {x: float(index) if scale == "names" else float(x) for index, x in enumerate(places)}
    published = [(at[p.x], mean) for p in curve.published or () if (mean := number(p.mean)) is not None]
    sign = (((b.Mark("hollow", "ink"), "published"),)) if curve.published else ()
    charts = []
    for first in range(0, len(curve.series), _SERIES):
        few = curve.series[first : first + _SERIES]
        lines, said = [], []
        for index, one in enumerate(few, start=1):
            known = [(at[p.x], mean, p) for p in one.points if (mean := number(p.mean)) is not None]
            span = "without numbers"
            if known:
                span = f"from {percent(known[0][1])} to {percent(known[-1][1])} at {len(known)} places"
            said.append(f"series {index} {span}")
            line = []
            for x, mean, p in known:
                seeds = [v for each in p.per_seed if (v := number(each)) is not None]
                line.append((x, mean, bounds((p.low, p.high)), seeds))
            lines.append(sorted(line, key=lambda placed: placed[0]))
        alt = "Means with 95 % intervals: " + "; ".join(said)
        alt += f"; {len(published)} published means." if published else "."
        ticks = [(at[x], _named(x)) for x in places]
        charts.append(
            b.Chart(
                alt,
                draw_with(__name__, "draw_curve", lines, published, ticks, scale, ends),
                key=b.Key((*((b.Mark.of_series(i), b.given(one.name)) for i, one in enumerate(few)), *sign)),
                y_name=b.given(curve.y_label),
                x_name=(b.given(curve.x_label), " (log scale)" if scale == "log" else ""),
                ticks=tuple(b.given(_named(x)) for x in places) if scale == "names" else (),
                margins=(100 * _AXIS[0] / _WIDTH, 100 * (_WIDTH - sum(_AXIS)) / _WIDTH),
            )
        )
    return tuple(charts)


def _axis(curve: CurveResult) -> tuple[list[Place], str]:
    """All places, numbers ascending and names in order; and the scale: ``names``, ``linear`` or ``log``.

    A ladder's places are rungs, whatever they are called; numbers above 0 are drawn on a log scale if they
    span more than a decade.
    """
    found = [point.x for one in curve.series for point in one.points]
    places = list(dict.fromkeys([*found, *(point.x for point in curve.published or ())]))
    if curve.kind == "ladder" or any(isinstance(x, str) for x in places):
        return places, "names"
    places.sort(key=float)
    low, high = (float(places[0]), float(places[-1])) if places else (0.0, 0.0)
    return places, "log" if low > 0 and high / low > 10 else "linear"


def _named(x: Place) -> str:
    """A place on a curve's axis: 1600 -> ``1,600``; a name as it is."""
    if isinstance(x, str):
        return x
    return count(int(x)) if float(x).is_integer() else f"{x:g}".replace("-", "−")


def draw_curve(
    lines: Sequence[Sequence[tuple[float, float, tuple[float, float] | None, Sequence[float]]]],
    published: Sequence[tuple[float, float]],
    ticks: Sequence[tuple[float, str]],
    scale: str,
    y_limits: tuple[float, float],
    name: str,
    label: str,
) -> Markup:
    """Draw lines through means with their intervals. Only numbers are written into a drawing.

    Points of a line are place, mean, interval and value at each seed, ascending; published means are place
    and mean. Every id of the drawing starts with ``name``; ``label`` is the text alternative.
    """
    from negspace.reports.svg import INK, PAPER, SERIES, canvas, drawing, inline_svg, percent_ticks

    with drawing():
        figure, axes = canvas(_WIDTH, 244, (_AXIS[0], 22, _AXIS[1], 214))
        axes.set(ylim=y_limits)
        percent_ticks(axes, *y_limits, x=False)
        _x_axis(axes, ticks, scale)
        for (colour, marker), points in zip(SERIES, lines, strict=False):
            if len(lines) <= 2:  # of more, the dots would hide the lines
                dot: dict[str, Any] = {
                    "color": colour,
                    "markersize": 3.5,
                    "alpha": 0.25,
                    "markeredgewidth": 0,
                }
                for x, _, _, values in points:
                    axes.plot([x] * len(values), values, "o", **dot)
            held = [(x, ends) for x, _, ends, _ in points if ends is not None]
            if len(held) > 1:
                lows, highs = zip(*(ends for _, ends in held), strict=True)
                axes.fill_between([x for x, _ in held], lows, highs, color=colour, alpha=0.16, linewidth=0)
            for x, ends in held:
                axes.plot((x, x), ends, color=colour, linewidth=1.3, alpha=0.8)
            places, means = [x for x, *_ in points], [mean for _, mean, *_ in points]
            axes.plot(places, means, color=colour, linewidth=1.6)
            axes.plot(places, means, marker, color=colour, markersize=5.5)
        if published:
            diamond: dict[str, Any] = {
                "color": PAPER,
                "markersize": 7,
                "markeredgecolor": INK,
                "markeredgewidth": 1.6,
            }
            axes.plot(*zip(*published, strict=True), "D", **diamond, linestyle="none", zorder=6)
        return inline_svg(figure, name=name, label=label)


def _x_axis(axes: Axes, ticks: Sequence[tuple[float, str]], scale: str) -> None:
    """Ticks at the places themselves; names stand in the page, as they are the user's words."""
    from matplotlib.ticker import NullLocator

    at = [x for x, _ in ticks]
    if scale == "names":
        axes.set_xlim(-0.5, len(at) - 0.5)
        axes.set_xticks(at, [""] * len(at))
        return
    if scale == "log":
        axes.set_xscale("log")
        axes.xaxis.set_minor_locator(NullLocator())
        edge = (at[-1] / at[0]) ** 0.04
        axes.set_xlim(at[0] / edge, at[-1] * edge)
    else:
        edge = 0.04 * (at[-1] - at[0]) or 0.5
        axes.set_xlim(at[0] - edge, at[-1] + edge)
    every = math.ceil(len(at) / _MOST_TICKS)
    axes.set_xticks(at[::every], [said for _, said in ticks[::every]])


def plan_blocks(experiment: ExperimentResult) -> Iterator[b.Block]:
    """The plan that was run, for a page: in lines and tables, and as JSON."""
    plan = experiment.plan
    listed = plan.get("arms")
    listed = listed if isinstance(listed, list | tuple) else ()
    arms: list[Mapping[str, object]] = [arm for arm in listed if isinstance(arm, Mapping)]
    flat = [dict(_flat({key: value for key, value in arm.items() if key != "name"})) for arm in arms]
    missing = object()
    first = flat[0] if len(flat) > 1 else {}
    common = {k: v for k, v in first.items() if all(each.get(k, missing) == v for each in flat)}
    facts: list[tuple[b.Text, b.Text]] = [
        ("Hash of the plan", experiment.plan_hash),
        ("Seeds", seed_range(experiment.seeds)),
    ]
    facts += [
        (b.given(name.replace("_", " ").capitalize()), b.given(_setting(value)))
        for name, value in plan.items()
        if name not in {"arms", "hypotheses", "seeds"}
    ]
    if common:
        facts.append(("All arms", b.given(_setting(common))))
    facts += [(b.given(f"Test {name}"), b.given(said)) for name, said in experiment.tests.items()]
    yield b.Facts(tuple(facts))
    if arms:
        rows = []
        for arm, settings in zip(arms, flat, strict=True):
            own = {key: value for key, value in settings.items() if key not in common}
            rows.append((b.given(str(arm.get("name", NONE))), b.given(_setting(own) or NONE)))
        caption = "Arms, and what sets each apart"
        yield b.Table(("arm", "settings"), tuple(rows), caption, label="Arms of the plan", style="dense")
    if experiment.hypotheses:
        decided = []
        for h in experiment.hypotheses:
            bound = "more than" if h.claim == "more" else "short by less than"
            compared = f"{h.measure}: {' against '.join(arm.name for arm in h.arms)}"
            decided.append((b.given(h.name), b.given(compared), f"{bound} {points(h.margin)}"))
        yield b.Table(
            ("name", "what is compared", "the effect must be"),
            tuple(decided),
            caption="Hypotheses, fixed before the run",
            label="Hypotheses of the plan",
            style="dense",
        )
    yield b.Raw(json.dumps(plan, indent=1, ensure_ascii=False), "The plan as JSON")


def _flat(settings: Mapping[str, object], path: str = "") -> Iterator[tuple[str, object]]:
    """Settings with nested ones by their path: ``adam.lr``."""
    for key, value in settings.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{path}{key}.")
        else:
            yield f"{path}{key}", value


def _setting(value: object, *, nested: bool = False) -> str:
    """A setting of the plan, read aloud: nested settings in brackets."""
    if isinstance(value, Mapping):
        said = ", ".join(f"{key} = {_setting(inner, nested=True)}" for key, inner in value.items())
        return f"({said})" if nested and value else said or (NONE if nested else "")
    if isinstance(value, list | tuple):
        if nested:
            return f"[{', '.join(_setting(inner, nested=True) for inner in value)}]"
        return "; ".join(_setting(inner) for inner in value) or NONE
    if isinstance(value, str):
        return value or (NONE if nested else "")
    return json.dumps(value)
