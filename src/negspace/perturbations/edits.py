"""What an edit is, what makes one, and how far it leads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeAlias, TypeVar, runtime_checkable

import numpy as np


class EditKind(StrEnum):
    """What an edit does."""

    SWAP = "swap"
    REPLACE = "replace"
    INSERT = "insert"
    DELETE = "delete"


class EditLevel(StrEnum):
    """What an edit does it to."""

    TOKEN = "token"  # noqa: S105 - no password
    NUMBER = "number"
    CLAUSE = "clause"
    TREE = "tree"


T = TypeVar("T")

Change: TypeAlias = tuple[int, int, str]
"""First character of a span, the character after it, and what comes in its place."""


@dataclass(frozen=True)
class Edit:
    """One change to one span of a text."""

    operator: str
    kind: EditKind
    level: EditLevel
    start: int  # first character of the span in the original, counted from 0
    end: int  # the character after the span; an insertion's span is empty
    before: str
    after: str


@dataclass(frozen=True)
class Candidate:
    """An edited text whose label nobody has proven yet."""

    text: str
    edit: Edit


@runtime_checkable
class Operator(Protocol):
    """Makes small changes of one kind."""

    @property
    def name(self) -> str:
        """As results name the operator."""

    @property
    def kind(self) -> EditKind:
        """What its edits do."""

    @property
    def level(self) -> EditLevel:
        """What they do it to."""

    def candidates(self, text: str, rng: np.random.Generator) -> Iterator[Candidate]:
        """Edit a text in every way the operator knows, one at a time, in random order.

        Edits need not be distinct, nor differ from the text: the search sees to both.
        """


@dataclass(frozen=True)
class SpanOperator:
    """An operator given by a function that says what may come in place of which span."""

    name: str
    kind: EditKind
    level: EditLevel
    # from a text and a generator to changes, one at a time, in random order
    changes: Callable[[str, np.random.Generator], Iterator[Change]]

    def candidates(self, text: str, rng: np.random.Generator) -> Iterator[Candidate]:
        """Make every change of the text."""
        for start, end, after in self.changes(text, rng):
            edit = Edit(self.name, self.kind, self.level, start, end, text[start:end], after)
            yield Candidate(text[:start] + after + text[end:], edit)


def exchange(text: str, one: tuple[int, int], other: tuple[int, int]) -> Change:
    """Exchange two spans that do not overlap, the earlier first; what stands between them stays."""
    (start, left_end), (right_start, end) = one, other
    return start, end, text[right_start:end] + text[left_end:right_start] + text[start:left_end]


def shuffled(rng: np.random.Generator, items: Sequence[T]) -> Iterator[T]:
    """Give the items in random order."""
    for i in rng.permutation(len(items)).tolist():
        yield items[i]


def edit_distance(one: str, other: str) -> int:
    """Count the insertions, deletions and replacements of one character that turn a text into another.

    Levenshtein distance by bit vectors, a column of the table in one integer (Myers 1999, A fast bit-vector
    algorithm for approximate string matching; in the form of Hyyrö 2003, figure 3).
    """
    ahead = _common_start(one, other)
    one, other = one[ahead:], other[ahead:]
    behind = _common_start(one[::-1], other[::-1])
    one, other = one[: len(one) - behind], other[: len(other) - behind]
    if not one or not other:
        return len(one) + len(other)
    places: dict[str, int] = {}
    for i, character in enumerate(one):
        places[character] = places.get(character, 0) | 1 << i
    mask, last = (1 << len(one)) - 1, 1 << (len(one) - 1)
    rises, falls, distance = mask, 0, len(one)
    for character in other:
        equal = places.get(character, 0)
        diagonal = (((equal & rises) + rises) ^ rises) | equal | falls
        right_rises = (falls | ~(diagonal | rises)) & mask
        right_falls = rises & diagonal
        distance += bool(right_rises & last) - bool(right_falls & last)
        right_rises = right_rises << 1 | 1
        rises = (right_falls << 1 | ~(diagonal | right_rises)) & mask
        falls = right_rises & diagonal & mask
    return distance


def _common_start(one: str, other: str) -> int:
    differing = (i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    return next(differing, min(len(one), len(other)))
