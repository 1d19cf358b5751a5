"""Claims of the lab: words, published figures, and experiments that can come out both ways."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, Literal, Protocol, Required, TypeAlias, TypedDict, Unpack, runtime_checkable

from negspace.errors import MissingExtraError
from negspace.lab.concepts import Concept, SequenceTask, Test, sequence_task
from negspace.lab.replicas import ReplicaArm, ReplicaLearner, Sweep
from negspace.metrics import Accuracy, Metric
from negspace.models import ArmT, Learner, TaskT
from negspace.records import Json
from negspace.registry import Registry
from negspace.store import content_hash
from negspace.study import Hypothesis, Study

LabStudy: TypeAlias = Study[Any, Any]
"""A study of any task and arms: nets on sequences, language models on fragments, a table of one's own."""

_SMOKE_SEEDS = 2
_SMOKE_SHARE = 40


@dataclass(frozen=True)
class Scale:
    """How large a plan is run: as registered, or smaller.

    Attributes:
        seeds: Number of seeds of every experiment; None for the registered ones.
        smoke: A fortieth of the steps, a tenth of the test rows, two seeds: shows that it runs, and no more.
        device: Where nets train: ``cpu``, ``cuda`` or ``auto``.
    """

    seeds: int | None = None
    smoke: bool = False
    device: str = "cpu"

    @property
    def registered(self) -> bool:
        """Whether this is the scale that plans were registered at."""
        return self.seeds is None and not self.smoke

    def seeds_of(self, registered: int) -> range:
        """Seeds of an experiment with so many registered ones."""
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
    """A published figure: the mean of the experiment's metric, a share in [0, 1], of an arm on an eval set.

    ``sd`` is its standard deviation over seeds; None if none was published.
    """

    arm: str
    on: str
    mean: float
    sd: float | None = None


@dataclass(frozen=True)
class StatedHypothesis:
    """A hypothesis, the sentence that says it, the eval set that it is about; see `more` and `no_less`.

    ``published`` is the effect that was published, in the metric's units; None if none was.
    """

    hypothesis: Hypothesis
    says: str
    on: str
    published: float | None = None


def more(
    says: str,
    on: str,
    arm: str,
    versus: str | None = None,
    margin: float = 0.0,
    *,
    name: str | None = None,
    metric: Metric | None = None,
    published: float | None = None,
    claim: Literal["more", "no less"] = "more",
) -> StatedHypothesis:
    """State that an arm exceeds another one, or 0, by more than a margin.

    Args:
        says: The hypothesis as a sentence.
        on: Name of the eval set.
        arm: Name of the arm.
        versus: Name of the other arm; None if the metric itself is a difference.
        margin: Smallest effect of interest.
        name: Name in results; ``ON: ARM - VERSUS`` if None.
        metric: What is compared; accuracy on ``on`` if None.
        published: The published effect.
        claim: See `no_less`.
    """
    name = f"{on}: {arm} - {versus}" if name is None else name
    hypothesis = Hypothesis(name, Accuracy(on) if metric is None else metric, arm, versus, margin, claim)
    return StatedHypothesis(hypothesis, says, on, published)


no_less = partial(more, claim="no less")
"""State that an arm does not fall short of another one, or of 0, by a margin; arguments as of `more`."""


@dataclass(frozen=True)
class Point:
    """One place of a curve: a number, or a name on a ladder; whose runs stand there, and what of them."""

    x: float | str
    arm: str
    metric: Metric


@dataclass(frozen=True)
class Curve:
    """A metric drawn over something that was varied.

    Attributes:
        title: What it shows.
        x_label: What was varied, with its unit; ``y_label`` is what was measured.
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
class Experiment:
    """A study of a claim, its hypotheses one family; fields as in `experiment`.

    ``control`` tells whether it stands beside the claim itself.
    """

    name: str
    title: str
    study: LabStudy
    stated: Sequence[StatedHypothesis]
    tests: Mapping[str, str]
    published: Sequence[Published] = ()
    curves: Sequence[Curve] = ()
    control: bool = False
    metric: Callable[[str], Metric] = Accuracy


def experiment(
    name: str,
    title: str,
    task: TaskT,
    learner: Learner[TaskT, ArmT],
    *,
    arms: Sequence[ArmT],
    seeds: Sequence[int],
    stated: Sequence[StatedHypothesis],
    tests: Mapping[str, str],
    metric: Callable[[str], Metric] = Accuracy,
    published: Sequence[Published] = (),
    curves: Sequence[Curve] = (),
) -> Experiment:
    """Plan an experiment: every arm at every seed, measured on every test, and the hypotheses.

    Args:
        name: Name in results.
        title: What it asks.
        task: What is learnt, and the held-out items.
        learner: What fits.
        arms: What is compared.
        seeds: Each arm is fitted once at each.
        stated: The hypotheses.
        tests: What each eval set that is measured holds, in words.
        metric: Makes the metric of an eval set.
        published: Published figures of its arms.
        curves: What is drawn.

    Raises:
        PlanError: If the plan cannot come out both ways.
    """
    hypotheses = [each.hypothesis for each in stated]
    study = Study[TaskT, ArmT](task, arms, learner, seeds, [metric(on) for on in tests], hypotheses)
    return Experiment(name, title, study, stated, tests, published, curves, metric=metric)


class _Planned(TypedDict, total=False):
    arms: Required[Sequence[ReplicaArm | Sweep]]
    stated: Required[Sequence[StatedHypothesis]]
    published: Sequence[Published]
    curves: Sequence[Curve]


@dataclass(frozen=True, eq=False)
class HeldOut:
    """The held-out sequences that all experiments of a claim about small nets share, at a scale.

    ``tests`` says in words what each eval set holds.
    """

    scale: Scale
    task: SequenceTask
    tests: Mapping[str, str]

    @staticmethod
    def draw(concept: Concept, tests: Sequence[Test], scale: Scale) -> HeldOut:
        """Draw the tests of a concept, their rows at the scale."""
        scaled = [replace(test, rows_each=scale.rows(test.rows_each)) for test in tests]
        said = "{0} positives and {0} '{1}' negatives of length {2}"
        words = {test.name: said.format(test.rows_each, test.negatives, test.length) for test in scaled}
        return HeldOut(scale, sequence_task(concept, scaled, seed=0), words)

    def experiment(
        self, name: str, title: str, *, seeds: int, tests: Sequence[str], **planned: Unpack[_Planned]
    ) -> Experiment:
        """Plan an experiment with small nets, measured by accuracy; arguments as of `experiment`.

        Raises:
            PlanError: If the plan cannot come out both ways.
        """
        learner, at = ReplicaLearner(self.scale.device), self.scale.seeds_of(seeds)
        measured = {on: self.tests[on] for on in tests}
        return experiment(name, title, self.task, learner, seeds=at, tests=measured, **planned)


@dataclass(frozen=True, eq=False)
class Claim:
    """Something that is said about how data forms models, and how it is tested.

    Attributes:
        name: Name on the command line.
        title: The claim in a line.
        statement: The claim as it was made, and what would refute it; paragraphs end in a blank line.
        source: Who made it, and where.
        plan: Makes the experiments that were published, or that are claimed here for the first time.
        controls: Makes the experiments that tell why they come out as they do.
        order: Place in lists; equals stand in the order of their names.
    """

    name: str
    title: str
    statement: str
    source: str
    plan: Callable[[Scale], Sequence[Experiment]]
    controls: Callable[[Scale], Sequence[Experiment]]
    order: int = 1000

    def experiments(self, scale: Scale, *, controls: bool = True) -> tuple[Experiment, ...]:
        """The experiments at a scale, with the controls or without.

        Raises:
            MissingExtraError: If an arm's architecture cannot be told without a package that is missing.
        """
        ours = self.controls(scale) if controls else ()
        return (*self.plan(scale), *(replace(each, control=True) for each in ours))


CLAIMS: Registry[Claim] = Registry("claim", group="negspace.claims", package="negspace.lab.claims")
"""All claims by name; each is registered by its module, or by an entry point of another package."""


def register(claim: Claim) -> Claim:
    """Add a claim to `CLAIMS`, and give it back."""
    CLAIMS.add(claim.name, claim, summary=claim.title)
    return claim


def claims_in_order() -> list[Claim]:
    """All claims in the order of lists."""
    return sorted((CLAIMS[name] for name in CLAIMS), key=lambda claim: (claim.order, claim.name))


def statement_of(docstring: str | None) -> str:
    """A claim's statement: the docstring of its file, without the title."""
    return (docstring or "").partition("\n\n")[2].strip()


def plan_hash(experiments: Sequence[Experiment]) -> str:
    """SHA-256 (hex) of all plans of a claim, with the words of its hypotheses and the published figures."""
    decided: list[Json] = []
    for each in experiments:
        words: list[Json] = [[s.says, s.on, s.published] for s in each.stated]
        figures: list[Json] = [[p.arm, p.on, p.mean, p.sd] for p in each.published]
        decided.append(content_hash({"study": each.study.plan_hash, "says": words, "published": figures}))
    return content_hash(decided)


@runtime_checkable
class Outlined(Protocol):
    """An arm that tells itself in a line; any other is told by its settings."""

    def outline(self) -> str:
        """What is trained, how long, and on what."""


def described(claim: Claim, scale: Scale) -> Mapping[str, Json]:
    """All that is decided before a claim is run, as JSON: words, plans, hashes, published figures."""
    experiments = claim.experiments(scale)
    parts: list[Json] = []
    for each in experiments:
        figures: list[Json] = [
            {"arm": p.arm, "test": p.on, "mean": p.mean, "sd": p.sd} for p in each.published
        ]
        told: dict[str, Json] = {"name": each.name, "title": each.title, "control": each.control}
        planned: dict[str, Json] = {"plan_hash": each.study.plan_hash, "plan": each.study.plan()}
        parts.append({**told, **planned, "tests": dict(each.tests), "published": figures})
    words: dict[str, Json] = {"claim": claim.name, "title": claim.title, "statement": claim.statement}
    return {**words, "source": claim.source, "plan_hash": plan_hash(experiments), "parts": parts}


def outline(claim: Claim, scale: Scale) -> str:
    """The same for a reader, in lines; without the controls where telling them takes a missing package."""
    missing = ""
    try:
        experiments = claim.experiments(scale)
    except MissingExtraError as error:
        experiments, missing = claim.experiments(scale, controls=False), str(error)
    lines = [claim.title, "", claim.statement, "", f"Plan {plan_hash(experiments)[:12]}"]
    # A claim without a published figure is ours: its plan was published nowhere.
    published = any(
        each.published or any(stated.published is not None for stated in each.stated) for each in experiments
    )
    for each in experiments:
        kind = "control" if each.control else "published" if published else "the claim"
        lines += ["", f"{each.title} ({kind}, {len(each.study.seeds)} seeds)", *_lines(each)]
    if missing:
        lines += ["", f"Its controls are not shown: {missing}"]
    return "\n".join(lines)


def _lines(experiment: Experiment) -> Iterator[str]:
    for arm in experiment.study.arms:
        settings = {key: value for key, value in arm.describe().items() if key != "name"}
        told = arm.outline() if isinstance(arm, Outlined) else _said(settings)
        yield f"  arm         {arm.name}: {told}"
    for name, words in experiment.tests.items():
        yield f"  test        {name}: {words}"
    for stated in experiment.stated:
        h = stated.hypothesis
        effect = h.metric.name + f" of {h.arm}" + ("" if h.versus is None else f" - {h.versus}")
        published = "" if stated.published is None else f" (published {stated.published:+.3f})"
        yield f"  hypothesis  {stated.says}"
        yield f"              {effect} > {h.threshold:g}{published}"
    for p in experiment.published:
        yield f"  published   {p.arm}, {p.on}: {p.mean:.3f}" + ("" if p.sd is None else f" ± {p.sd:.3f}")


def _said(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_said(inner)}" for key, inner in value.items()) or "no settings"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_said, value))}]"
    return str(value)
