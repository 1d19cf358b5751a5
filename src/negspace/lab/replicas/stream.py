"""An arm's batches, drawn a chunk at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float32, Int32

from negspace.lab.replicas.arm import ReplicaArm
from negspace.lab.replicas.batches import Batches, against
from negspace.lab.replicas.rows import CHUNK, Draw, Purpose, Teacher

__all__ = ["batches_of", "cut", "initial"]


def initial(arm: ReplicaArm, seed: int) -> Float32[np.ndarray, " parameters"]:
    """Parameters that an arm's replica starts from; arms of one architecture and generation share them."""
    sequence = np.random.SeedSequence([seed, arm.rows.generation, int(Purpose.INITIAL)])
    return arm.net.initial(int(sequence.generate_state(1)[0]))


def batches_of(arm: ReplicaArm, seed: int, steps: int, teachers: Sequence[Teacher] = ()) -> Iterator[Batches]:
    """Draw an arm's batches.

    Args:
        arm: The arm.
        seed: The seed.
        steps: How many batches; fewer are the beginning of more.
        teachers: The models of the generations before.

    Yields:
        Up to `CHUNK` steps.
    """
    for chunk in range(-(-steps // CHUNK)):
        batches = _chunk(arm, Draw(seed, arm.rows.generation, chunk), teachers)
        yield cut(batches, 0, min(CHUNK, steps - chunk * CHUNK))


def cut(batches: Batches, start: int, stop: int) -> Batches:
    """The steps from ``start`` to before ``stop``."""
    part = slice(start, stop)
    return Batches(
        batches.tokens[part],
        None if batches.against is None else batches.against[part],
        batches.labels[part],
        batches.lengths[part],
    )


def _chunk(arm: ReplicaArm, draw: Draw, teachers: Sequence[Teacher]) -> Batches:
    lengths = draw.lengths(arm.lengths, CHUNK)
    shape = (CHUNK, arm.lengths[1], arm.batch)
    tokens, labels = np.zeros(shape, dtype=np.int32), np.empty((CHUNK, arm.batch), dtype=np.float32)
    subtracted = None if arm.net.delta is None else np.zeros(shape, dtype=np.int32)
    for length in np.unique(lengths).tolist():
        steps = np.flatnonzero(lengths == length)
        rows, theirs = arm.rows.draw(draw, len(steps) * arm.batch, length, teachers)
        tokens[steps, :length] = _by_step(rows, len(steps))
        labels[steps] = theirs.reshape(len(steps), arm.batch)
        other = against(rows, arm.net.delta, draw.rng(Purpose.DELTAS, length))
        if subtracted is not None and other is not None:
            subtracted[steps, :length] = _by_step(other, len(steps))
    return Batches(tokens, subtracted, labels, lengths)


def _by_step(rows: Int32[np.ndarray, "rows length"], steps: int) -> Int32[np.ndarray, "steps length batch"]:
    return rows.reshape(steps, -1, rows.shape[1]).transpose(0, 2, 1)
