"""Curves of an experiment, as blocks: what is drawn, and the same in numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

from negspace.lab.result import CurvePoint, CurveResult
from negspace.reports import blocks as b
from negspace.reports.charts import draw_with, strip_limits
from negspace.reports.numbers import NONE, bounds, count, interval, number, percent

Place: TypeAlias = int | float | str

_AXIS = (52, 304)  # where the lower axis begins, and how long it is
_WIDTH = 368
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
    for x in _places(curve):
        cells = [_curve_cell(points_of.get(x)) for points_of in found]
        rows.append((b.given(_named(x)), *cells, *((percent(published.get(x)),) if published else ())))
    names = b.numeric(*(b.given(one.name) for one in curve.series), *(("published",) if published else ()))
    columns = (b.Column(b.given(curve.x_label)), *names)
    table = b.Table(columns, tuple(rows), label="Numbers of the curve", style="dense")
    yield b.Details("The numbers of this curve", (table,))


def _curve_cell(point: CurvePoint | None) -> b.Cell:
    if point is None:
        return b.Cell(NONE)
    ends = interval((point.low, point.high))
    return b.Cell(percent(point.mean), (ends,) if ends else ())


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
    places = _places(curve)
    numeric_ = _is_numeric(curve, places)
    at = {x: float(x) if numeric_ else float(index) for index, x in enumerate(places)}
    published = [(at[p.x], mean) for p in curve.published or () if (mean := number(p.mean)) is not None]
    scale = "names" if not numeric_ else "log" if is_logarithmic(curve) else "linear"
    sign = (((b.Mark("hollow", "ink"), "published"),)) if curve.published else ()
    charts = []
    for first in range(0, len(curve.series), _SERIES):
        few = curve.series[first : first + _SERIES]
        lines, said = [], []
        for index, one in enumerate(few, start=1):
            known = [(at[p.x], mean, p) for p in one.points if (mean := number(p.mean)) is not None]
            if known:
                span = f"from {percent(known[0][1])} to {percent(known[-1][1])}"
                said.append(f"series {index} {span} at {len(known)} places")
            else:
                said.append(f"series {index} without numbers")
            line = [
                (
                    x,
                    mean,
                    bounds((p.low, p.high)),
                    [v for each in p.per_seed if (v := number(each)) is not None],
                )
                for x, mean, p in known
            ]
            lines.append(sorted(line, key=lambda placed: placed[0]))
        alt = "Means with 95 % intervals: " + "; ".join(said)
        alt += f"; {len(published)} published means." if published else "."
        ticks = [(at[x], _named(x)) for x in places]
        charts.append(
            b.Chart(
                alt,
                draw_with("negspace.lab.charts", "draw_curve", lines, published, ticks, scale, _AXIS, ends),
                key=b.Key((*((b.Mark.of_series(i), b.given(one.name)) for i, one in enumerate(few)), *sign)),
                y_name=b.given(curve.y_label),
                x_name=(b.given(curve.x_label), " (log scale)" if scale == "log" else ""),
                ticks=() if numeric_ else tuple(b.given(_named(x)) for x in places),
                margins=(100 * _AXIS[0] / _WIDTH, 100 * (_WIDTH - sum(_AXIS)) / _WIDTH),
            )
        )
    return tuple(charts)


def is_logarithmic(curve: CurveResult) -> bool:
    """Whether the axis is: numbers above 0 that span more than a decade."""
    places = _places(curve)
    if not _is_numeric(curve, places) or not places:
        return False
    low, high = float(places[0]), float(places[-1])
    return low > 0 and high / low > 10


def _places(curve: CurveResult) -> list[Place]:
    """All places of a curve: numbers ascending, names in order of first appearance."""
    found = [point.x for one in curve.series for point in one.points]
    places = list(dict.fromkeys([*found, *(point.x for point in curve.published or ())]))
    return sorted(places, key=float) if _is_numeric(curve, places) else places


def _is_numeric(curve: CurveResult, places: Sequence[Place]) -> bool:
    """Whether the places of a curve stand on a scale; a ladder's are rungs, whatever they are called."""
    return curve.kind == "line" and not any(isinstance(x, str) for x in places)


def _named(x: Place) -> str:
    """A place on a curve's axis: 1600 -> ``1,600``; a name as it is."""
    if isinstance(x, str):
        return x
    return count(int(x)) if float(x).is_integer() else f"{x:g}".replace("-", "−")
