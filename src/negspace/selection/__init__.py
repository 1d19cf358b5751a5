"""Selections: a small set, dense at the boundary, chosen out of a pool and tried before it is trusted."""

from __future__ import annotations

from negspace.selection.result import Selection
from negspace.selection.run import curate
from negspace.selection.summary import SCHEMA

__all__ = ["SCHEMA", "Selection", "curate"]
