"""Trains arms of replicas: each course once, however many arms read it, teachers before the taught."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from importlib.util import find_spec

import numpy as np

from negspace.errors import MissingExtraError, PlanError
from negspace.execution import run_jobs
from negspace.lab.concepts import SequenceTask
from negspace.lab.replicas.arm import ReplicaArm, Sweep
from negspace.lab.replicas.course import Course, CourseResult, Learnt, train
from negspace.lab.replicas.kernel import ONE_BLAS_THREAD
from negspace.lab.replicas.pseudo_labels import PseudoLabelledRows
from negspace.lab.replicas.start import Parameters, Start, one_torch_thread
from negspace.quantities import PREDICTION
from negspace.records import Json, Run, Values

__all__ = ["DEVICES", "ReplicaLearner"]

DEVICES = ("cpu", "cuda", "auto")

_BLOCK = 10


@dataclass(frozen=True)
class ReplicaLearner:
    """Small nets on sequences, all seeds and arms of one architecture trained side by side.

    On a CPU the LSTM runs in a compiled kernel, one replica at a time in cache, several in threads; a run's
    numbers depend on nothing else. Without numba, and for any other net, PyTorch runs replicas as one
    program, whose last bits depend on which are stacked: these train in blocks of ten consecutive seeds,
    whichever of them are asked for, so that a resumed run finds the same numbers. On CUDA all that is asked
    for of one architecture is one program, and a resumed run agrees to rounding.

    Attributes:
        device: ``cpu``, ``cuda``, or ``auto``: CUDA where there is a GPU.

    Raises:
        PlanError: If there is no such device.
    """

    device: str = "cpu"

    name = "replicas"
    gives = PREDICTION

    def __post_init__(self) -> None:
        if self.device not in DEVICES:
            raise PlanError("there is no such device", got=self.device, hint=f"give {', '.join(DEVICES)}")
        if self.device == "auto":
            object.__setattr__(self, "device", "cuda" if _has_cuda() else "cpu")
        elif self.device == "cuda" and not _has_cuda():
            raise PlanError("PyTorch finds no CUDA device", got=self.device, hint="give cpu, or auto")

    def describe(self) -> Mapping[str, Json]:
        """Device and engine with its version; another one may round differently."""
        # numba multiplies matrices by SciPy's BLAS.
        engines = ("numba", "scipy") if self._start.compiled else ("torch",)
        installed = {engine: version(engine) if find_spec(engine) else None for engine in engines}
        return {"name": self.name, "device": self.device, **installed}

    @property
    def _start(self) -> Start:
        return Start(self.device, compiled=self.device == "cpu" and find_spec("numba") is not None)

    def runs(
        self, task: SequenceTask, jobs: Sequence[tuple[ReplicaArm | Sweep, int]], *, workers: int
    ) -> Iterator[Run]:
        """Train each (arm, seed) and yield it as it is done, generation by generation.

        Raises:
            MissingExtraError: If neither numba nor PyTorch is installed, or a net takes the latter.
        """
        if not (find_spec("numba") or find_spec("torch")):
            raise MissingExtraError("training replicas", "lab")
        plan = _Plan(self._in_blocks)
        for arm, seed in jobs:
            for member in arm.arms if isinstance(arm, Sweep) else (arm,):
                plan.add(member, seed, read_by=arm)
        learnt: dict[tuple[str, int, int], Parameters] = {}
        tried: dict[tuple[str, int], dict[str, Run]] = defaultdict(dict)
        for courses in plan.generations():
            taught = [_with_teachers(course, learnt) for course in courses]
            for result in self._train(task, taught, workers):
                course = result.course
                key = _identity(course.arm), course.seed
                for steps, parameters in result.parameters.items():
                    learnt[*key, steps] = parameters
                for member, arm in plan.asked.get(key, ()):
                    run = _run(task, member, result)
                    if isinstance(arm, Sweep):
                        runs = tried[arm.name, course.seed]
                        runs[member.name] = run
                        if len(runs) == len(arm.arms):
                            yield _best(task, arm, runs)
                    else:
                        yield run

    def _in_blocks(self, arm: ReplicaArm) -> bool:
        """Whether an arm's last bits depend on which seeds are stacked."""
        return self.device == "cpu" and not self._start.is_compiled(arm.net)

    def _train(self, task: SequenceTask, courses: Sequence[Course], workers: int) -> Iterator[CourseResult]:
        start = self._start
        compiled = [course for course in courses if start.is_compiled(course.arm.net)]
        stacks: dict[str, list[Course]] = defaultdict(list)
        for course in courses:
            if not start.is_compiled(course.arm.net):
                stacks[self._stack_of(course)].append(course)
        with ONE_BLAS_THREAD:
            # Threads: the kernel releases the interpreter's lock.
            single = ((task, [course], start) for course in compiled)
            for results in run_jobs(train, single, workers=workers, threads=True):
                yield from results
        at_once = 1 if self.device == "cuda" else workers  # a GPU is one for all
        stacked = ((task, stack, start) for stack in stacks.values())
        for results in run_jobs(_train_stacked, stacked, workers=at_once):
            yield from results

    def _stack_of(self, course: Course) -> str:
        if self.device == "cpu":
            return f"{course.seed // _BLOCK} {_identity(course.arm)}"
        arm = course.arm
        return json.dumps([arm.net.describe(), arm.batch, max(course.stops)], sort_keys=True)


@dataclass(frozen=True)
class _Plan:
    """What is trained: each course once, to the last step that any arm reads.

    Attributes:
        in_blocks: Whether an arm's seeds train in whole blocks, those that nobody asks for included.
        courses: By identity and seed.
        asked: Who reads each course: an arm, for itself or for a sweep.
    """

    in_blocks: Callable[[ReplicaArm], bool]
    courses: dict[tuple[str, int], Course] = field(default_factory=dict)
    asked: dict[tuple[str, int], list[tuple[ReplicaArm, ReplicaArm | Sweep]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def add(self, arm: ReplicaArm, seed: int, *, read_by: ReplicaArm | Sweep) -> None:
        """Plan an arm's course and those of its teachers."""
        self.asked[_identity(arm), seed].append((arm, read_by))
        seeds = self._plan(arm, [seed], readings=frozenset(arm.readings()))
        for teacher in reversed(_teachers(arm)):
            seeds = self._plan(teacher, seeds, keep=frozenset({teacher.steps}))

    def _plan(
        self,
        arm: ReplicaArm,
        seeds: Sequence[int],
        *,
        readings: frozenset[int] = frozenset(),
        keep: frozenset[int] = frozenset(),
    ) -> Sequence[int]:
        """Plan an arm's courses at these seeds, and say at which seeds they are trained."""
        if self.in_blocks(arm):
            blocks = sorted({seed // _BLOCK for seed in seeds})
            seeds = [block * _BLOCK + i for block in blocks for i in range(_BLOCK)]
        for seed in seeds:
            key = (_identity(arm), seed)
            known = self.courses.get(key, Course(arm, seed))
            self.courses[key] = replace(known, readings=known.readings | readings, keep=known.keep | keep)
        return seeds

    def generations(self) -> Iterator[list[Course]]:
        """The courses, teachers before the taught."""
        by_generation: dict[int, list[Course]] = defaultdict(list)
        for course in self.courses.values():
            by_generation[course.arm.rows.generation].append(course)
        for generation in sorted(by_generation):
            yield by_generation[generation]


def _train_stacked(task: SequenceTask, courses: Sequence[Course], start: Start) -> list[CourseResult]:
    with one_torch_thread():
        return train(task, courses, start)


def _identity(arm: ReplicaArm) -> str:
    """What decides a course: arms that differ in their last step, or in which reading counts, share it."""
    return json.dumps(arm.training(), sort_keys=True)


def _teachers(arm: ReplicaArm) -> tuple[ReplicaArm, ...]:
    return arm.rows.teachers if isinstance(arm.rows, PseudoLabelledRows) else ()


def _with_teachers(course: Course, learnt: Mapping[tuple[str, int, int], Parameters]) -> Course:
    return replace(
        course,
        teachers=tuple(
            Learnt(arm, learnt[_identity(arm), course.seed, arm.steps]) for arm in _teachers(course.arm)
        ),
    )


def _run(task: SequenceTask, arm: ReplicaArm, result: CourseResult) -> Run:
    readings = [_values(task, result, steps) for steps in arm.readings()]
    chosen = readings[-1]
    if arm.best_of is not None:
        on = arm.best_of.on
        chosen = max(readings, key=lambda values: _accuracy(task, values, on))
    at = result.diverged_at
    return Run(
        arm.name, result.course.seed, chosen, diverged_at=at if at is not None and at < arm.steps else None
    )


def _best(task: SequenceTask, sweep: Sweep, runs: Mapping[str, Run]) -> Run:
    in_order = [runs[arm.name] for arm in sweep.arms]
    best = max(in_order, key=lambda run: _accuracy(task, run.values, sweep.on))
    return replace(best, arm=sweep.name)


def _accuracy(task: SequenceTask, values: Values, on: str) -> float:
    rows = task.eval_sets[on].rows
    return float((values["label"][rows] == task.held_out_labels[rows]).mean())


def _values(task: SequenceTask, result: CourseResult, steps: int) -> Values:
    positive = result.probabilities[steps].astype(np.float64)
    truth = np.where(task.held_out_labels == 1, positive, 1 - positive)
    return {
        "label": (positive > 0.5).astype(np.int64),
        "confidence": np.maximum(positive, 1 - positive),
        "truth": truth,
    }


def _has_cuda() -> bool:
    if find_spec("torch") is None:
        return False
    import torch  # noqa: PLC0415  (an extra, and slow to import)

    return torch.cuda.is_available()
