"""Training rows of replicas: drawn from a concept, or labelled by a teacher (`pseudo_labels`).

Rows are drawn in chunks of `CHUNK` steps, each from generators of its own, keyed by seed, generation, chunk
and purpose. So a longer training begins with the very rows of a shorter one, and arms of one seed share
whatever they draw alike: lengths, labels, positives, initial values.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from jaxtyping import Float32, Int32, Int64, Shaped

from negspace.errors import PlanError, did_you_mean
from negspace.lab.concepts import Concept
from negspace.records import Json

CHUNK = 200
"""Steps that are drawn at a time."""

POSITIVE = "positive"
"""In a mix of inputs, rows of the concept beside its kinds of negatives."""

Labelled: TypeAlias = tuple[Int32[np.ndarray, "rows length"], Float32[np.ndarray, " rows"]]
"""Sequences of one length, and the probability that each is positive."""

Teacher: TypeAlias = Callable[[Int32[np.ndarray, "rows length"]], Float32[np.ndarray, " rows"]]
"""Gives the probability that each sequence is positive."""


class Purpose(IntEnum):
    """What a generator is for: one more purpose never shifts what the others draw."""

    LENGTHS = 0
    POSITIVES = 1
    NEGATIVES = 2
    LABELS = 3
    KINDS = 4
    SOURCES = 5
    VERDICTS = 6
    SAMPLES = 7
    ORIGINALS = 8
    DELTAS = 9
    INITIAL = 10
    ORDER = 11


@dataclass(frozen=True)
class Draw:
    """One chunk's randomness.

    Attributes:
        seed: The run's seed.
        generation: Number of teachers before this model.
        chunk: Position of the chunk in the training.
        part: Which of several draws for one chunk: those of other sources, those that replace dropped rows.
    """

    seed: int
    generation: int
    chunk: int
    part: int = 0

    def rng(self, purpose: Purpose, length: int = 0) -> np.random.Generator:
        """The generator of a purpose, for rows of a length."""
        key = (self.seed, self.generation, self.chunk, self.part, int(purpose), length)
        return np.random.default_rng(key)

    def lengths(self, between: tuple[int, int], steps: int) -> Int64[np.ndarray, " steps"]:
        """Length of each step's batch, uniform over both ends included."""
        return self.rng(Purpose.LENGTHS).integers(between[0], between[1] + 1, size=steps)


@runtime_checkable
class Rows(Protocol):
    """Training rows without end."""

    @property
    def concept(self) -> Concept:
        """What they are rows of."""
        ...

    @property
    def generation(self) -> int:
        """Number of teachers before the model that trains on them."""
        ...

    @property
    def teachers(self) -> tuple[Any, ...]:
        """The arms of all generations before, whose models label the rows; none of true rows."""
        ...

    @property
    def code(self) -> tuple[object, ...]:
        """Parts whose code decides the rows, beside their own."""
        ...

    def describe(self) -> Mapping[str, Json]:
        """All that decides the rows."""
        ...

    def outline(self) -> str:
        """The rows in a few words."""
        ...

    def draw(self, draw: Draw, rows: int, length: int, teachers: Sequence[Teacher]) -> Labelled:
        """Draw rows of one length.

        Args:
            draw: The randomness.
            rows: How many.
            length: Tokens of each.
            teachers: The models of generations 0 to ``generation - 1``, trained with the same seed.
        """
        ...


@dataclass(frozen=True)
class TrueRows:
    """Rows of a concept: positive with probability one half, else a negative of a kind drawn from a mix.

    Attributes:
        concept: Whose rows.
        negatives: Share of each kind among the negatives; shares sum to 1.
        checked: Label rows by the concept's checker instead of by how they were made. The two differ where
            the published recipe makes a negative that is valid by chance.

    Raises:
        PlanError: If a kind is unknown, or the shares do not sum to 1.
    """

    concept: Concept
    negatives: Mapping[str, float]
    checked: bool = False

    generation = 0
    teachers = ()

    def __post_init__(self) -> None:
        check_mix(self.negatives, self.concept.kinds)

    @property
    def code(self) -> tuple[object, ...]:
        """The concept, which draws and checks them."""
        return (self.concept,)

    def describe(self) -> Mapping[str, Json]:
        """Concept, mix and labels."""
        return {
            "rows": "true",
            "concept": self.concept.describe(),
            "negatives": dict(self.negatives),
            "checked": self.checked,
        }

    def outline(self) -> str:
        """The negatives, and who labels them, in a few words."""
        mix = ", ".join(f"{kind} {share:.0%}" for kind, share in self.negatives.items())
        return f"negatives {mix}" + (", labels checked" if self.checked else "")

    def draw(self, draw: Draw, rows: int, length: int, teachers: Sequence[Teacher] = ()) -> Labelled:
        """Draw rows of one length."""
        del teachers
        positive = draw.rng(Purpose.LABELS, length).random(rows) < 0.5
        kinds = pick(draw.rng(Purpose.KINDS, length), self.negatives, rows)
        kinds[positive] = POSITIVE
        tokens = inputs(self.concept, draw, kinds, length)
        labels = self.concept.holds(tokens) if self.checked else positive
        return tokens, labels.astype(np.float32)


def check_mix(mix: Mapping[str, float], known: Sequence[str]) -> None:
    """Refuse a mix that is none.

    Raises:
        PlanError: If a kind is unknown, a share negative, or the shares do not sum to 1.
    """
    for kind in mix:
        if kind not in known:
            raise PlanError(f"there is no kind of row '{kind}'", hint=did_you_mean(kind, known))
    if not (all(share >= 0 for share in mix.values()) and math.isclose(sum(mix.values()), 1)):
        raise PlanError("the shares of a mix are not negative and sum to 1", got=dict(mix))


def pick(rng: np.random.Generator, mix: Mapping[str, float], rows: int) -> Shaped[np.ndarray, " rows"]:
    """Draw a kind for each row."""
    kinds = np.array([*mix], dtype=object)
    edges = np.cumsum([*mix.values()])
    edges[-1] = np.inf  # the sum may stop short of 1 by a rounding error
    return kinds[np.searchsorted(edges, rng.random(rows), side="right")]


def inputs(
    concept: Concept, draw: Draw, kinds: Shaped[np.ndarray, " rows"], length: int
) -> Int32[np.ndarray, "rows length"]:
    """Rows of the given kinds: positives for all, of which the negatives are made."""
    tokens = concept.positives(draw.rng(Purpose.POSITIVES, length), len(kinds), length)
    rng = draw.rng(Purpose.NEGATIVES, length)
    for kind in concept.kinds:
        rows = np.flatnonzero(kinds == kind)
        if len(rows):
            tokens[rows] = concept.negatives(kind, rng, tokens[rows])
    return tokens
