"""The map of a probe's report: where each fragment stands between two measures, its role in its dot."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator

from negspace.report.numbers import Summary, count
from negspace.report.probe_figures import tick
from negspace.report.probe_views import ROLES, Column, is_retention, measured
from negspace.report.sheet import ACCENT, LINE, SOFT, WARN, sheet
from negspace.report.svg import drawing, inline_svg

__all__ = ["MARKS", "Map", "fragment_map"]

MARKS: Mapping[str | None, tuple[str, str]] = {
    "structure": (ACCENT, "o"),
    "fact": ("#070707", "^"),
    "noise": (WARN, "D"),
    "unsure": (SOFT, "s"),
    None: (ACCENT, "o"),
}
"""Each role's colour and shape; None for a fragment that was given no role."""

# A drawing of thousands of dots is a heap that a browser takes seconds to paint.
_MOST_DOTS = 400
_LOGARITHMIC = 50
_FEW = 20


@dataclass(frozen=True)
class Map:
    """A map of fragments.

    Attributes:
        drawn: The drawing.
        across: The measure from left to right, and its unit.
        up: The measure from bottom to top, and its unit.
        wanted: Whether these are transfer, by a step taken, and retention.
        n: How many fragments have both measures.
        dots: How many of them are drawn.
        beyond: How many of the drawn ones lie beyond an edge, and are drawn on it.
        roles: The roles in the drawing, and how many dots each has; empty where none has a role.
    """

    drawn: Markup
    across: tuple[str, str]
    up: tuple[str, str]
    wanted: bool
    n: int
    dots: int
    beyond: int
    roles: tuple[tuple[str, int], ...]


def fragment_map(summary: Summary, columns: Mapping[str, Column], name: str) -> Map | None:
    """Draw transfer against retention, or what comes nearest to them and was measured.

    Args:
        summary: Of the probe.
        columns: Its measures.
        name: Starts every id of the drawing.

    Returns:
        The map, or None where no two of the measures were taken on one fragment.
    """
    for across, up, wanted in _axes_of(columns):
        both = np.flatnonzero(np.isfinite(across.values) & np.isfinite(up.values))
        if both.size:
            return _map(summary, across, up, both, name, wanted=wanted)
    return None


def _axes_of(columns: Mapping[str, Column]) -> list[tuple[Column, Column, bool]]:
    """Pairs of measures, the wanted one first."""
    retention = next((name for name in columns if is_retention(name)), None)
    pairs = (
        ("transfer", retention),
        ("first-order transfer", retention),
        ("transfer", "gradient norm"),
        ("first-order transfer", "gradient norm"),
        ("cosine to reference", "gradient norm"),
        ("pressure", "loss"),
    )
    found = []
    for first, second in pairs:
        across = columns.get(first)
        up = None if second is None else columns.get(second)
        if across is not None and up is not None:
            found.append((across, up, first == "transfer" and second == retention))
    return found


def _map(summary: Summary, across: Column, up: Column, both: np.ndarray, name: str, *, wanted: bool) -> Map:
    # Evenly over the corpus, so that the choice follows nothing that is drawn.
    every = math.ceil(both.size / _MOST_DOTS)
    rows = [int(row) for row in both[::every]]
    fragments = summary["fragments"]
    of_role: dict[str | None, list[int]] = {}
    for row in rows:
        of_role.setdefault(fragments[row]["role"], []).append(row)
    order = [role for role in (*ROLES, None) if role in of_role]
    order += [role for role in of_role if role not in order]
    with drawing():
        figure, axes = sheet(368, 330, (62, 44, 296, 276))
        ends_x = _scale(axes, across.values[both], "x")
        ends_y = _scale(axes, up.values[both], "y")
        axes.set_xlabel(_word(across.name))
        axes.set_ylabel(_word(up.name))
        tips: dict[str, str] = {}
        beyond = 0
        # The undecided ones first, so that they lie below.
        for row in (row for role in reversed(order) for row in of_role[role]):
            x, y = float(across.values[row]), float(up.values[row])
            at = (min(max(x, ends_x[0]), ends_x[1]), min(max(y, ends_y[0]), ends_y[1]))
            beyond += at != (x, y)
            role = fragments[row]["role"]
            tips[f"row-{row}"] = (
                f"fragment {fragments[row]['row']}{f', {role}' if role in ROLES else ''}: "
                f"{_word(across.name)} {measured(x)}, {_word(up.name)} {measured(y)}"
            )
            _dot(axes, at, role, f"row-{row}")
        drawn = inline_svg(
            figure,
            name=name,
            label=f"{_word(across.name)} against {_word(up.name)}, {count(len(rows))} fragments.",
            tips=tips,
        )
    roles = tuple((role, len(of_role[role])) for role in order if role is not None)
    return Map(
        drawn,
        (across.name, across.unit),
        (up.name, up.unit),
        wanted,
        int(both.size),
        len(rows),
        int(beyond),
        roles,
    )


def _dot(axes: Axes, at: tuple[float, float], role: str | None, gid: str) -> None:
    colour, marker = MARKS.get(role, MARKS["unsure"])
    alpha = 0.35 if role == "unsure" else 0.6
    axes.plot(*at, marker, color=colour, markersize=5, alpha=alpha, markeredgewidth=0, gid=gid, clip_on=False)


def _word(name: str) -> str:
    """The name of a measure, if it is one of ours: a drawing holds no text of a stranger's."""
    return name if re.fullmatch(r"[a-z0-9 \-]{1,30}", name) else name.partition(" ")[0][:9]


def _scale(axes: Axes, values: np.ndarray, which: Literal["x", "y"]) -> tuple[float, float]:
    """Set one axis so that the bulk fills it; return its ends.

    A few extreme fragments would press all others into a corner: the outer 2 % are drawn on the edge.
    """
    low, high = float(values.min()), float(values.max())
    if values.size >= _FEW:
        low, high = (float(q) for q in np.quantile(values, (0.02, 0.98)))
    axis = axes.xaxis if which == "x" else axes.yaxis
    setter = axes.set_xlim if which == "x" else axes.set_ylim
    if values.min() > 0 and high / low > _LOGARITHMIC:
        (axes.set_xscale if which == "x" else axes.set_yscale)("log")
        ends = (low / 1.2, high * 1.2)
        setter(*ends)
        axis.set_major_locator(
            FixedLocator(_powers(range(math.floor(math.log10(ends[0])), math.ceil(math.log10(ends[1])) + 1)))
        )
        axis.set_minor_locator(NullLocator())
        axis.set_major_formatter(lambda value, _: tick(value))
    else:
        pad = 0.08 * (high - low) or 0.1 * abs(high) or 1.0
        ends = (low - pad, high + pad)
        setter(*ends)
        axes.locator_params(axis=which, nbins=6)
        axis.set_major_formatter(lambda value, _: tick(value))
        if ends[0] < 0 < ends[1]:
            (axes.axvline if which == "x" else axes.axhline)(0, color=SOFT, linewidth=1)
    axis.grid(visible=True, color=LINE, linewidth=0.6, alpha=0.7)
    axes.set_axisbelow(True)
    return ends


def _powers(exponents: Sequence[int]) -> list[float]:
    step = math.ceil(len(exponents) / 6)
    return [10.0**k for k in exponents[::step]]
