"""What a claim of the lab consists of: words, published figures, and a plan that can come out both ways."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from negspace.lab.concepts import Concept, SequenceTask, Test, sequence_task
from negspace.lab.replicas import ReplicaArm, ReplicaLearner, Sweep
from negspace.metrics import Accuracy, Metric
from negspace.records import Json
from negspace.store import content_hash
from negspace.study import Hypothesis, Study

__all__ = [
    "Claim",
    "Curve",
    "Expectation",
    "Ground",
    "LabArm",
    "LabStudy",
    "Part",
    "Point",
    "Published",
    "Scale",
    "part",
    "plan_hash",
    "statement_of",
]

LabArm: TypeAlias = ReplicaArm | Sweep
LabStudy: TypeAlias = Study[Any, Any]
"""Of any task and arms: of replicas on sequences, or of language models on fragments."""

_SMOKE_SEEDS = 2
_SMOKE_SHARE = 40


@dataclass(frozen=True)
class Scale:
    """How large a plan is run: as it was registered, or less.

    Attributes:
        seeds: Instead of each part's own number; None leaves it.
        smoke: A fortieth of the steps, a tenth of the test rows, two seeds: shows that it runs, and no more.
        device: Of the learner.
    """

    seeds: int | None = None
    smoke: bool = False
    device: str = "cpu"

    @property
    def registered(self) -> bool:
        """Whether this is the scale that plans were registered at."""
        return self.seeds is None and not self.smoke

    def seeds_of(self, registered: int) -> range:
        """The seeds of a part."""
        smallest = _SMOKE_SEEDS if self.smoke else registered
        return range(smallest if self.seeds is None else self.seeds)

    def steps(self, registered: int) -> int:
        """Training steps of an arm."""
        return registered // _SMOKE_SHARE if self.smoke else registered

    def rows(self, registered: int) -> int:
        """Test rows of each label."""
        return registered // 10 if self.smoke else registered


@dataclass(frozen=True)
class Published:
    """A figure as it was published.

    Attributes:
        arm: Name of the arm.
        on: Name of the eval set.
        mean: Of the part's figure, accuracy or another share, in [0, 1].
        sd: Standard deviation over seeds; None where none was published.
    """

    arm: str
    on: str
    mean: float
    sd: float | None = None


@dataclass(frozen=True)
class Expectation:
    """A hypothesis with its words and the effect that was published for it.

    Attributes:
        hypothesis: What is judged.
        says: The hypothesis as a sentence.
        on: Name of the eval set it is about.
        published: The effect as published, in the metric's units; None where no figure was.
    """

    hypothesis: Hypothesis
    says: str
    on: str
    published: float | None = None


@dataclass(frozen=True)
class Point:
    """One place of a curve.

    Attributes:
        x: Where it stands: a number, or a name on a ladder.
        arm: Whose runs.
        metric: What is measured of them.
    """

    x: float | str
    arm: str
    metric: Metric


@dataclass(frozen=True)
class Curve:
    """Measures drawn over something that was varied.

    Attributes:
        title: What it shows.
        x_label: What was varied, with its unit.
        y_label: What was measured.
        series: Points by name of the series.
        kind: ``"ladder"`` for names in order, ``"line"`` for numbers.
        published: Published means, by x.
    """

    title: str
    x_label: str
    y_label: str
    series: Mapping[str, Sequence[Point]]
    kind: Literal["ladder", "line"] = "line"
    published: Mapping[float, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Ground:
    """What all parts of a claim stand on: the held-out rows, at a scale.

    Attributes:
        scale: How large the claim is run.
        task: The held-out rows.
        tests: What each eval set holds, in words.
    """

    scale: Scale
    task: SequenceTask
    tests: Mapping[str, str]

    @staticmethod
    def of(concept: Concept, tests: Sequence[Test], scale: Scale) -> Ground:
        """Draw the tests of a concept, their rows at the scale."""
        scaled = [replace(test, rows_each=scale.rows(test.rows_each)) for test in tests]
        words = {
            test.name: f"{test.rows_each} positives and {test.rows_each} '{test.negatives}' negatives of "
            f"length {test.length}"
            for test in scaled
        }
        return Ground(scale, sequence_task(concept, scaled, seed=0), words)


@dataclass(frozen=True, eq=False)
class Part:
    """A study of a claim; its hypotheses are one family.

    Attributes:
        name: As results name it.
        title: What it asks.
        study: The plan.
        expectations: The study's hypotheses, in its order.
        tests: What each eval set holds, in words.
        published: Published figures of its arms.
        curves: What is drawn.
        control: Whether it stands beside the claim itself.
        figure: What is reported of every arm on every eval set.
    """

    name: str
    title: str
    study: LabStudy
    expectations: Sequence[Expectation]
    tests: Mapping[str, str]
    published: Sequence[Published] = ()
    curves: Sequence[Curve] = ()
    control: bool = False
    figure: Callable[[str], Metric] = Accuracy


def part(
    name: str,
    title: str,
    ground: Ground,
    *,
    arms: Sequence[LabArm],
    seeds: int,
    expectations: Sequence[Expectation],
    tests: Sequence[str],
    published: Sequence[Published] = (),
    curves: Sequence[Curve] = (),
) -> Part:
    """Put a part of replicas together: accuracy of every arm on every test, and the hypotheses.

    Args:
        name: As results name it.
        title: What it asks.
        ground: The held-out rows, and how large the part is run.
        arms: What is compared.
        seeds: Registered number of seeds.
        expectations: The hypotheses.
        tests: Names of the eval sets that are measured.
        published: Published figures of its arms.
        curves: What is drawn.

    Raises:
        PlanError: If the plan cannot come out both ways.
    """
    study = Study[SequenceTask, LabArm](
        ground.task,
        arms,
        ReplicaLearner(ground.scale.device),
        ground.scale.seeds_of(seeds),
        [Accuracy(on) for on in tests],
        [expectation.hypothesis for expectation in expectations],
    )
    words = {on: ground.tests[on] for on in tests}
    return Part(name, title, study, expectations, words, published, curves)


@dataclass(frozen=True, eq=False)
class Claim:
    """Something that is said of how data forms models, and how it is tested.

    Attributes:
        name: As the command line names it.
        title: The claim in a line.
        statement: The claim as it was made, and what would refute it; paragraphs end in a blank line.
        source: Who made it, and where.
        plan: What was published, or is claimed here for the first time, at a scale.
        controls: What stands beside it, at a scale.
    """

    name: str
    title: str
    statement: str
    source: str
    plan: Callable[[Scale], Sequence[Part]]
    controls: Callable[[Scale], Sequence[Part]]

    def parts(self, scale: Scale, *, controls: bool = True) -> tuple[Part, ...]:
        """The parts at a scale, with the controls or without.

        Raises:
            MissingExtraError: If an arm's architecture cannot be told without a package that is missing.
        """
        ours = self.controls(scale) if controls else ()
        return (*self.plan(scale), *(replace(each, control=True) for each in ours))


def statement_of(docstring: str | None) -> str:
    """A claim's statement: the docstring of its file, without the title."""
    _, _, statement = (docstring or "").partition("\n\n")
    return statement.strip()


def plan_hash(parts: Sequence[Part]) -> str:
    """SHA-256 (hex) of all plans of a claim, with the words of its hypotheses and the published figures."""
    decided: list[Json] = []
    for each in parts:
        words: list[Json] = [[e.says, e.on, e.published] for e in each.expectations]
        figures: list[Json] = [[p.arm, p.on, p.mean, p.sd] for p in each.published]
        decided.append(content_hash({"study": each.study.plan_hash, "says": words, "published": figures}))
    return content_hash(decided)
