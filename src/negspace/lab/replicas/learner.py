"""Trains arms of replicas: each training once, however many arms read it, teachers before students."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from importlib.util import find_spec

import numpy as np

from negspace.embedders import one_thread
from negspace.errors import MissingExtraError, PlanError
from negspace.execution import run_jobs
from negspace.lab.concepts import SequenceTask
from negspace.lab.replicas.arms import ReplicaArm, Sweep, accuracy
from negspace.lab.replicas.numba_engine import ONE_BLAS_THREAD
from negspace.lab.replicas.training import (
    Parameters,
    Start,
    TrainedModel,
    Training,
    TrainingResult,
    train,
)
from negspace.quantities import PREDICTION
from negspace.records import Json, Run, Values

DEVICES = ("cpu", "cuda", "auto")

_BLOCK = 10


@dataclass(frozen=True)
class ReplicaLearner:
    """Small nets on sequences, all seeds and arms of one architecture trained side by side.

    On a CPU numba trains the LSTM, one replica at a time in cache, several in threads; a run's numbers
    depend on nothing else. Without numba, and for any other net, PyTorch runs replicas as one
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
            for member in arm.members:
                plan.add(member, seed, read_by=arm)
        kept: dict[tuple[str, int, int], Parameters] = {}
        tried: dict[tuple[str, int], dict[str, Run]] = defaultdict(dict)
        for trainings in plan.generations():
            for result in self._train(task, [_with_teachers(each, kept) for each in trainings], workers):
                seed, key = result.training.seed, (_identity(result.training.arm), result.training.seed)
                kept |= {(*key, steps): parameters for steps, parameters in result.parameters.items()}
                for member, arm in plan.asked.get(key, ()):
                    runs = tried[arm.name, seed]
                    runs[member.name] = _run(task, member, result)
                    if len(runs) == len(arm.members):
                        yield arm.choose(task, runs)

    def _in_blocks(self, arm: ReplicaArm) -> bool:
        """Whether an arm's last bits depend on which seeds are stacked."""
        return self.device == "cpu" and not self._start.is_compiled(arm.net)

    def _train(
        self, task: SequenceTask, trainings: Sequence[Training], workers: int
    ) -> Iterator[TrainingResult]:
        start = self._start
        compiled = [each for each in trainings if start.is_compiled(each.arm.net)]
        stacks: dict[str, list[Training]] = defaultdict(list)
        for each in trainings:
            if not start.is_compiled(each.arm.net):
                stacks[self._stack_of(each)].append(each)
        with ONE_BLAS_THREAD:
            # Threads: compiled code releases the interpreter's lock.
            single = ((task, [each], start) for each in compiled)
            for results in run_jobs(train, single, workers=workers, threads=True):
                yield from results
        at_once = 1 if self.device == "cuda" else workers  # a GPU is one for all
        stacked = ((task, stack, start) for stack in stacks.values())
        for results in run_jobs(_train_stacked, stacked, workers=at_once):
            yield from results

    def _stack_of(self, training: Training) -> str:
        if self.device == "cpu":
            return f"{training.seed // _BLOCK} {_identity(training.arm)}"
        arm = training.arm
        return json.dumps([arm.net.describe(), arm.batch, max(training.stops)], sort_keys=True)


@dataclass(frozen=True)
class _Plan:
    """What is trained: each training once, to the last step that any arm reads.

    Attributes:
        in_blocks: Whether an arm's seeds train in whole blocks, those that nobody asks for included.
        trainings: By identity and seed.
        asked: Who reads each training: an arm, for itself or for a sweep.
    """

    in_blocks: Callable[[ReplicaArm], bool]
    trainings: dict[tuple[str, int], Training] = field(default_factory=dict)
    asked: dict[tuple[str, int], list[tuple[ReplicaArm, ReplicaArm | Sweep]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def add(self, arm: ReplicaArm, seed: int, *, read_by: ReplicaArm | Sweep) -> None:
        """Plan an arm's training and those of its teachers."""
        self.asked[_identity(arm), seed].append((arm, read_by))
        seeds = self._plan(arm, [seed], readings=frozenset(arm.readings()))
        for teacher in reversed(arm.teachers):
            seeds = self._plan(teacher, seeds, keep=frozenset({teacher.steps}))

    def _plan(
        self,
        arm: ReplicaArm,
        seeds: Sequence[int],
        *,
        readings: frozenset[int] = frozenset(),
        keep: frozenset[int] = frozenset(),
    ) -> Sequence[int]:
        """Plan an arm's trainings at these seeds, and say at which seeds it is trained."""
        if self.in_blocks(arm):
            blocks = sorted({seed // _BLOCK for seed in seeds})
            seeds = [block * _BLOCK + i for block in blocks for i in range(_BLOCK)]
        for seed in seeds:
            key = (_identity(arm), seed)
            known = self.trainings.get(key, Training(arm, seed))
            self.trainings[key] = replace(known, readings=known.readings | readings, keep=known.keep | keep)
        return seeds

    def generations(self) -> Iterator[list[Training]]:
        """The trainings, teachers before students."""
        by_generation: dict[int, list[Training]] = defaultdict(list)
        for training in self.trainings.values():
            by_generation[training.arm.rows.generation].append(training)
        for generation in sorted(by_generation):
            yield by_generation[generation]


def _train_stacked(task: SequenceTask, trainings: Sequence[Training], start: Start) -> list[TrainingResult]:
    with one_thread():  # two would be slower on steps this small
        return train(task, trainings, start)


def _identity(arm: ReplicaArm) -> str:
    """What decides a training: arms that differ in their last step, or in which reading counts, share it."""
    return json.dumps(arm.training(), sort_keys=True)


def _with_teachers(training: Training, kept: Mapping[tuple[str, int, int], Parameters]) -> Training:
    models = (
        TrainedModel(arm, kept[_identity(arm), training.seed, arm.steps]) for arm in training.arm.teachers
    )
    return replace(training, teachers=tuple(models))


def _run(task: SequenceTask, arm: ReplicaArm, result: TrainingResult) -> Run:
    readings = []
    for steps in arm.readings():
        positive = result.probabilities[steps].astype(np.float64)
        values: Values = {
            "label": (positive > 0.5).astype(np.int64),
            "confidence": np.maximum(positive, 1 - positive),
            "truth": np.where(task.held_out_labels == 1, positive, 1 - positive),
        }
        readings.append(values)
    chosen, best = readings[-1], arm.best_of
    if best is not None:
        chosen = max(readings, key=lambda values: accuracy(task, values, best.on))
    at = result.diverged_at
    seed = result.training.seed
    return Run(arm.name, seed, chosen, diverged_at=at if at is not None and at < arm.steps else None)


def _has_cuda() -> bool:
    if find_spec("torch") is None:
        return False
    import torch

    return torch.cuda.is_available()
