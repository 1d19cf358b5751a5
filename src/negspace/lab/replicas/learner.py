"""Trains arms of replicas: each training once, however many arms read it, teachers before students.

Two engines train: `numba_engine`, compiled, one replica at a time in cache, for the LSTM on a CPU; and
`vmap_engine`, which trains replicas of any PyTorch module as one program, on CPU or CUDA.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from importlib.util import find_spec
from itertools import groupby
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from jaxtyping import Float32, Int, Int32

from negspace.embedders import one_thread
from negspace.errors import MissingExtraError, PlanError
from negspace.execution import run_jobs
from negspace.lab.concepts import SequenceTask, Tokens
from negspace.lab.replicas.arms import Batches, ReplicaArm, Sweep, accuracy, batches_of, initial
from negspace.lab.replicas.nets import LstmNet, Net, against
from negspace.lab.replicas.numba_engine import ONE_BLAS_THREAD, LstmReplicas
from negspace.lab.replicas.training_rows import Purpose, Teacher
from negspace.quantities import PREDICTION
from negspace.records import Json, Run, Values

DEVICES = ("cpu", "cuda", "auto")
_BLOCK = 10

Parameters: TypeAlias = Float32[np.ndarray, " parameters"]


@runtime_checkable
class Replicas(Protocol):
    """Models of one architecture in training.

    The training of one does not depend on which others, or how many, stand beside it. One whose loss or
    gradient stops being finite keeps its last finite parameters from then on.
    """

    @property
    def diverged_at(self) -> Sequence[int | None]:
        """Step (from 0) at which each replica stopped being finite, or None."""

    def train(self, batches: Sequence[Batches]) -> Float32[np.ndarray, "replicas steps"]:
        """Take one step of Adam on each batch of each replica, and go on from there at the next call.

        Returns:
            Mean binary cross-entropy (nats) of each batch before its step; NaN from divergence on.
        """

    def parameters(self, replica: int) -> Float32[np.ndarray, " parameters"]:
        """A copy of a replica's parameters as they are now."""

    def logits(self, replica: int, tokens: Tokens, against: Tokens | None) -> Float32[np.ndarray, " rows"]:
        """Logit that each sequence is positive, of one length; ``against`` as in `Batches`."""


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
        engines = ("numba", "scipy") if self.device == "cpu" and find_spec("numba") else ("torch",)
        installed = {engine: version(engine) if find_spec(engine) else None for engine in engines}
        return {"name": self.name, "device": self.device, **installed}

    def runs(
        self, task: SequenceTask, jobs: Sequence[tuple[ReplicaArm | Sweep, int]], *, workers: int
    ) -> Iterator[Run]:
        """Train each (arm, seed) and yield it as it is done, generation by generation.

        Raises:
            MissingExtraError: If neither numba nor PyTorch is installed, or a net takes the latter.
        """
        if not (find_spec("numba") or find_spec("torch")):
            raise MissingExtraError("training replicas", "lab")
        plan = _Plan(self.device)
        for arm, seed in jobs:
            for member in arm.members:
                plan.add(member, seed, read_by=arm)
        kept: dict[tuple[str, int, int], Parameters] = {}
        tried: dict[tuple[str, int], dict[str, Run]] = defaultdict(dict)
        for trainings in plan.generations():
            taught = []
            for each in trainings:
                arms = each.arm.rows.teachers
                models = [(arm, kept[_identity(arm), each.seed, arm.steps]) for arm in arms]
                taught.append(replace(each, teachers=tuple(models)))
            for done in self._train(task, taught, workers):
                key = (_identity(done.arm), done.seed)
                kept |= {(*key, steps): parameters for steps, parameters in done.parameters.items()}
                for member, arm in plan.asked.get(key, ()):
                    runs = tried[arm.name, done.seed]
                    runs[member.name] = _run(task, member, done)
                    if len(runs) == len(arm.members):
                        yield arm.choose(task, runs)

    def _train(self, task: SequenceTask, trainings: Sequence[Training], workers: int) -> Iterator[Training]:
        alone: list[list[Training]] = []
        stacks: dict[str, list[Training]] = defaultdict(list)
        for each in trainings:
            if _is_compiled(each.arm.net, self.device):
                alone.append([each])
            elif self.device == "cpu":
                stacks[f"{each.seed // _BLOCK} {_identity(each.arm)}"].append(each)
            else:
                same = [each.arm.net.describe(), each.arm.batch, max(each.readings | each.keep)]
                stacks[json.dumps(same, sort_keys=True)].append(each)
        with ONE_BLAS_THREAD:
            # Threads: compiled code releases the interpreter's lock.
            compiled = ((task, one, self.device) for one in alone)
            for results in run_jobs(_trained, compiled, workers=workers, threads=True):
                yield from results
        at_once = 1 if self.device == "cuda" else workers  # a GPU is one for all
        stacked = ((task, stack, self.device) for stack in stacks.values())
        for results in run_jobs(_trained_stacked, stacked, workers=at_once):
            yield from results


@dataclass(frozen=True, eq=False)
class Training:
    """One replica's training, when it is looked at, and what was found then.

    Attributes:
        arm: What it trains on and how; arms that differ in their end alone share a training.
        seed: The seed.
        readings: Steps after which it predicts the held-out rows.
        keep: Steps after which its parameters are kept.
        teachers: Arm and parameters of each model that labels its rows, generation by generation.
        probabilities: After each reading's step, that each held-out row is positive.
        parameters: After each step at which they are kept.
        diverged_at: Step at which it stopped being finite, or None.
    """

    arm: ReplicaArm
    seed: int
    readings: frozenset[int] = frozenset()
    keep: frozenset[int] = frozenset()
    teachers: tuple[tuple[ReplicaArm, Float32[np.ndarray, " _"]], ...] = ()
    probabilities: Mapping[int, Float32[np.ndarray, " held_out"]] = field(default_factory=dict)
    parameters: Mapping[int, Parameters] = field(default_factory=dict)
    diverged_at: int | None = None


class _Plan:
    """What is trained: each training once, to the last step that any arm reads; and who reads it.

    Both stand by identity and seed. Who reads is an arm, and itself or the sweep that it is tried for.
    """

    def __init__(self, device: str) -> None:
        self._device = device
        self._trainings: dict[tuple[str, int], Training] = {}
        self.asked: dict[tuple[str, int], list[tuple[ReplicaArm, ReplicaArm | Sweep]]] = defaultdict(list)

    def add(self, arm: ReplicaArm, seed: int, *, read_by: ReplicaArm | Sweep) -> None:
        """Plan an arm's training and those of its teachers."""
        self.asked[_identity(arm), seed].append((arm, read_by))
        seeds = self._plan(arm, [seed], readings=arm.readings())
        for teacher in reversed(arm.rows.teachers):
            seeds = self._plan(teacher, seeds, keep=(teacher.steps,))

    def _plan(
        self, arm: ReplicaArm, seeds: Sequence[int], readings: Sequence[int] = (), keep: Sequence[int] = ()
    ) -> Sequence[int]:
        """Plan an arm's trainings at these seeds, and say at which seeds it is trained."""
        if self._device == "cpu" and not _is_compiled(arm.net, self._device):
            # Its last bits depend on which seeds are stacked: whole blocks, asked for or not.
            blocks = sorted({seed // _BLOCK for seed in seeds})
            seeds = [block * _BLOCK + i for block in blocks for i in range(_BLOCK)]
        for seed in seeds:
            key = (_identity(arm), seed)
            known = self._trainings.get(key, Training(arm, seed))
            self._trainings[key] = replace(
                known, readings=known.readings.union(readings), keep=known.keep.union(keep)
            )
        return seeds

    def generations(self) -> Iterator[list[Training]]:
        """The trainings, teachers before students."""

        def generation(training: Training) -> int:
            return training.arm.rows.generation

        for _, trainings in groupby(sorted(self._trainings.values(), key=generation), key=generation):
            yield list(trainings)


def _identity(arm: ReplicaArm) -> str:
    """What decides a training: arms that differ in their last step, or in which reading counts, share it."""
    return json.dumps(arm.training(), sort_keys=True)


def _run(task: SequenceTask, arm: ReplicaArm, done: Training) -> Run:
    readings = []
    for steps in arm.readings():
        positive = done.probabilities[steps].astype(np.float64)
        values: Values = {
            "label": (positive > 0.5).astype(np.int64),
            "confidence": np.maximum(positive, 1 - positive),
            "truth": np.where(task.held_out_labels == 1, positive, 1 - positive),
        }
        readings.append(values)
    chosen, best, at = readings[-1], arm.best_of, done.diverged_at
    if best is not None:
        chosen = max(readings, key=lambda values: accuracy(task, values, best.on))
    return Run(arm.name, done.seed, chosen, diverged_at=at if at is not None and at < arm.steps else None)


def _trained_stacked(task: SequenceTask, trainings: Sequence[Training], device: str) -> list[Training]:
    with one_thread():  # two would be slower on steps this small
        return _trained(task, trainings, device)


def _trained(task: SequenceTask, trainings: Sequence[Training], device: str) -> list[Training]:
    """Train replicas of one architecture side by side, to the last step that any is looked at."""
    replicas = _begin(
        [each.arm for each in trainings], [initial(each.arm, each.seed) for each in trainings], device
    )
    stops = sorted({stop for each in trainings for stop in each.readings | each.keep})
    streams = []
    for each in trainings:
        teachers = [_teacher(arm, parameters, device) for arm, parameters in each.teachers]
        streams.append(batches_of(each.arm, each.seed, stops[-1], teachers))
    probabilities: list[dict[int, Float32[np.ndarray, " held_out"]]] = [{} for _ in trainings]
    parameters: list[dict[int, Parameters]] = [{} for _ in trainings]
    taken = 0
    for chunks in zip(*streams, strict=True):
        begun, end = taken, taken + len(chunks[0].lengths)
        for stop in [*(stop for stop in stops if begun < stop < end), end]:
            replicas.train([chunk.part(slice(taken - begun, stop - begun)) for chunk in chunks])
            taken = stop
            for i, each in enumerate(trainings):
                if stop in each.readings:
                    probabilities[i][stop] = _predict(replicas, i, each.arm.net, task.tokens, task.lengths)
                if stop in each.keep:
                    parameters[i][stop] = replicas.parameters(i)
    found = zip(trainings, probabilities, parameters, replicas.diverged_at, strict=True)
    return [replace(each, probabilities=p, parameters=q, diverged_at=at) for each, p, q, at in found]


def _is_compiled(net: Net, device: str) -> bool:
    """Whether the numba engine trains a net."""
    return device == "cpu" and isinstance(net, LstmNet) and find_spec("numba") is not None


def _begin(arms: Sequence[ReplicaArm], initial: Sequence[Parameters], device: str) -> Replicas:
    """Begin to train replicas of one net, and in the numba engine of one optimiser, at given parameters."""
    net = arms[0].net
    if _is_compiled(net, device):
        assert isinstance(net, LstmNet)
        return LstmReplicas(net, initial, arms[0].adam)
    if find_spec("torch") is None:
        raise MissingExtraError(f"the net '{net.name}'", "torch")
    from negspace.lab.replicas.vmap_engine import ModuleReplicas

    return ModuleReplicas(net, initial, [arm.adam for arm in arms], device)


def _teacher(arm: ReplicaArm, parameters: Parameters, device: str) -> Teacher:
    replicas = _begin([arm], [parameters], device)

    def label(tokens: Tokens) -> Float32[np.ndarray, " rows"]:
        return _predict(replicas, 0, arm.net, tokens, np.full(len(tokens), tokens.shape[1]))

    return label


def _predict(
    replicas: Replicas,
    replica: int,
    net: Net,
    tokens: Int32[np.ndarray, "rows longest"],
    lengths: Int[np.ndarray, " rows"],
) -> Float32[np.ndarray, " rows"]:
    """Probability that each sequence is positive, by one of the replicas.

    A delta against random positions is drawn from the length alone, so that all replicas are tested alike.
    """
    found = np.empty(len(tokens), dtype=np.float32)
    for length in np.unique(lengths).tolist():
        rows = np.flatnonzero(lengths == length)
        sequences = np.ascontiguousarray(tokens[rows, :length])
        other = against(sequences, net.delta, np.random.default_rng([int(Purpose.DELTAS), length]))
        logits = replicas.logits(replica, sequences, other)
        # Of a replica that diverged, the last finite parameters can be so large that a logit is no number.
        logits = np.where(np.isnan(logits), np.float32(0), logits)
        found[rows] = 0.5 + 0.5 * np.tanh(0.5 * logits)  # the sigmoid, without overflow
    return found


def _has_cuda() -> bool:
    if find_spec("torch") is None:
        return False
    import torch

    return torch.cuda.is_available()
