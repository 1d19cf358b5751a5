"""Every number over all fragments, and the map on which two of them place each fragment."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from negspace.probes import LAGS, ranked_columns
from negspace.probing.findings import FragmentRow, ProbeFindings
from negspace.reports.blocks import Mark
from negspace.reports.numbers import number

ROLES: Mapping[str, str] = {
    "structure": "networks that never saw it predict it as well as they expect to",
    "fact": "they do not, but seeing it, or what states the same, gains most of the loss",
    "noise": "neither",
    "unsure": "the numbers do not decide it",
}
"""What each role says of a fragment, in the order of the page."""

ROLE_MARKS: Mapping[str, Mark] = {
    "structure": Mark("circle", "accent"),
    "fact": Mark("triangle", "series-2"),
    "noise": Mark("diamond", "warn"),
    "unsure": Mark("square", "soft"),
}


def role_mark(role: str) -> Mark:
    """The sign of a role, which differs in shape as well as in colour."""
    return ROLE_MARKS.get(role, ROLE_MARKS["unsure"])


def in_order(found: Iterable[str]) -> list[str]:
    """Roles in the order of the page, each once; those of another rule last, as they come."""
    found = list(dict.fromkeys(found))
    return [role for role in ROLES if role in found] + [role for role in found if role not in ROLES]


# A drawing of thousands of dots is a heap that a browser takes seconds to paint.
_MOST_DOTS = 400
# From this ratio of the largest to the smallest on, a straight axis would show the largest alone.
_LOGARITHMIC = 50
_FEW = 20


@dataclass(frozen=True, eq=False)
class ColumnValues:
    """One number over all fragments."""

    name: str
    unit: str
    meaning: str
    values: np.ndarray
    quantiles: tuple[float, ...]

    @property
    def n(self) -> int:
        """On how many fragments it is defined."""
        return int(np.isfinite(self.values).sum())

    def below(self, value: float | None) -> float | None:
        """Share of the fragments whose value is lower; None where there is nothing to compare."""
        value = number(value)
        return None if value is None or not self.n else float((self.values < value).sum() / self.n)


def columns_of(findings: ProbeFindings) -> dict[str, ColumnValues]:
    """Every ranked number over all fragments, by name, in the findings' order."""
    described = ranked_columns()
    table = np.array([each.values for each in findings.fragments], dtype=float)
    table = table.reshape(len(findings.fragments), len(findings.columns))
    columns = {}
    for name, values in zip(findings.columns, table.T, strict=True):
        finite = values[np.isfinite(values)]
        quantiles = tuple(float(q) for q in np.quantile(finite, (0.05, 0.5, 0.95))) if finite.size else ()
        meaning = described[name][1].meaning if name in described else ""
        columns[name] = ColumnValues(name, findings.units.get(name, ""), meaning, values, quantiles)
    return columns


class Axis(NamedTuple):
    """A number along one axis: its column, the axis' ends, and whether it runs over powers of ten."""

    column: ColumnValues
    low: float
    high: float
    logarithmic: bool


@dataclass(frozen=True, eq=False)
class FragmentMap:
    """Fragments placed by two numbers."""

    across: Axis
    up: Axis
    wanted: bool  # these are transfer, by a step taken, and retention
    n: int  # fragments that have both
    rows: Mapping[str | None, Sequence[int]]  # positions of those drawn, by role
    fragments: Sequence[FragmentRow]
    beyond: int  # of those drawn, how many lie beyond an edge and are drawn on it

    @property
    def dots(self) -> int:
        """How many fragments are drawn."""
        return sum(map(len, self.rows.values()))


def fragment_map(findings: ProbeFindings, columns: Mapping[str, ColumnValues]) -> FragmentMap | None:
    """Place fragments by transfer and retention, or what is nearest; None if no fragment has two numbers."""
    retention = f"left after {LAGS[-1]}"
    for first, second in (
        ("transfer", retention),
        ("first-order transfer", retention),
        ("transfer", "gradient norm"),
        ("first-order transfer", "gradient norm"),
        ("cosine to reference", "gradient norm"),
        ("pressure", "loss"),
    ):
        across, up = columns.get(first), columns.get(second)
        if across is None or up is None:
            continue
        both = np.flatnonzero(np.isfinite(across.values) & np.isfinite(up.values))
        if not both.size:
            continue
        # Evenly over the corpus, so that the choice follows nothing that is drawn.
        rows = both[:: math.ceil(both.size / _MOST_DOTS)]
        by_role: dict[str | None, list[int]] = {}
        for row in rows.tolist():
            by_role.setdefault(findings.fragments[row].role, []).append(row)
        order = [role for role in (*ROLES, None) if role in by_role]
        order += [role for role in by_role if role not in order]
        axes = _axis(across, both), _axis(up, both)
        outside = [(a.column.values[rows] < a.low) | (a.column.values[rows] > a.high) for a in axes]
        return FragmentMap(
            *axes,
            wanted=(first, second) == ("transfer", retention),
            n=int(both.size),
            rows={role: by_role[role] for role in order},
            fragments=findings.fragments,
            beyond=int((outside[0] | outside[1]).sum()),
        )
    return None


def _axis(column: ColumnValues, rows: np.ndarray) -> Axis:
    """An axis that the bulk of the fragments fills: the outer 2 % are drawn on the edge."""
    values = column.values[rows]
    low, high = float(values.min()), float(values.max())
    if values.size >= _FEW:
        low, high = (float(q) for q in np.quantile(values, (0.02, 0.98)))
    if values.min() > 0 and high / low > _LOGARITHMIC:
        return Axis(column, low / 1.2, high * 1.2, logarithmic=True)
    pad = 0.08 * (high - low) or 0.1 * abs(high) or 1.0
    return Axis(column, low - pad, high + pad, logarithmic=False)
