"""Edits of brackets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from negspace.perturbations.edit import Candidate, Kind, Level, exchange, shuffled, splice

__all__ = ["BracketDelete", "BracketInsert", "BracketReplace", "BracketSwap"]

_BRACKET = re.compile(r"[()\[\]{}]")
_GAP = re.compile(r"(?<=\S)(?=\S)\b|$")
_BRACKETS = "()[]{}"


@dataclass(frozen=True)
class BracketDelete:
    """Leave a bracket out."""

    name = "bracket delete"
    kind = Kind.DELETE
    level = Level.TREE

    def candidates(self, text: str, rng: np.random.Generator) -> Iterator[Candidate]:
        """Delete each bracket."""
        places = [m.start() for m in _BRACKET.finditer(text)]
        for i in shuffled(rng, len(places)):
            yield splice(self, text, places[i], places[i] + 1, "")


@dataclass(frozen=True)
class BracketInsert:
    """Put one bracket more into the text, at the end of a token."""

    name = "bracket insert"
    kind = Kind.INSERT
    level = Level.TREE

    def candidates(self, text: str, rng: np.random.Generator) -> Iterator[Candidate]:
        """Insert each bracket at each place; every place has its turn before one has its second."""
        places = [m.start() for m in _GAP.finditer(text)]
        first = rng.integers(len(_BRACKETS), size=len(places)).tolist()
        for turn in range(len(_BRACKETS)):
            for i in shuffled(rng, len(places)):
                bracket = _BRACKETS[(first[i] + turn) % len(_BRACKETS)]
                yield splice(self, text, places[i], places[i], bracket)


@dataclass(frozen=True)
class BracketReplace:
    """Turn a bracket into another: of another type, or the other way round."""

    name = "bracket replace"
    kind = Kind.REPLACE
    level = Level.TREE

    def candidates(self, text: str, rng: np.random.Generator) -> Iterator[Candidate]:
        """Replace each bracket by each other one."""
        places = [m.start() for m in _BRACKET.finditer(text)]
        for i in shuffled(rng, len(places)):
            for k in shuffled(rng, len(_BRACKETS)):
                yield splice(self, text, places[i], places[i] + 1, _BRACKETS[k])


@dataclass(frozen=True)
class BracketSwap:
    """Exchange two brackets that follow each other, whatever stands between them."""

    name = "bracket swap"
    kind = Kind.SWAP
    level = Level.TREE

    def candidates(self, text: str, rng: np.random.Generator) -> Iterator[Candidate]:
        """Exchange each bracket with the next."""
        places = [m.span() for m in _BRACKET.finditer(text)]
        for i in shuffled(rng, max(len(places) - 1, 0)):
            yield exchange(self, text, places[i], places[i + 1])
