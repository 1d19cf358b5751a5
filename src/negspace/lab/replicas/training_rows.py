"""Training rows of replicas: drawn from a concept, or labelled by a teacher (`pseudo_labels`).

Rows are drawn in chunks of `CHUNK` steps, each from generators of its own, keyed by seed, generation, chunk
and purpose. So a longer training begins with the very rows of a shorter one, and arms of one seed share
whatever they draw alike: lengths, labels, positives, initial values.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from jaxtyping import Float32, Int64, Shaped

from negspace.errors import PlanError, did_you_mean
from negspace.lab.concepts import Concept, Tokens
from negspace.records import Json

CHUNK = 200
"""Steps that are drawn at a time."""

POSITIVE = "positive"
"""In a mix of inputs, rows of the concept beside its kinds of negatives."""

Labelled: TypeAlias = tuple[Tokens, Float32[np.ndarray, " rows"]]
"""Sequences of one length, and the probability that each is positive."""

Teacher: TypeAlias = Callable[[Tokens], Float32[np.ndarray, " rows"]]
"""Gives the probability that each sequence is positive."""


Purpose = IntEnum(
    "Purpose",
    "LENGTHS POSITIVES NEGATIVES LABELS KINDS SOURCES VERDICTS SAMPLES ORIGINALS DELTAS INITIAL ORDER",
    start=0,
)
"""What a generator is for: one more purpose, at the end, never shifts what the others draw."""


@dataclass(frozen=True)
class Draw:
    """So many rows of one length, and the randomness of a chunk of a run's training that they are drawn with.

    Attributes:
        seed: The run's seed.
        generation: Number of teachers before its model.
        chunk: Position of the chunk in the training.
        rows: How many.
        length: Tokens of each.
        teachers: The models of all generations before, trained with the same seed.
        part: Which of several draws for one chunk: those of other sources, those that replace dropped rows.
    """

    seed: int
    generation: int
    chunk: int
    rows: int = 0
    length: int = 0
    teachers: Sequence[Teacher] = ()
    part: int = 0

    def rng(self, purpose: Purpose) -> np.random.Generator:
        """The generator of a purpose, for rows of this length."""
        key = (self.seed, self.generation, self.chunk, self.part, int(purpose), self.length)
        return np.random.default_rng(key)

    def lengths(self, between: tuple[int, int]) -> Int64[np.ndarray, " steps"]:
        """Length of each step's batch, uniform over both ends included."""
        whole = replace(self, length=0)
        return whole.rng(Purpose.LENGTHS).integers(between[0], between[1] + 1, size=CHUNK)


@runtime_checkable
class Rows(Protocol):
    """Training rows without end."""

    @property
    def concept(self) -> Concept:
        """What they are rows of."""

    @property
    def generation(self) -> int:
        """Number of teachers before the model that trains on them."""

    @property
    def teachers(self) -> tuple[Any, ...]:
        """The arms of all generations before, whose models label the rows; none of true rows."""

    @property
    def code(self) -> tuple[object, ...]:
        """Parts whose code decides the rows, beside their own."""

    def describe(self) -> Mapping[str, Json]:
        """All that decides the rows."""

    def outline(self) -> str:
        """The rows in a few words."""

    def draw(self, draw: Draw) -> Labelled:
        """Draw rows of one length."""


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
        concept, mix = self.concept.describe(), dict(self.negatives)
        return {"rows": "true", "concept": concept, "negatives": mix, "checked": self.checked}

    def outline(self) -> str:
        """The negatives, and who labels them, in a few words."""
        mix = ", ".join(f"{kind} {share:.0%}" for kind, share in self.negatives.items())
        return f"negatives {mix}" + (", labels checked" if self.checked else "")

    def draw(self, draw: Draw) -> Labelled:
        """Draw rows of one length."""
        positive = draw.rng(Purpose.LABELS).random(draw.rows) < 0.5
        kinds = pick(draw.rng(Purpose.KINDS), self.negatives, draw.rows)
        kinds[positive] = POSITIVE
        tokens = inputs(self.concept, draw, kinds)
        labels = self.concept.holds(tokens) if self.checked else positive
        return tokens, labels.astype(np.float32)


def check_mix(mix: Mapping[str, float], known: Sequence[str]) -> None:
    """Refuse, by a PlanError, unknown kinds, negative shares, and shares that do not sum to 1."""
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


def inputs(concept: Concept, draw: Draw, kinds: Shaped[np.ndarray, " rows"]) -> Tokens:
    """Rows of the given kinds: positives for all, of which the negatives are made."""
    tokens = concept.positives(draw.rng(Purpose.POSITIVES), len(kinds), draw.length)
    rng = draw.rng(Purpose.NEGATIVES)
    for kind in concept.kinds:
        rows = np.flatnonzero(kinds == kind)
        if len(rows):
            tokens[rows] = concept.negatives(kind, rng, tokens[rows])
    return tokens
