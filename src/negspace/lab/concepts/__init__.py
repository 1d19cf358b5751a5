"""Concepts: tasks whose boundary is known exactly, one a file."""

from __future__ import annotations

from negspace.lab.concepts.pivot import Pivot
from negspace.lab.concepts.sequence_task import SequenceTask, Test, sequence_task
from negspace.lab.concepts.sequences import VOCABULARY, Concept
from negspace.lab.concepts.sorted_order import Sorted
from negspace.lab.concepts.zigzag import Zigzag

__all__ = ["VOCABULARY", "Concept", "Pivot", "SequenceTask", "Sorted", "Test", "Zigzag", "sequence_task"]
