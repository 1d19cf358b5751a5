"""Concepts: tasks whose boundary is known exactly, one a file."""

from __future__ import annotations

from negspace.concepts.pivot import Pivot
from negspace.concepts.sequence_task import Test, sequence_task
from negspace.concepts.sequences import VOCABULARY, Concept
from negspace.concepts.sorted_order import Sorted
from negspace.concepts.zigzag import Zigzag

__all__ = ["VOCABULARY", "Concept", "Pivot", "Sorted", "Test", "Zigzag", "sequence_task"]
