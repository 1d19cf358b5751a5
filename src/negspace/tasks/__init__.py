"""Tasks: from the user's files to held-out rows, near misses among them, and what is measured on them."""

from __future__ import annotations

from negspace.tasks.boundary import Boundary, Source, find_boundary, source_of
from negspace.tasks.inputs import Inputs, read_inputs
from negspace.tasks.layout import EASY, NEAR_MISS, PAIRS, Band, Layout, assemble, build_task
from negspace.tasks.space import Space, lay_out

__all__ = [
    "EASY",
    "NEAR_MISS",
    "PAIRS",
    "Band",
    "Boundary",
    "Inputs",
    "Layout",
    "Source",
    "Space",
    "assemble",
    "build_task",
    "find_boundary",
    "lay_out",
    "read_inputs",
    "source_of",
]
