"""Rows that a model of the generation before has labelled: how pseudo-labels pass a boundary on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal, Protocol, get_args, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float32, Int32, Int64

from negspace.errors import PlanError, did_you_mean
from negspace.lab.concepts import Concept
from negspace.lab.replicas.arms import ReplicaArm
from negspace.lab.replicas.training_rows import (
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

_ATTEMPTS = 10
# Parts of a chunk's randomness (`Draw.part`): true rows, and the first of each teacher's.
_TRUE = -1 % 2**32
_PER_SOURCE = 1000


Labels = Literal["hard", "soft", "sampled"]
TrueRowsFrom = Literal["fresh", "original", "accumulated"]
_LABELS: tuple[Labels, ...] = get_args(Labels)
_TRUE_ROWS: tuple[TrueRowsFrom, ...] = get_args(TrueRowsFrom)


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

    def __post_init__(self) -> None:
        if not 0 <= self.accuracy <= 1:
            raise PlanError("an oracle's accuracy lies between 0 and 1", got=self.accuracy)

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

    def __post_init__(self) -> None:
        if not 0.5 <= self.at_least < 1:
            raise PlanError("the likelier label has a probability from 0.5 to 1", got=self.at_least)

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
class PseudoLabelledRows:
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
            same. What ten draws do not fill (a teacher that learnt nothing is sure of nothing) is filled
            with rows that are not verified. None keeps all.

    Raises:
        PlanError: If the mix is none, the share no probability, there are no such labels or true rows, or
            the teacher predicts from its best checkpoint (which would choose it by the test rows).
    """

    teacher: ReplicaArm
    mix: Mapping[str, float]
    labels: Labels = "hard"
    true_share: float = 0.0
    true_rows: TrueRowsFrom = "fresh"
    verifier: Verifier | None = None

    def __post_init__(self) -> None:
        check_mix(self.mix, [POSITIVE, *self.concept.kinds])
        if not 0 <= self.true_share <= 1:
            raise PlanError("the share of true rows lies between 0 and 1", got=self.true_share)
        for name, got, known in (
            ("labels", self.labels, _LABELS),
            ("true_rows", self.true_rows, _TRUE_ROWS),
        ):
            if got not in known:
                raise PlanError(f"{name} are {', '.join(known)}", got=got, hint=did_you_mean(got, known))
        if self.teacher.best_of is not None:
            raise PlanError(
                f"teacher '{self.teacher.name}' predicts from its best checkpoint", hint="drop best_of"
            )

    @property
    def concept(self) -> Concept:
        """The teacher's."""
        return self.teacher.rows.concept

    @property
    def generation(self) -> int:
        """One more than the teacher's."""
        return self.teacher.rows.generation + 1

    @property
    def teachers(self) -> tuple[ReplicaArm, ...]:
        """The arms of all generations before; that of generation 0, trained on the truth, comes first."""
        return (*self.teacher.teachers, self.teacher)

    @property
    def code(self) -> tuple[object, ...]:
        """The verifier, and what its teacher depends on."""
        return (*self.teacher.code, *(() if self.verifier is None else (self.verifier,)))

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

    def outline(self) -> str:
        """Labels, true rows and verifier in a few words."""
        said = [f"{self.labels} labels of generation {self.generation - 1}"]
        if self.true_rows == "accumulated":
            said.append("rows of all generations")
        elif self.true_share:
            said.append(f"{self.true_share:.0%} {self.true_rows} true rows")
        if self.verifier is not None:
            said += [f"{key} {value}" for key, value in self.verifier.describe().items()]
        return ", ".join(said)

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
                first = _PER_SOURCE * (generation if self.true_rows == "accumulated" else 0)
                tokens[here], labels[here] = self._labelled(
                    replace(draw, part=first), len(here), length, teachers[generation - 1]
                )
        return tokens, labels

    def _sources(self, draw: Draw, rows: int, length: int) -> Int64[np.ndarray, " rows"]:
        """Generation whose kind of row each one is: 0 for true ones, else one more than its teacher's."""
        rng = draw.rng(Purpose.SOURCES, length)
        if self.true_rows == "accumulated":
            return rng.integers(self.generation + 1, size=rows)
        return np.where(rng.random(rows) < self.true_share, 0, self.generation)

    def _true(self, draw: Draw, rows: int, length: int) -> Labelled:
        origin = self.teachers[0]
        if self.true_rows == "fresh":
            return origin.rows.draw(replace(draw, part=_TRUE), rows, length, ())
        # Rows of one original chunk, chosen at random: chunks are alike, and one is quick to draw again.
        rng = draw.rng(Purpose.ORIGINALS, length)
        chunk = int(rng.integers(-(-origin.steps // CHUNK)))
        original = Draw(draw.seed, 0, chunk)
        alike = original.lengths(origin.lengths, CHUNK) == length
        trained_on = int(alike[: origin.steps - chunk * CHUNK].sum()) * origin.batch
        if trained_on == 0:
            return origin.rows.draw(replace(draw, part=_TRUE), rows, length, ())
        tokens, labels = origin.rows.draw(original, int(alike.sum()) * origin.batch, length, ())
        chosen = rng.integers(trained_on, size=rows)
        return tokens[chosen], labels[chosen]

    def _labelled(self, draw: Draw, rows: int, length: int, teacher: Teacher) -> Labelled:
        parts = [self._candidates(draw, rows, length, teacher)]
        while (missing := rows - sum(len(labels) for _, labels in parts)) > 0:
            again = replace(draw, part=draw.part + len(parts))
            if len(parts) < _ATTEMPTS:
                parts.append(self._candidates(again, rows, length, teacher))
            else:
                tokens, labels, _ = self._pseudo_labelled(again, missing, length, teacher)
                parts.append((tokens, labels))
        all_tokens, all_labels = (np.concatenate(part)[:rows] for part in zip(*parts, strict=True))
        # What came last would otherwise make whole batches of its own.
        order = draw.rng(Purpose.ORDER, length).permutation(rows) if len(parts) > _ATTEMPTS else slice(None)
        return all_tokens[order], all_labels[order]

    def _candidates(self, draw: Draw, rows: int, length: int, teacher: Teacher) -> Labelled:
        tokens, labels, probability = self._pseudo_labelled(draw, rows, length, teacher)
        if self.verifier is None:
            return tokens, labels
        rng = draw.rng(Purpose.VERDICTS, length)
        kept = self.verifier.keeps(self.concept.holds(tokens), probability, rng)
        return tokens[kept], labels[kept]

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
