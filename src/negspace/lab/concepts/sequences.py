"""Token sequences whose label a rule decides: what such a concept offers, and what all of them share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Int32

from negspace.errors import PlanError, did_you_mean
from negspace.records import Json

VOCABULARY = 50
"""Number of tokens: the integers from 0 to one below."""


@runtime_checkable
class Concept(Protocol):
    """A rule over sequences of the integers 0…49, with an exact checker.

    Draws are vectorised over rows and take all their randomness from the generator passed in.
    """

    @property
    def name(self) -> str:
        """As results name the concept."""
        ...

    @property
    def statement(self) -> str:
        """The rule, in one sentence."""
        ...

    @property
    def kinds(self) -> tuple[str, ...]:
        """Names of the negatives, nearest to the boundary first.

        The last is ``random``: independent of any positive. The others are near misses, each made
        from a positive.
        """
        ...

    def describe(self) -> Mapping[str, Json]:
        """What identifies the concept and its generators."""
        ...

    def holds(self, tokens: Int32[np.ndarray, "rows length"]) -> Bool[np.ndarray, " rows"]:
        """Whether each row follows the rule: the exact checker."""
        ...

    def positives(self, rng: np.random.Generator, rows: int, length: int) -> Int32[np.ndarray, "rows length"]:
        """Draw rows that follow the rule.

        Raises:
            PlanError: If there are no such rows of this length.
        """
        ...

    def negatives(
        self, kind: str, rng: np.random.Generator, positives: Int32[np.ndarray, "rows length"]
    ) -> Int32[np.ndarray, "rows length"]:
        """Draw one negative for each row.

        Args:
            kind: One of `kinds`.
            rng: Source of randomness.
            positives: Rows from `positives`, which near misses are made from; they are left as they are.
                ``random`` uses only their shape.

        Raises:
            PlanError: If there is no such kind, or if it needs sequences of another length.
        """
        ...


def describe(concept: Concept) -> Mapping[str, Json]:
    """A concept's identity, for plans and their hashes."""
    return {
        "concept": concept.name,
        "statement": concept.statement,
        "vocabulary": VOCABULARY,
        "kinds": list(concept.kinds),
    }


def draw_uniform(rng: np.random.Generator, rows: int, length: int) -> Int32[np.ndarray, "rows length"]:
    """Draw independent tokens, uniform on the vocabulary, whatever rule they follow."""
    return rng.integers(VOCABULARY, size=(rows, length), dtype=np.int32)


def draw_violating(
    concept: Concept, rng: np.random.Generator, rows: int, length: int
) -> Int32[np.ndarray, "rows length"]:
    """Draw independent uniform tokens, each row anew while the rule holds: the ``random`` negatives."""
    require_length(concept, "random", length, least=2)
    tokens = draw_uniform(rng, rows, length)
    following = np.flatnonzero(concept.holds(tokens))
    while len(following):
        tokens[following] = draw_uniform(rng, len(following), length)
        following = following[concept.holds(tokens[following])]
    return tokens


def require_kind(concept: Concept, kind: str) -> None:
    """Refuse a kind of negatives that a concept does not have."""
    if kind not in concept.kinds:
        raise PlanError(
            f"the concept '{concept.name}' has no negatives '{kind}'", hint=did_you_mean(kind, concept.kinds)
        )


def require_length(concept: Concept, what: str, length: int, *, least: int, most: int | None = None) -> None:
    """Refuse a length at which a concept cannot draw what was asked for.

    Raises:
        PlanError: If the length is outside.
    """
    if length < least or (most is not None and length > most):
        lengths = f"at least {least}" if most is None else f"{least} to {most}"
        raise PlanError(
            f"'{what}' of the concept '{concept.name}' needs sequences of {lengths} tokens",
            got=f"length {length}",
            hint="ask for such a length",
        )
