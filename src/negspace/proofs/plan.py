"""The plan of a proof: arms of equal rows, the ladder of random rows, and what is claimed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from negspace.curation import survey_pool
from negspace.curation.strategies import DrawnArm, RowPool, StrategyArm, Way, open_strategy
from negspace.errors import PlanError
from negspace.evaluation import EASY, NEAR_MISS, PAIRS, EvaluationPlan
from negspace.metrics import Accuracy, Metric, PairConsistency
from negspace.models import TextArm, TextLearner, TextTask
from negspace.proofs.inputs import ArmSpec, ProofFiles
from negspace.records import Json
from negspace.study import N_SEEDS, Hypothesis, Study

_FEWEST = 20  # random rows at the foot of the ladder, or one a label if these are more
_DRAWN_HERE: dict[str, Way] = {"random": "random", "stratified": "stratified"}


@dataclass(frozen=True, eq=False)
class ProofArm:
    """An arm of the study, and what it was asked for as.

    Attributes:
        spec: As asked for.
        source: Which of the files it draws from.
        arm: As it is fitted.
        of_rows: Rows of its file.
    """

    spec: ArmSpec
    source: int
    arm: TextArm
    of_rows: int

    @property
    def name(self) -> str:
        """As results name it."""
        return self.spec.name

    @property
    def fixed(self) -> bool:
        """Whether every seed trains on the same rows."""
        return isinstance(self.arm, DrawnArm) and self.arm.fixed


@dataclass(frozen=True, eq=False)
class Ladder:
    """Random rows of the reference pool, each label in its share, at several sizes.

    Attributes:
        pool: Rows in the reference pool.
        arms: For each size, ascending, the name of the arm that draws so many.
        extra: Those arms that are no arms of the proof themselves.
    """

    pool: int
    arms: dict[int, str]
    extra: tuple[TextArm, ...]

    @property
    def sizes(self) -> Int[np.ndarray, " sizes"]:
        """Ascending."""
        return np.array(list(self.arms))


@dataclass(frozen=True)
class ArmComparison:
    """The first arm against another: the two claims that make it superior.

    Attributes:
        arm: Name of the first.
        versus: Name of the other.
        near_miss: More accurate on near misses, by more than the margin.
        easy: No less accurate on easy rows, but for the easy margin.
    """

    arm: str
    versus: str
    near_miss: Hypothesis
    easy: Hypothesis


def check_settings(
    *,
    seeds: int,
    seed: int = 0,
    budget: int | None = None,
    margin: float = 0.0,
    easy_margin: float = 0.0,
    tune: int = 0,
) -> None:
    """Refuse settings with which nothing can be proven.

    Raises:
        PlanError: If one is out of its range.
    """
    if seeds < 1:
        raise PlanError("a proof needs at least one seed", got=seeds, hint="give --seeds 20")
    if seed < 0 or seed + seeds > N_SEEDS:
        raise PlanError(
            f"seeds are whole numbers from 0 to {N_SEEDS - 1}",
            got=f"{seeds} seeds from {seed}",
            hint="give --seed 0",
        )
    if budget is not None and budget < 2:
        raise PlanError("a budget is of at least 2 rows", got=budget)
    for name, value in (("margin", margin), ("easy margin", easy_margin)):
        if not 0 <= value < 1:
            raise PlanError(f"the {name} is a difference of accuracies, from 0 to 1", got=value)
    if tune < 0:
        raise PlanError("search makes 0 trials or more", got=tune, hint="give --tune 20")


def choose_budget(specs: Sequence[ArmSpec], files: ProofFiles, budget: int | None) -> int:
    """Rows that every arm trains on: those asked for, else those of the smallest file.

    Raises:
        PlanError: If an arm has fewer, or no arm says how many.
    """
    sizes = [len(files.sources[source]) for source in files.of_arm]
    if budget is None:
        own = [size for spec, size in zip(specs, sizes, strict=True) if spec.strategy is None]
        if not own:
            raise PlanError(
                "all arms draw from a pool, and none says how many rows",
                hint="give --budget N, or an arm FILE",
            )
        budget = min(own)
    for spec, size in zip(specs, sizes, strict=True):
        if size < budget:
            raise PlanError(
                f"arm '{spec.name}' has {size} rows, and every arm is to train on {budget}",
                hint=f"give --budget {min(sizes)} or less, or leave --budget out",
            )
    return budget


def build_arms(
    specs: Sequence[ArmSpec],
    files: ProofFiles,
    plan: EvaluationPlan,
    budget: int,
    *,
    seed: int,
    workers: int,
) -> tuple[ProofArm, ...]:
    """Build the arms, each of exactly ``budget`` rows at every seed."""
    pools: dict[int, RowPool] = {}
    built = []
    for spec, source in zip(specs, files.of_arm, strict=True):
        rows = files.rows(source)
        arm: TextArm
        if spec.strategy is None or spec.strategy in _DRAWN_HERE:
            way = "clusters" if spec.strategy is None else _DRAWN_HERE[spec.strategy]
            arm = DrawnArm(spec.name, rows, budget, way)
        else:
            if source not in pools:  # arms of one file share its pool
                task = plan.task
                pools[source] = survey_pool(
                    task.texts[rows[0] : rows[-1] + 1],
                    task.labels[rows],
                    task.label_names,
                    groups=files.sources[source].examples.groups,
                    seed=seed,
                    workers=workers,
                ).pool
            settings: dict[str, Json] = {"name": spec.strategy, "pool seed": seed}
            arm = StrategyArm(spec.name, open_strategy(spec.strategy), settings, pools[source], rows, budget)
        built.append(ProofArm(spec, source, arm, len(rows)))
    return tuple(built)


def build_ladder(arms: Sequence[ProofArm], files: ProofFiles, budget: int) -> Ladder:
    """Random rows of the reference pool, each label in its share, up to all of it.

    An arm that draws just these serves as a rung.
    """
    rows = files.rows(files.reference)
    rungs: dict[int, str] = {}
    extra: list[TextArm] = []
    for size in ladder_sizes(len(rows), budget, len(files.label_names)).tolist():
        # Stratified, as a choice of rows is: single random rows miss rare labels, which flatters every arm.
        rung = DrawnArm(f"{size:,} random rows of the reference pool", rows, size, "stratified")
        content = {**rung.describe(), "name": ""}
        twin = next((each.arm for each in arms if {**each.arm.describe(), "name": ""} == content), None)
        rungs[size] = rung.name if twin is None else twin.name
        if twin is None:
            extra.append(rung)
    return Ladder(len(rows), rungs, tuple(extra))


def ladder_sizes(pool: int, budget: int, n_labels: int) -> Int[np.ndarray, " sizes"]:
    """Sizes of a learning curve: from 20 rows, or one a label, to all, none more than twice the one before.

    The budget is one of them, so that arms can be held against random draws of as many rows.

    Args:
        pool: Rows there are.
        budget: Rows of an arm.
        n_labels: Number of labels.
    """
    at = min(budget, pool)
    foot = min(max(_FEWEST, n_labels), at)
    return np.unique(np.concatenate([_rungs(foot, at), _rungs(at, pool)]))


def _rungs(low: int, high: int) -> Int[np.ndarray, " sizes"]:
    steps = math.ceil(math.log2(high / low))
    while True:
        sizes = np.geomspace(low, high, steps + 1).round().astype(np.int64)
        if (sizes[1:] <= 2 * sizes[:-1]).all():
            return sizes
        steps += 1


def comparisons(arms: Sequence[ProofArm], *, margin: float, easy_margin: float) -> tuple[ArmComparison, ...]:
    """The first arm against each other one."""
    first = arms[0].spec.name
    gain = f"accuracy of {first} less that of"
    return tuple(
        ArmComparison(
            first,
            other,
            Hypothesis(f"near-miss {gain} {other}", Accuracy(NEAR_MISS), first, other, margin),
            Hypothesis(
                f"easy-row {gain} {other}", Accuracy(EASY), first, other, easy_margin, claim="no less"
            ),
        )
        for other in (arm.name for arm in arms[1:])
    )


def build_study(
    plan: EvaluationPlan,
    arms: Sequence[ProofArm],
    ladder: Ladder,
    learner: TextLearner,
    claims: Sequence[ArmComparison],
    seeds: Sequence[int],
) -> Study[TextTask, TextArm]:
    """One study of all arms and rungs, so that all are paired by seed; its hypotheses make one family."""
    metrics: list[Metric] = [Accuracy(EASY), Accuracy(NEAR_MISS), PairConsistency(PAIRS)]
    return Study(
        plan.task,
        [*(each.arm for each in arms), *ladder.extra],
        learner,
        seeds,
        metrics,
        [hypothesis for claim in claims for hypothesis in (claim.near_miss, claim.easy)],
    )
