"""A study: a plan, its runs, its measurements, its verdicts.

A study is fixed before it runs: task, arms, learner, seeds, metrics and hypotheses are hashed into
``plan_hash``, which every result carries. Arms are paired by seed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, Literal

import numpy as np

from negspace.errors import PlanError, did_you_mean
from negspace.metrics import Metric
from negspace.models import Arm, ArmT, Learner, TaskT
from negspace.quantities import quantity
from negspace.records import Estimate, Json, Measurement, Run, Verdict
from negspace.statistics import Effects, difference, estimate, item_variance_of, judge_family
from negspace.store import RunStore, content_hash, source_hash

N_SEEDS = 2**32
"""Seeds run from 0 to one below this: what NumPy, PyTorch and scikit-learn all take."""

Progress = Callable[[str, int, int], None]
"""Told what is being done, how many steps of it are done, and of how many."""


@dataclass(frozen=True)
class Hypothesis:
    """A claim that can come out both ways: an effect exceeds a margin, or does not fall short of 0 by one.

    The effect at a seed is ``metric`` of ``arm``, less that of ``versus`` where it is given.

    Attributes:
        name: As results name the hypothesis.
        metric: What is measured.
        arm: Name of the arm.
        versus: Name of the arm it is compared with, or None where the metric itself is a difference.
        margin: Smallest effect of interest, in the metric's units; not negative.
        claim: ``"more"``: the effect exceeds the margin. ``"no less"``: it does not fall short of 0 by the
            margin or more.
    """

    name: str
    metric: Metric
    arm: str
    versus: str | None = None
    margin: float = 0.0
    claim: Literal["more", "no less"] = "more"

    @property
    def threshold(self) -> float:
        """What the effect is claimed to exceed."""
        return -self.margin if self.claim == "no less" else self.margin

    @property
    def bounds(self) -> tuple[float, float]:
        """Least and greatest effect."""
        low, high = self.metric.bounds
        return (low, high) if self.versus is None else (low - high, high - low)

    def check(self, arms: Mapping[str, Json]) -> None:
        """Refuse a hypothesis about other arms than these, or one that can come out one way only.

        Args:
            arms: What each arm of the study is, its name aside.

        Raises:
            PlanError: If so.
        """
        said = f"hypothesis '{self.name}'"
        for arm in (self.arm, self.versus):
            if arm is not None and arm not in arms:
                raise PlanError(f"{said}: no arm is called '{arm}'", hint=did_you_mean(arm, arms))
        if not (math.isfinite(self.margin) and self.margin >= 0):
            raise PlanError(
                f"{said}: the margin must be finite and not negative",
                got=self.margin,
                hint="give the smallest effect that would matter; for the other direction, swap the arms",
            )
        low, high = self.bounds
        if self.versus is not None:
            nothing = "an effect that can only be 0 is no hypothesis"
            if self.arm == self.versus:
                raise PlanError(f"{said} compares arm '{self.arm}' with itself", hint=nothing)
            if arms[self.arm] == arms[self.versus]:
                raise PlanError(
                    f"{said}: the arms '{self.arm}' and '{self.versus}' are the same under two names",
                    hint=nothing,
                )
        if not low < self.threshold < high:
            raise PlanError(
                f"{said} can come out one way only: the effect lies from {low:g} to {high:g}, and the claim "
                f"is that it exceeds {self.threshold:g}",
                hint="give a margin that effects can lie on either side of",
            )

    def describe(self) -> Mapping[str, Json]:
        """The claim as it is hashed into the plan."""
        return {
            "name": self.name,
            "measure": self.metric.describe(),
            "arm": self.arm,
            "versus": self.versus,
            "margin": self.margin,
            "claim": self.claim,
        }


@dataclass(frozen=True, eq=False)
class StudyResult(Generic[TaskT, ArmT]):
    """All that a study found.

    Attributes:
        study: The study.
        runs: The run of each arm and seed.
        verdicts: By name of the hypothesis.
    """

    study: Study[TaskT, ArmT]
    runs: Mapping[tuple[str, int], Run]
    verdicts: Mapping[str, Verdict]

    @property
    def verdict(self) -> Verdict:
        """The verdict of the first hypothesis."""
        return next(iter(self.verdicts.values()))

    @property
    def resumed(self) -> int:
        """Number of runs that came out of the store."""
        return sum(run.resumed for run in self.runs.values())

    def of_arm(self, arm: str) -> tuple[Run, ...]:
        """Runs of an arm, in the order of the study's seeds."""
        return tuple(self.runs[arm, seed] for seed in self.study.seeds)

    def measurements(self, arm: str, metric: Metric) -> tuple[Measurement, ...]:
        """A metric of each of an arm's runs, in the order of the study's seeds."""
        return tuple(metric(run, self.study.task) for run in self.of_arm(arm))

    def effects(self, metric: Metric, arm: str, versus: str | None) -> list[Measurement]:
        """A metric of an arm at each seed, less that of the arm it is compared with, if any."""
        measured = self.measurements(arm, metric)
        if versus is None:
            return list(measured)
        return [difference(a, b) for a, b in zip(measured, self.measurements(versus, metric), strict=True)]

    def estimate(self, arm: str, metric: Metric) -> Estimate:
        """A metric of an arm, over seeds and test items."""
        return estimate(metric.name, self.measurements(arm, metric))


@dataclass(frozen=True, eq=False)
class Study(Generic[TaskT, ArmT]):
    """Arms of a task, fitted by a learner once per seed, measured and judged.

    Attributes:
        task: What is learnt, and the held-out rows.
        arms: What is trained on.
        learner: What fits.
        seeds: Each arm is fitted once at each; arms are paired by them. Whole numbers, 0 or above.
        metrics: What is measured of every run.
        hypotheses: What is judged; they make one family (Holm).

    Raises:
        PlanError: If the plan cannot give an answer: no arm, seed or hypothesis, names or seeds that are
            not unique, a seed that is no whole number from 0, an arm that cannot be fitted on the task, a
            hypothesis about an arm that is not in the study, one that can come out one way only (an arm
            against itself under whatever name, a margin that no effect can clear), a metric on an eval set
            that the task lacks, or of a quantity that the learner does not give.
    """

    task: TaskT
    arms: Sequence[ArmT]
    learner: Learner[TaskT, ArmT]
    seeds: Sequence[int]
    metrics: Sequence[Metric]
    hypotheses: Sequence[Hypothesis]

    def __post_init__(self) -> None:
        names = [arm.name for arm in self.arms]
        for what, items in (
            ("arm", names),
            ("seed", self.seeds),
            ("hypothesis", [h.name for h in self.hypotheses]),
        ):
            if len(items) == 0:
                raise PlanError(f"a study needs at least one {what}")
            if len(set(items)) < len(items):
                raise PlanError(f"each {what} of a study must be given once", got=list(items))
        every: Sequence[object] = self.seeds
        for seed in every:
            # NumPy's integers are not JSON, so a plan could not be hashed with them.
            if not (isinstance(seed, int) and 0 <= seed < N_SEEDS):
                raise PlanError(
                    f"a seed is a whole number from 0 to {N_SEEDS - 1}", got=seed, hint="give range(20), say"
                )
        for arm in self.arms:
            arm.check(self.task)
        described = {arm.name: {**arm.describe(), "name": ""} for arm in self.arms}
        for hypothesis in self.hypotheses:
            hypothesis.check(described)
        given = {name: quantity(name) for name in self.learner.gives}
        for metric in (*self.metrics, *(hypothesis.metric for hypothesis in self.hypotheses)):
            for name in metric.reads:
                if name not in given:
                    raise PlanError(
                        f"{metric.name} reads '{name}' ({quantity(name).meaning}), which the learner "
                        f"'{self.learner.name}' does not give",
                        got=", ".join(given),
                        hint="choose another metric or another learner",
                    )
            metric.check(self.task)

    def plan(self) -> Mapping[str, Json]:
        """All that was decided before the first run."""
        return {
            "task": self.task.fingerprint,
            "arms": [arm.describe() for arm in self.arms],
            "learner": self.learner.describe(),
            "seeds": list(self.seeds),
            "measures": [metric.describe() for metric in self.metrics],
            "hypotheses": [hypothesis.describe() for hypothesis in self.hypotheses],
        }

    @property
    def plan_hash(self) -> str:
        """SHA-256 (hex) of the plan."""
        return content_hash(self.plan())

    def run(
        self,
        *,
        store: RunStore | None = None,
        workers: int = 1,
        progress: Progress | None = None,
        counted: bool = True,
    ) -> StudyResult[TaskT, ArmT]:
        """Run what is not in the store yet, then judge.

        The store also counts looks: a question that was asked before of the same rows with another margin,
        other seeds or other settings of the learner is judged more strictly (`judge_family`).

        Args:
            store: Where finished runs are kept as they finish; None keeps them for this call only.
            workers: How many fits at once. No result depends on it.
            progress: Told after every run.
            counted: Whether this is a look; not for a trial run whose verdicts nobody will use.

        Returns:
            The result, the same whether runs were resumed or not.

        Raises:
            StoreError: If the store cannot be read or written.
            PlanError: If the learner gives other runs than those it is asked for.
        """
        if store is None:
            with RunStore() as memory:
                return self.run(store=memory, workers=workers, progress=progress, counted=counted)
        report = progress or (lambda _stage, _done, _total: None)
        jobs = [(arm, seed) for arm in self.arms for seed in self.seeds]
        keys = self._keys()
        found: dict[tuple[str, int], Run] = {}
        for arm, seed in jobs:
            run = store.get(keys[arm.name, seed])
            if run is not None:
                found[arm.name, seed] = run
        report("fitting", len(found), len(jobs))
        remaining = [(arm, seed) for arm, seed in jobs if (arm.name, seed) not in found]
        if remaining:
            for run in self.learner.runs(self.task, remaining, workers=workers):
                self._check_run(run, remaining)
                store.put(keys[run.arm, run.seed], run)
                found[run.arm, run.seed] = run
                report("fitting", len(found), len(jobs))
        for arm, seed in remaining:
            if (arm.name, seed) not in found:
                raise PlanError(f"learner '{self.learner.name}' gave no run of arm '{arm.name}', seed {seed}")
        runs = {(arm.name, seed): found[arm.name, seed] for arm, seed in jobs}
        result = StudyResult(self, runs, {})
        return replace(result, verdicts=self._judge(result, self._look(store) if counted else 1))

    def _check_run(self, run: Run, asked: Sequence[tuple[Arm, int]]) -> None:
        """A learner of the user's own may be wrong: better said here than by a metric."""
        learner, rows = f"learner '{self.learner.name}'", len(self.task.held_out_clusters)
        if (run.arm, run.seed) not in {(arm.name, seed) for arm, seed in asked}:
            got = f"arm '{run.arm}', seed {run.seed}"
            raise PlanError(f"{learner} gave a run nobody asked for", got=got)
        if set(run.values) != set(self.learner.gives):
            raise PlanError(f"{learner} must give {', '.join(self.learner.gives)}", got=", ".join(run.values))
        for name, values in run.values.items():
            if len(values) != rows:
                raise PlanError(
                    f"{learner} must give '{name}' for each of the {rows} held-out items",
                    got=f"{len(values)} values",
                )
            if (wrong := quantity(name).first_wrong(values)) is not None:
                raise PlanError(
                    f"{learner}: '{name}' of held-out item {wrong} is no {quantity(name).meaning}",
                    got=str(values[wrong]),
                )

    def _keys(self) -> dict[tuple[str, int], str]:
        """Content address of the run of each arm and seed."""
        found = {}
        for arm in self.arms:
            decided: dict[str, Json] = {
                "task": self.task.fingerprint,
                "learner": self.learner.describe(),
                "arm": arm.describe(),
                "code": sorted({source_hash(part) for part in (self.learner, *arm.code)}),
            }
            for seed in self.seeds:
                found[arm.name, seed] = content_hash({**decided, "seed": seed})
        return found

    def _look(self, store: RunStore) -> int:
        """Log each question; the look at the one that has been asked most often."""
        arms = {arm.name: arm.describe() for arm in self.arms}
        looks = []
        for hypothesis in self.hypotheses:
            asked = {**hypothesis.describe(), "learner": self.learner.describe(), "seeds": list(self.seeds)}
            question = {name: asked.pop(name) for name in ("measure", "arm", "versus", "claim")} | {
                "task": self.task.fingerprint,
                "learner": self.learner.name,
                "arms": [arms[name] for name in (hypothesis.arm, hypothesis.versus) if name is not None],
            }
            looks.append(store.look(question, asked))
        return max(looks)

    def _judge(self, result: StudyResult[TaskT, ArmT], look: int) -> Mapping[str, Verdict]:
        family = {}
        for hypothesis in self.hypotheses:
            effects = result.effects(hypothesis.metric, hypothesis.arm, hypothesis.versus)
            variance, df = item_variance_of(effects)
            family[hypothesis.name] = Effects(
                np.array([effect.value for effect in effects]),
                hypothesis.margin,
                variance,
                df,
                what=hypothesis.name,
                no_less=hypothesis.claim == "no less",
                bounds=hypothesis.bounds,
            )
        return judge_family(family, look=look)
