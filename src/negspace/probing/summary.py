"""What a probe found, as plain data: the content of ``probe.json``, and all that the report reads."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

from negspace.probing.columns import COLUMNS, LAYERED, unit_of
from negspace.probing.traces import Column, TraceTable

__all__ = [
    "excerpt",
    "finite",
    "layer_profiles",
    "measured",
    "retention_curve",
    "shown_columns",
    "temperature_curve",
]

_EXCERPT = 120
_BAND = (0.05, 0.95)


def finite(value: float) -> float | None:
    """A number as JSON holds it: None for NaN and the infinities."""
    return float(value) if math.isfinite(value) else None


def excerpt(text: str) -> str:
    """The beginning of a fragment, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= _EXCERPT else f"{line[: _EXCERPT - 1]}…"


def measured(table: TraceTable) -> list[dict[str, Any]]:
    """Each measure of the model as a whole: how many fragments have it, and how it is spread."""
    rows = []
    for column, values in table.columns.items():
        there = values[~np.isnan(values)]
        # The role itself is a code, and has no median.
        if column.layer is None and len(there) and column != Column("role", "role"):
            shares = (_BAND[0], 0.25, 0.5, 0.75, _BAND[1])
            low, quarter, median, three_quarters, high = _quantiles(there, shares)
            spread = len(there) > 1 and bool(np.isfinite(there).all())
            rows.append({
                "probe": column.probe,
                "measure": column.measure,
                "unit": unit_of(column.probe, column.measure),
                "n": len(there),
                "mean": finite(float(there.mean())),
                "sd": finite(float(there.std(ddof=1))) if spread else None,
                "low": low,
                "quarter": quarter,
                "median": median,
                "three_quarters": three_quarters,
                "high": high,
            })  # fmt: skip
    return rows


def layer_profiles(table: TraceTable) -> list[dict[str, Any]]:
    """Each measure that was taken at several layers: its median and band at each."""
    profiles = []
    for probe, measure in dict.fromkeys((c.probe, c.measure) for c in table.columns if c.layer is not None):
        layers = table.layers_of(probe, measure)
        if (probe, measure) not in LAYERED or len(layers) < 2:
            continue
        quantiles = [_quantiles(values, (_BAND[0], 0.5, _BAND[1])) for values in layers.values()]
        low, median, high = ([each[place] for each in quantiles] for place in range(3))
        profiles.append({
            "probe": probe,
            "measure": measure,
            "unit": unit_of(probe, measure),
            "layers": list(layers),
            "low": low,
            "median": median,
            "high": high,
            "n": max(int(np.isfinite(values).sum()) for values in layers.values()),
        })  # fmt: skip
    return profiles


def temperature_curve(
    table: TraceTable, temperatures: Sequence[float], row: int | None = None
) -> dict[str, Any] | None:
    """Where probability is as the temperature grows: the mean over fragments, or of one of them."""
    curves: dict[str, Any] = {"temperatures": list(temperatures)}
    for part in ("truth", "near", "rest"):
        points = [table.get("pressure", f"{part} at T={temperature:g}") for temperature in temperatures]
        if any(values is None for values in points):
            return None
        curves[part] = [finite(_mean(v) if row is None else v[row]) for v in points if v is not None]
    return curves


def retention_curve(table: TraceTable, lags: Sequence[int]) -> dict[str, Any] | None:
    """What is left of a fragment's own gain: its median and quarters over the sample, and the half-life."""
    curves = [table.get("retention", f"left after {lag}") for lag in lags]
    if any(curve is None for curve in curves):
        return None
    quantiles = [_quantiles(curve, (0.25, 0.5, 0.75)) for curve in curves if curve is not None]
    low, median, high = ([each[place] for each in quantiles] for place in range(3))
    half_life = table.get("retention", "half-life")
    return {
        "lags": [0, *lags],
        "low": [1.0, *low],
        "median": [1.0, *median],
        "high": [1.0, *high],
        "half_life": None if half_life is None else _quantiles(half_life, (0.5,))[0],
        "n": max(int(np.isfinite(curve).sum()) for curve in curves if curve is not None),
    }


def shown_columns(table: TraceTable) -> dict[str, Float[np.ndarray, " fragments"]]:
    """The numbers by which fragments are ranked, by name; those that were measured."""
    shown = {}
    for name, (probe, measure) in COLUMNS.items():
        values = table.get(probe, measure)
        if values is None and (layers := table.layers_of(probe, measure)):
            values = _mean_over(layers)
        if values is not None and np.isfinite(values).any():
            shown[name] = values
    return shown


def _mean_over(layers: Mapping[str, Float[np.ndarray, " fragments"]]) -> Float[np.ndarray, " fragments"]:
    stacked = np.stack(list(layers.values()))
    there = np.isfinite(stacked)
    total = np.where(there, stacked, 0.0).sum(axis=0)
    mean: Float[np.ndarray, " fragments"] = np.divide(
        total, there.sum(axis=0), out=np.full(stacked.shape[1], np.nan), where=there.any(axis=0)
    )
    return mean


def _mean(values: Float[np.ndarray, " fragments"]) -> float:
    there = values[np.isfinite(values)]
    return float(there.mean()) if len(there) else math.nan


def _quantiles(values: Float[np.ndarray, " fragments"], shares: Iterable[float]) -> list[float | None]:
    there = values[~np.isnan(values)]
    if not len(there):
        return [None for _ in shares]
    # An infinite half-life has no mean with its neighbour.
    method: Literal["lower", "linear"] = "lower" if np.isinf(there).any() else "linear"
    return [finite(float(value)) for value in np.quantile(there, list(shares), method=method)]
