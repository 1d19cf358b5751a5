"""Tasks: from the user's files to held-out rows, near misses among them, and what is measured on them."""

from __future__ import annotations

from negspace.evaluation.boundary import Boundary, Source, find_boundary, source_of
from negspace.evaluation.inputs import Inputs, read_inputs
from negspace.evaluation.layout import EASY, NEAR_MISS, PAIRS, Band, Layout, assemble, build_task
from negspace.evaluation.row_roles import Role, Roles, same_text_other_label, sort_rows, suspects
from negspace.evaluation.space import Space, lay_out

__all__ = [
    "EASY",
    "NEAR_MISS",
    "PAIRS",
    "Band",
    "Boundary",
    "Inputs",
    "Layout",
    "Role",
    "Roles",
    "Source",
    "Space",
    "assemble",
    "build_task",
    "find_boundary",
    "lay_out",
    "read_inputs",
    "same_text_other_label",
    "sort_rows",
    "source_of",
    "suspects",
]
