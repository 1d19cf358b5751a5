"""Rows that a model of the generation before has labelled: how pseudo-labels pass a boundary on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Literal, Protocol, TypeAlias, get_args, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float32

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
_Kept: TypeAlias = Bool[np.ndarray, " rows"]
_Probability: TypeAlias = Float32[np.ndarray, " rows"]


@runtime_checkable
class Verifier(Protocol):
    """Decides which pseudo-labelled rows are kept."""

    def describe(self) -> Mapping[str, Json]:
        """All that decides it."""

    def keeps(self, holds: _Kept, probability: _Probability, rng: np.random.Generator) -> _Kept:
        """Whether each row is kept, from whether the concept holds of it, and how probably by its teacher.

        A verifier that errs at random draws from ``rng``.
        """


@dataclass(frozen=True)
class Oracle:
    """Keeps rows labelled with what it takes for the truth, and rightly in a share ``accuracy`` of them."""

    accuracy: float = 1.0

    def __post_init__(self) -> None:
        if not 0 <= self.accuracy <= 1:
            raise PlanError("an oracle's accuracy lies between 0 and 1", got=self.accuracy)

    def describe(self) -> Mapping[str, Json]:
        """Kind and accuracy."""
        return {"verifier": "oracle", **asdict(self)}

    def keeps(self, holds: _Kept, probability: _Probability, rng: np.random.Generator) -> _Kept:
        """Whether each row is kept."""
        seen = holds == (rng.random(len(holds)) < self.accuracy)
        return np.asarray((probability >= 0.5) == seen)


@dataclass(frozen=True)
class Confident:
    """Keeps rows of whose label the teacher is sure: the likelier has at least a probability in [0.5, 1)."""

    at_least: float = 0.9

    def __post_init__(self) -> None:
        if not 0.5 <= self.at_least < 1:
            raise PlanError("the likelier label has a probability from 0.5 to 1", got=self.at_least)

    def describe(self) -> Mapping[str, Json]:
        """Kind and threshold."""
        return {"verifier": "confidence", **asdict(self)}

    def keeps(self, holds: _Kept, probability: _Probability, rng: np.random.Generator) -> _Kept:
        """Whether each row is kept."""
        del holds, rng
        return np.asarray(np.maximum(probability, 1 - probability) >= self.at_least)


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
        for name, kinds in (("labels", Labels), ("true_rows", TrueRowsFrom)):
            got, known = getattr(self, name), get_args(kinds)
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
        return (*self.teacher.rows.teachers, self.teacher)

    @property
    def code(self) -> tuple[object, ...]:
        """The verifier, and what its teacher depends on."""
        return (*self.teacher.code, *(() if self.verifier is None else (self.verifier,)))

    def describe(self) -> Mapping[str, Json]:
        """All settings, and those of all teachers."""
        teacher = {**self.teacher.describe(), "name": ""}  # what it is called decides nothing
        told: dict[str, Json] = {"rows": "taught", "teacher": teacher, "mix": dict(self.mix)}
        drawn: dict[str, Json] = {name: getattr(self, name) for name in ("labels", "true_share", "true_rows")}
        return {**told, **drawn, "verifier": None if self.verifier is None else self.verifier.describe()}

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

    def draw(self, draw: Draw) -> Labelled:
        """Draw rows of one length."""
        grown, rng = self.true_rows == "accumulated", draw.rng(Purpose.SOURCES)
        # Generation whose kind of row each one is: 0 for true ones, else one more than its teacher's.
        if grown:
            source = rng.integers(self.generation + 1, size=draw.rows)
        else:
            source = np.where(rng.random(draw.rows) < self.true_share, 0, self.generation)
        tokens = np.empty((draw.rows, draw.length), dtype=np.int32)
        labels = np.empty(draw.rows, dtype=np.float32)
        for generation in np.unique(source).tolist():
            here = np.flatnonzero(source == generation)
            own = replace(draw, rows=len(here), part=_PER_SOURCE * generation if grown else 0)
            if generation == 0:
                tokens[here], labels[here] = self._true(own)
            else:
                tokens[here], labels[here] = self._labelled(own, draw.teachers[generation - 1])
        return tokens, labels

    def _true(self, draw: Draw) -> Labelled:
        origin, fresh = self.teachers[0], replace(draw, part=_TRUE)
        if self.true_rows == "fresh":
            return origin.rows.draw(fresh)
        # Rows of one original chunk, chosen at random: chunks are alike, and one is quick to draw again.
        rng = draw.rng(Purpose.ORIGINALS)
        chunk = int(rng.integers(-(-origin.steps // CHUNK)))
        original = Draw(draw.seed, 0, chunk, length=draw.length)
        alike = original.lengths(origin.lengths) == draw.length
        trained_on = int(alike[: origin.steps - chunk * CHUNK].sum()) * origin.batch
        if trained_on == 0:
            return origin.rows.draw(fresh)
        tokens, labels = origin.rows.draw(replace(original, rows=int(alike.sum()) * origin.batch))
        chosen = rng.integers(trained_on, size=draw.rows)
        return tokens[chosen], labels[chosen]

    def _labelled(self, draw: Draw, teacher: Teacher) -> Labelled:
        parts = [self._candidates(draw, teacher)]
        while (missing := draw.rows - sum(len(labels) for _, labels in parts)) > 0:
            again, verified = replace(draw, part=draw.part + len(parts)), len(parts) < _ATTEMPTS
            again = again if verified else replace(again, rows=missing)
            parts.append(self._candidates(again, teacher, verified=verified))
        tokens, labels = (np.concatenate(part)[: draw.rows] for part in zip(*parts, strict=True))
        # What came last would otherwise make whole batches of its own.
        order = draw.rng(Purpose.ORDER).permutation(draw.rows) if len(parts) > _ATTEMPTS else slice(None)
        return tokens[order], labels[order]

    def _candidates(self, draw: Draw, teacher: Teacher, *, verified: bool = True) -> Labelled:
        tokens = inputs(self.concept, draw, pick(draw.rng(Purpose.KINDS), self.mix, draw.rows))
        labels = probability = teacher(tokens)
        if self.labels == "hard":
            labels = (probability >= 0.5).astype(np.float32)
        elif self.labels == "sampled":
            labels = (draw.rng(Purpose.SAMPLES).random(draw.rows) < probability).astype(np.float32)
        if self.verifier is None or not verified:
            return tokens, labels
        kept = self.verifier.keeps(self.concept.holds(tokens), probability, draw.rng(Purpose.VERDICTS))
        return tokens[kept], labels[kept]
