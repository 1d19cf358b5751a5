"""Concepts: rules over sequences whose boundary is known exactly, and tasks of their held-out sequences."""

from __future__ import annotations

from negspace.lab.concepts.rules import Pivot, Sorted, Zigzag
from negspace.lab.concepts.sequences import VOCABULARY, Concept, SequenceTask, Test, Tokens, sequence_task

__all__ = [
    "VOCABULARY",
    "Concept",
    "Pivot",
    "SequenceTask",
    "Sorted",
    "Test",
    "Tokens",
    "Zigzag",
    "sequence_task",
]
