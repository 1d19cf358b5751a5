"""Moved to :mod:`negspace.reports.svg`."""

from __future__ import annotations

from negspace.reports.svg import COLOURS, drawing, inline_svg

__all__ = ["COLOURS", "drawing", "inline_svg"]
