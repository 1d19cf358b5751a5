"""What an edit is, and what makes one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

import numpy as np

__all__ = ["Candidate", "Edit", "Kind", "Level", "Operator", "exchange", "shuffled", "splice"]


class Kind(StrEnum):
    """What an edit does."""

    SWAP = "swap"
    REPLACE = "replace"
    INSERT = "insert"
    DELETE = "delete"


class Level(StrEnum):
    """What an edit does it to."""

    TOKEN = "token"  # noqa: S105 - no password
    NUMBER = "number"
    CLAUSE = "clause"
    TREE = "tree"


@dataclass(frozen=True)
class Edit:
    """One change to one span of a text.

    Attributes:
        operator: Name of the operator that made it.
        kind: What it does.
        level: What it does it to.
        start: First character of the span in the original, counted from 0.
        end: The character after the span; an insertion's span is empty.
        before: The span in the original.
        after: What stands there now.
    """

    operator: str
    kind: Kind
    level: Level
    start: int
    end: int
    before: str
    after: str


@dataclass(frozen=True)
class Candidate:
    """An edited text whose label nobody has proven yet.

    Attributes:
        text: The whole text after the edit.
        edit: The edit.
    """

    text: str
    edit: Edit


@runtime_checkable
class Operator(Protocol):
    """Makes small changes of one kind."""

    @property
    def name(self) -> str:
        """As results name the operator."""

    @property
    def kind(self) -> Kind:
        """What its edits do."""

    @property
    def level(self) -> Level:
        """What they do it to."""

    def candidates(self, text: str, rng: np.random.Generator) -> Iterator[Candidate]:
        """Edit a text in every way the operator knows, one at a time, in random order.

        Edits need not be distinct, nor differ from the text: the search sees to both.
        """


def splice(operator: Operator, text: str, start: int, end: int, after: str) -> Candidate:
    """Put ``after`` in place of ``text[start:end]``."""
    edit = Edit(operator.name, operator.kind, operator.level, start, end, text[start:end], after)
    return Candidate(text[:start] + after + text[end:], edit)


def exchange(operator: Operator, text: str, one: tuple[int, int], other: tuple[int, int]) -> Candidate:
    """Exchange two spans that do not overlap, the earlier first; what stands between them stays."""
    (start, left_end), (right_start, end) = one, other
    after = text[right_start:end] + text[left_end:right_start] + text[start:left_end]
    return splice(operator, text, start, end, after)


def shuffled(rng: np.random.Generator, count: int) -> Iterator[int]:
    """Give 0…count-1 in random order."""
    yield from rng.permutation(count).tolist()
