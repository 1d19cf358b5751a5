"""Edits of what stands between commas, semicolons and line ends: items of a list, clauses of a sentence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from negspace.perturbations.edit import Candidate, Kind, Level, exchange, shuffled, splice

__all__ = ["ClauseDelete", "ClauseInsert", "ClauseSwap"]

# A comma inside a number (1,000) divides nothing.
_CLAUSE = re.compile(r"(?:[^,;\n]|(?<=\d),(?=\d{3}\b))+")


def _clauses(text: str) -> list[tuple[int, int]]:
    """Spans between separators, without brackets at the ends of the text and without white space."""
    first = len(text) - len(text.lstrip(" \t\r\n[({"))
    last = len(text.rstrip(" \t\r\n])}."))
    spans = []
    for match in _CLAUSE.finditer(text, first, max(first, last)):
        bare = match[0].strip()
        if bare:
            start = match.start() + match[0].index(bare)
            spans.append((start, start + len(bare)))
    return spans


@dataclass(frozen=True)
class ClauseSwap:
    """Exchange two clauses.

    Attributes:
        reach: How many clauses apart they may be; 1 for neighbours only.
    """

    reach: int = 3

    name = "clause swap"
    kind = Kind.SWAP
    level = Level.CLAUSE

    def candidates(self, text: str, rng: np.random.Generator) -> Iterator[Candidate]:
        """Exchange any two clauses within reach."""
        clauses = _clauses(text)
        for apart in range(1, self.reach + 1):
            for i in shuffled(rng, max(len(clauses) - apart, 0)):
                yield exchange(self, text, clauses[i], clauses[i + apart])


@dataclass(frozen=True)
class ClauseDelete:
    """Leave a clause out, with the separator after it (the last one: before it)."""

    name = "clause delete"
    kind = Kind.DELETE
    level = Level.CLAUSE

    def candidates(self, text: str, rng: np.random.Generator) -> Iterator[Candidate]:
        """Delete each clause of several."""
        clauses = _clauses(text)
        for i in shuffled(rng, len(clauses) if len(clauses) > 1 else 0):
            start, end = clauses[i]
            if i + 1 < len(clauses):
                yield splice(self, text, start, clauses[i + 1][0], "")
            else:
                yield splice(self, text, clauses[i - 1][1], end, "")


@dataclass(frozen=True)
class ClauseInsert:
    """Write a clause twice: right after itself, with the separator that stands between two."""

    name = "clause insert"
    kind = Kind.INSERT
    level = Level.CLAUSE

    def candidates(self, text: str, rng: np.random.Generator) -> Iterator[Candidate]:
        """Double each clause of several."""
        clauses = _clauses(text)
        for i in shuffled(rng, len(clauses) if len(clauses) > 1 else 0):
            start, end = clauses[i]
            before = i if i + 1 < len(clauses) else i - 1
            separator = text[clauses[before][1] : clauses[before + 1][0]]
            yield splice(self, text, end, end, separator + text[start:end])
