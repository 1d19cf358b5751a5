"""Moved to :mod:`negspace.reports.axes`."""

from __future__ import annotations

from negspace.reports.axes import (
    ACCENT,
    INK,
    LINE,
    PAPER,
    SERIES,
    SOFT,
    WARN,
    add_axes,
    percent_ticks,
)
from negspace.reports.axes import (
    canvas as sheet,
)

__all__ = [
    "ACCENT",
    "INK",
    "LINE",
    "PAPER",
    "SERIES",
    "SOFT",
    "WARN",
    "add_axes",
    "percent_ticks",
    "sheet",
]
