"""Edits of indented blocks, as Python and outlines have them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from negspace.perturbations.edit import Candidate, Kind, Level, shuffled, splice

__all__ = ["ColonDelete", "LineIndent"]

_LAST_COLON = re.compile(r":(?=[ \t]*(?:#.*)?$)", re.MULTILINE)
_MARGIN = re.compile(r"^[ \t]*(?=\S)", re.MULTILINE)
_STEP = 4


@dataclass(frozen=True)
class ColonDelete:
    """Leave out the colon at the end of a line, which opens a block."""

    name = "colon delete"
    kind = Kind.DELETE
    level = Level.TREE

    def candidates(self, text: str, rng: np.random.Generator) -> Iterator[Candidate]:
        """Delete each such colon."""
        places = [m.start() for m in _LAST_COLON.finditer(text)]
        for i in shuffled(rng, len(places)):
            yield splice(self, text, places[i], places[i] + 1, "")


@dataclass(frozen=True)
class LineIndent:
    """Move a line in or out by one or four blanks."""

    name = "line indent"
    kind = Kind.REPLACE
    level = Level.TREE

    def candidates(self, text: str, rng: np.random.Generator) -> Iterator[Candidate]:
        """Move each line in each way."""
        margins = [m.span() for m in _MARGIN.finditer(text)]
        for i in shuffled(rng, len(margins)):
            start, end = margins[i]
            for k in shuffled(rng, 4):
                by = (1, _STEP, -1, -_STEP)[k]
                if end - start + by >= 0:
                    margin = text[start:end]
                    yield splice(self, text, start, end, margin + " " * by if by > 0 else margin[:by])
