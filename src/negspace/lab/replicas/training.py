"""Training of replicas side by side, from their first values to what they say of the held-out rows.

Two engines train them: `numba_engine`, compiled, one replica at a time in cache, for the LSTM on a CPU; and
`vmap_engine`, which trains replicas of any PyTorch module as one program, on CPU or CUDA.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from jaxtyping import Float32, Int, Int32

from negspace.errors import MissingExtraError
from negspace.lab.concepts import SequenceTask
from negspace.lab.replicas.arms import Batches, ReplicaArm, batches_of, cut, initial
from negspace.lab.replicas.nets import LstmNet, Net, against
from negspace.lab.replicas.training_rows import Purpose, Teacher

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
        ...

    def train(self, batches: Sequence[Batches]) -> Float32[np.ndarray, "replicas steps"]:
        """Take one step of Adam on each batch, in order, and go on from there at the next call.

        Args:
            batches: Batches of each replica; as many steps for all.

        Returns:
            Mean binary cross-entropy (nats) of each batch before its step; NaN from divergence on.
        """
        ...

    def parameters(self, replica: int) -> Float32[np.ndarray, " parameters"]:
        """A copy of a replica's parameters as they are now."""
        ...

    def logits(
        self,
        replica: int,
        tokens: Int32[np.ndarray, "rows length"],
        against: Int32[np.ndarray, "rows length"] | None,
    ) -> Float32[np.ndarray, " rows"]:
        """Logit that each sequence is positive.

        Args:
            replica: Which model.
            tokens: Sequences of one length.
            against: As in `Batches`, for a net with a delta.
        """
        ...


@dataclass(frozen=True)
class Start:
    """Begins the training of replicas of one architecture, with the engine that is best for it.

    Attributes:
        device: ``cpu`` or ``cuda``.
        compiled: Whether the numba engine trains the LSTM; it runs on a CPU.
    """

    device: str
    compiled: bool

    def is_compiled(self, net: Net) -> bool:
        """Whether the numba engine trains this net."""
        return self.compiled and isinstance(net, LstmNet)

    def __call__(self, arms: Sequence[ReplicaArm], initial: Sequence[Parameters]) -> Replicas:
        """Begin at the given parameters; arms have one net, those of the numba engine one optimiser too.

        Raises:
            MissingExtraError: If the net takes PyTorch, and it is not installed.
        """
        net = arms[0].net
        if self.is_compiled(net):
            from negspace.lab.replicas.numba_engine import LstmReplicas

            assert isinstance(net, LstmNet)
            return LstmReplicas(net, initial, arms[0].adam)
        if find_spec("torch") is None:
            raise MissingExtraError(f"the net '{net.name}'", "torch")
        from negspace.lab.replicas.vmap_engine import ModuleReplicas

        return ModuleReplicas(net, initial, [arm.adam for arm in arms], self.device)


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """A model that has been trained before: a teacher, as it travels between processes.

    Attributes:
        arm: What it is a replica of.
        parameters: All of its parameters.
    """

    arm: ReplicaArm
    parameters: Parameters

    def teacher(self, start: Start) -> Teacher:
        """The model, ready to label."""
        replicas = start([self.arm], [self.parameters])

        def label(tokens: Int32[np.ndarray, "rows length"]) -> Float32[np.ndarray, " rows"]:
            lengths = np.full(len(tokens), tokens.shape[1])
            return predict(replicas, 0, self.arm.net, tokens, lengths)

        return label


@dataclass(frozen=True, eq=False)
class Training:
    """One replica's training, and when it is looked at.

    Attributes:
        arm: What it trains on and how; arms that differ in their end alone share a training.
        seed: The seed.
        readings: Steps after which it predicts the held-out rows.
        keep: Steps after which its parameters are kept.
        teachers: What labels its rows, generation by generation.
    """

    arm: ReplicaArm
    seed: int
    readings: frozenset[int] = frozenset()
    keep: frozenset[int] = frozenset()
    teachers: tuple[TrainedModel, ...] = ()

    @property
    def stops(self) -> frozenset[int]:
        """Steps at which training pauses."""
        return self.readings | self.keep


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """What came of a training.

    Attributes:
        training: The training.
        probabilities: After each reading's step, that each held-out row is positive.
        parameters: After each step at which they are kept.
        diverged_at: Step at which training stopped being finite, or None.
    """

    training: Training
    probabilities: Mapping[int, Float32[np.ndarray, " held_out"]] = field(default_factory=dict)
    parameters: Mapping[int, Parameters] = field(default_factory=dict)
    diverged_at: int | None = None


def train(task: SequenceTask, trainings: Sequence[Training], start: Start) -> list[TrainingResult]:
    """Train replicas of one architecture side by side, to the last stop of any; results in their order."""
    arms = [each.arm for each in trainings]
    replicas = start(arms, [initial(each.arm, each.seed) for each in trainings])
    stops = sorted(frozenset[int]().union(*(each.stops for each in trainings)))
    streams = [
        batches_of(each.arm, each.seed, stops[-1], [model.teacher(start) for model in each.teachers])
        for each in trainings
    ]
    probabilities: list[dict[int, Float32[np.ndarray, " held_out"]]] = [{} for _ in trainings]
    parameters: list[dict[int, Parameters]] = [{} for _ in trainings]
    taken = 0
    for chunks in zip(*streams, strict=True):
        length, begun = len(chunks[0].lengths), taken
        inside = [stop for stop in stops if begun < stop <= begun + length]
        for stop in [*inside, begun + length]:
            if stop > taken:
                replicas.train([cut(chunk, taken - begun, stop - begun) for chunk in chunks])
                taken = stop
                for i, each in enumerate(trainings):
                    if stop in each.readings:
                        net = each.arm.net
                        probabilities[i][stop] = predict(replicas, i, net, task.tokens, task.lengths)
                    if stop in each.keep:
                        parameters[i][stop] = replicas.parameters(i)
    return [
        TrainingResult(each, probabilities[i], parameters[i], replicas.diverged_at[i])
        for i, each in enumerate(trainings)
    ]


def predict(
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
