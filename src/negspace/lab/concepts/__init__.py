"""Concepts: rules over sequences whose boundary is known exactly, and tasks of their held-out sequences."""

from __future__ import annotations

from negspace.lab.concepts.differences import Pivot, Zigzag
from negspace.lab.concepts.sequence_task import SequenceTask, Test, sequence_task
from negspace.lab.concepts.sequences import VOCABULARY, Concept
from negspace.lab.concepts.sorted_order import Sorted

__all__ = ["VOCABULARY", "Concept", "Pivot", "SequenceTask", "Sorted", "Test", "Zigzag", "sequence_task"]
