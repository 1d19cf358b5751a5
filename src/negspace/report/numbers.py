"""Moved to :mod:`negspace.reports.numbers`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from negspace.reports.numbers import (
    NONE,
    bounds,
    count,
    interval,
    limits,
    mean_sd,
    number,
    percent,
    points,
    sentence,
    share_of,
)

__all__ = [
    "NONE",
    "Summary",
    "bounds",
    "count",
    "interval",
    "limits",
    "mean_sd",
    "number",
    "percent",
    "points",
    "sentence",
    "share_of",
]

# An audit as `audit.json` holds it, or a claim as `negspace lab run --json` prints it, or a part of one;
# docs/report.md names the parts.
Summary: TypeAlias = Mapping[str, Any]
