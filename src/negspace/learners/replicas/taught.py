"""Rows that a model of the generation before has labelled: how pseudo-labels pass a boundary on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float32, Int32, Int64

from negspace.concepts import Concept
from negspace.errors import PlanError
from negspace.learners.replicas.arm import ReplicaArm
from negspace.learners.replicas.rows import (
    CHUNK,
    POSITIVE,
    Draw,
    Labelled,
    Purpose,
    Teacher,
    check_mix,
    inputs,
    pick,
)
from negspace.records import Json

__all__ = ["Confident", "Oracle", "TaughtRows", "Verifier"]

_ATTEMPTS = 20


@runtime_checkable
class Verifier(Protocol):
    """Decides which pseudo-labelled rows are kept."""

    def describe(self) -> Mapping[str, Json]:
        """All that decides it."""
        ...

    def keeps(
        self,
        holds: Bool[np.ndarray, " rows"],
        probability: Float32[np.ndarray, " rows"],
        rng: np.random.Generator,
    ) -> Bool[np.ndarray, " rows"]:
        """Whether each row is kept.

        Args:
            holds: Whether the concept holds of it.
            probability: That it does, by its teacher.
            rng: For a verifier that errs at random.
        """
        ...


@dataclass(frozen=True)
class Oracle:
    """Keeps rows whose pseudo-label agrees with what it takes for the truth.

    Attributes:
        accuracy: Share of rows whose truth it sees; the others it sees the wrong way round.
    """

    accuracy: float = 1.0

    def describe(self) -> Mapping[str, Json]:
        """Kind and accuracy."""
        return {"verifier": "oracle", **asdict(self)}

    def keeps(
        self,
        holds: Bool[np.ndarray, " rows"],
        probability: Float32[np.ndarray, " rows"],
        rng: np.random.Generator,
    ) -> Bool[np.ndarray, " rows"]:
        """Whether each row is kept."""
        seen = holds == (rng.random(len(holds)) < self.accuracy)
        kept: Bool[np.ndarray, " rows"] = (probability >= 0.5) == seen
        return kept


@dataclass(frozen=True)
class Confident:
    """Keeps rows of whose label the teacher itself is sure.

    Attributes:
        at_least: Probability of the likelier label, in [0.5, 1).
    """

    at_least: float = 0.9

    def describe(self) -> Mapping[str, Json]:
        """Kind and threshold."""
        return {"verifier": "confidence", **asdict(self)}

    def keeps(
        self,
        holds: Bool[np.ndarray, " rows"],
        probability: Float32[np.ndarray, " rows"],
        rng: np.random.Generator,
    ) -> Bool[np.ndarray, " rows"]:
        """Whether each row is kept."""
        del holds, rng
        kept: Bool[np.ndarray, " rows"] = np.maximum(probability, 1 - probability) >= self.at_least
        return kept


@dataclass(frozen=True)
class TaughtRows:
    """Inputs of a mix, labelled by the teacher, with a share of true rows among them.

    Attributes:
        teacher: The arm whose model, trained with the same seed, labels.
        mix: Share of each kind of input, ``"positive"`` among them; shares sum to 1.
        labels: ``"hard"``: the likelier label; ``"soft"``: the teacher's probability itself; ``"sampled"``: a
            label drawn by it.
        true_share: Probability that a row is a true one.
        true_rows: ``"fresh"``: drawn anew; ``"original"``: one of those that generation 0 was trained on;
            ``"accumulated"``: each row comes from one of all generations so far, equally often, labelled as
            it was then (Gerstgrasser et al. 2024); ``true_share`` is not used.
        verifier: Which pseudo-labelled rows are kept; those dropped are replaced, so that the budget is the
            same. What twenty draws do not fill (a teacher that learnt nothing is sure of nothing) is filled
            with rows that are not verified. None keeps all.

    Raises:
        PlanError: If the mix is none, the share is no probability, or generation 0 was itself taught.
    """

    teacher: ReplicaArm
    mix: Mapping[str, float]
    labels: Literal["hard", "soft", "sampled"] = "hard"
    true_share: float = 0.0
    true_rows: Literal["fresh", "original", "accumulated"] = "fresh"
    verifier: Verifier | None = None

    def __post_init__(self) -> None:
        check_mix(self.mix, [POSITIVE, *self.concept.kinds])
        if not 0 <= self.true_share <= 1:
            raise PlanError("the share of true rows lies between 0 and 1", came=self.true_share)

    @property
    def concept(self) -> Concept:
        """The teacher's."""
        return self.teacher.rows.concept

    @property
    def generation(self) -> int:
        """One more than the teacher's."""
        return self.teacher.rows.generation + 1

    @property
    def origin(self) -> ReplicaArm:
        """The arm of generation 0, which was trained on the truth."""
        rows = self.teacher.rows
        return rows.origin if isinstance(rows, TaughtRows) else self.teacher

    def describe(self) -> Mapping[str, Json]:
        """All settings, and those of all teachers."""
        return {
            "rows": "taught",
            "teacher": {**self.teacher.describe(), "name": ""},  # what it is called decides nothing
            "mix": dict(self.mix),
            "labels": self.labels,
            "true_share": self.true_share,
            "true_rows": self.true_rows,
            "verifier": None if self.verifier is None else self.verifier.describe(),
        }

    def draw(self, draw: Draw, rows: int, length: int, teachers: Sequence[Teacher]) -> Labelled:
        """Draw rows of one length."""
        source = self._sources(draw, rows, length)
        tokens = np.empty((rows, length), dtype=np.int32)
        labels = np.empty(rows, dtype=np.float32)
        for generation in range(self.generation + 1):
            here = np.flatnonzero(source == generation)
            if len(here) == 0:
                continue
            if generation == 0:
                tokens[here], labels[here] = self._true(draw, len(here), length)
            else:
                tokens[here], labels[here] = self._taught(draw, len(here), length, teachers[generation - 1])
        return tokens, labels

    def _sources(self, draw: Draw, rows: int, length: int) -> Int64[np.ndarray, " rows"]:
        """Generation whose kind of row each one is: 0 for true ones, else one more than its teacher's."""
        rng = draw.rng(Purpose.SOURCES, length)
        if self.true_rows == "accumulated":
            return rng.integers(self.generation + 1, size=rows)
        return np.where(rng.random(rows) < self.true_share, 0, self.generation)

    def _true(self, draw: Draw, rows: int, length: int) -> Labelled:
        origin = self.origin
        if self.true_rows == "fresh":
            return origin.rows.draw(replace(draw, attempt=_ATTEMPTS), rows, length, ())
        # Rows of one original chunk, chosen at random: chunks are alike, and one is quick to draw again.
        rng = draw.rng(Purpose.ORIGINALS, length)
        chunk = int(rng.integers(-(-origin.steps // CHUNK)))
        original = Draw(draw.seed, 0, chunk)
        batches = int((original.lengths(origin.lengths, CHUNK) == length).sum())
        if batches == 0:
            return origin.rows.draw(replace(draw, attempt=_ATTEMPTS), rows, length, ())
        tokens, labels = origin.rows.draw(original, batches * origin.batch, length, ())
        chosen = rng.integers(len(labels), size=rows)
        return tokens[chosen], labels[chosen]

    def _taught(self, draw: Draw, rows: int, length: int, teacher: Teacher) -> Labelled:
        parts = [self._candidates(draw, rows, length, teacher)]
        while sum(len(labels) for _, labels in parts) < rows:
            again = replace(draw, attempt=len(parts))
            if len(parts) == _ATTEMPTS:
                parts.append(self._unverified(again, rows, length, teacher))
            else:
                parts.append(self._candidates(again, rows, length, teacher))
        tokens, labels = zip(*parts, strict=True)
        return np.concatenate(tokens)[:rows], np.concatenate(labels)[:rows]

    def _candidates(self, draw: Draw, rows: int, length: int, teacher: Teacher) -> Labelled:
        tokens, labels, probability = self._pseudo_labelled(draw, rows, length, teacher)
        if self.verifier is None:
            return tokens, labels
        rng = draw.rng(Purpose.VERDICTS, length)
        kept = self.verifier.keeps(self.concept.holds(tokens), probability, rng)
        return tokens[kept], labels[kept]

    def _unverified(self, draw: Draw, rows: int, length: int, teacher: Teacher) -> Labelled:
        tokens, labels, _ = self._pseudo_labelled(draw, rows, length, teacher)
        return tokens, labels

    def _pseudo_labelled(
        self, draw: Draw, rows: int, length: int, teacher: Teacher
    ) -> tuple[Int32[np.ndarray, "rows length"], Float32[np.ndarray, " rows"], Float32[np.ndarray, " rows"]]:
        """Inputs, their labels, and the teacher's probabilities."""
        kinds = pick(draw.rng(Purpose.KINDS, length), self.mix, rows)
        tokens = inputs(self.concept, draw, kinds, length)
        probability = teacher(tokens)
        match self.labels:
            case "hard":
                return tokens, (probability >= 0.5).astype(np.float32), probability
            case "soft":
                return tokens, probability, probability
            case "sampled":
                drawn = draw.rng(Purpose.SAMPLES, length).random(rows)
                return tokens, (drawn < probability).astype(np.float32), probability
