"""A replica's course of training: from its first values to what it says of the held-out rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float32, Int, Int32

from negspace.lab.concepts import SequenceTask
from negspace.lab.replicas.arm import ReplicaArm
from negspace.lab.replicas.batches import against
from negspace.lab.replicas.engines import Replicas
from negspace.lab.replicas.nets import Net
from negspace.lab.replicas.rows import Purpose, Teacher
from negspace.lab.replicas.start import Parameters, Start
from negspace.lab.replicas.stream import batches_of, cut, initial

__all__ = ["Course", "CourseResult", "Learnt", "predict", "train"]


@dataclass(frozen=True, eq=False)
class Learnt:
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
class Course:
    """One replica's training, and when it is looked at.

    Attributes:
        arm: What it trains on and how; arms that differ in their end alone share a course.
        seed: The seed.
        readings: Steps after which it predicts the held-out rows.
        keep: Steps after which its parameters are kept.
        teachers: What labels its rows, generation by generation.
    """

    arm: ReplicaArm
    seed: int
    readings: frozenset[int] = frozenset()
    keep: frozenset[int] = frozenset()
    teachers: tuple[Learnt, ...] = ()

    @property
    def stops(self) -> frozenset[int]:
        """Steps at which training pauses."""
        return self.readings | self.keep


@dataclass(frozen=True, eq=False)
class CourseResult:
    """What came of a course.

    Attributes:
        course: The course.
        probabilities: After each reading's step, that each held-out row is positive.
        parameters: After each step at which they are kept.
        diverged_at: Step at which training stopped being finite, or None.
    """

    course: Course
    probabilities: Mapping[int, Float32[np.ndarray, " held_out"]] = field(default_factory=dict)
    parameters: Mapping[int, Parameters] = field(default_factory=dict)
    diverged_at: int | None = None


def train(task: SequenceTask, courses: Sequence[Course], start: Start) -> list[CourseResult]:
    """Train courses of one architecture side by side, to the last stop of any.

    Args:
        task: Whose held-out rows are predicted.
        courses: The courses.
        start: The engine.

    Returns:
        A result for each course, in their order.
    """
    arms = [course.arm for course in courses]
    replicas = start(arms, [initial(course.arm, course.seed) for course in courses])
    stops = sorted(frozenset[int]().union(*(course.stops for course in courses)))
    streams = [
        batches_of(c.arm, c.seed, stops[-1], [learnt.teacher(start) for learnt in c.teachers])
        for c in courses
    ]
    probabilities: list[dict[int, Float32[np.ndarray, " held_out"]]] = [{} for _ in courses]
    parameters: list[dict[int, Parameters]] = [{} for _ in courses]
    taken = 0
    for chunks in zip(*streams, strict=True):
        length, begun = len(chunks[0].lengths), taken
        inside = [stop for stop in stops if begun < stop <= begun + length]
        for stop in [*inside, begun + length]:
            if stop > taken:
                replicas.train([cut(chunk, taken - begun, stop - begun) for chunk in chunks])
                taken = stop
                for i, course in enumerate(courses):
                    if stop in course.readings:
                        net = course.arm.net
                        probabilities[i][stop] = predict(replicas, i, net, task.tokens, task.lengths)
                    if stop in course.keep:
                        parameters[i][stop] = replicas.parameters(i)
    return [
        CourseResult(course, probabilities[i], parameters[i], replicas.diverged_at[i])
        for i, course in enumerate(courses)
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
        found[rows] = 0.5 + 0.5 * np.tanh(0.5 * logits)  # the sigmoid, without overflow
    return found
