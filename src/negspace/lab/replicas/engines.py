"""What an engine is: models of one architecture, trained side by side.

Two there are: `kernel`, compiled, one replica at a time in cache, for the LSTM on a CPU; and `together`,
which trains any PyTorch module's replicas as one program, on CPU or CUDA.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32, Int32

from negspace.lab.replicas.batches import Batches

__all__ = ["Replicas"]


@runtime_checkable
class Replicas(Protocol):
    """Models of one architecture in training.

    The course of one does not depend on which others, or how many, stand beside it. One whose loss or
    gradient stops being finite keeps its last finite parameters from then on.
    """

    @property
    def diverged_at(self) -> Sequence[int | None]:
        """Step (from 0) at which each replica stopped being finite, or None."""
        ...

    def train(self, batches: Sequence[Batches]) -> Float32[np.ndarray, "replicas steps"]:
        """Take one step of Adam on each batch, in order, and go on from there at the next call.

        Args:
            batches: Of each replica; as many steps for all.

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
