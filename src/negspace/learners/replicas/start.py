"""Which engine trains: chosen by the learner, opened where it runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Float32

from negspace.errors import MissingExtraError
from negspace.learners.replicas.arm import ReplicaArm
from negspace.learners.replicas.engines import Replicas
from negspace.learners.replicas.module_net import ModuleNet
from negspace.learners.replicas.nets import LstmNet

__all__ = ["Parameters", "Start", "StartCompiled", "StartStacked"]

Parameters: TypeAlias = Float32[np.ndarray, " parameters"]

Start: TypeAlias = Callable[[Sequence[ReplicaArm], Sequence[Parameters]], Replicas]
"""Begins the training of replicas of one architecture, one an arm, at the given parameters."""


@dataclass(frozen=True)
class StartCompiled:
    """The compiled kernel, for the LSTM on a CPU."""

    def __call__(self, arms: Sequence[ReplicaArm], initial: Sequence[Parameters]) -> Replicas:
        """Begin; the arms have one net and one optimiser."""
        from negspace.learners.replicas.kernel import LstmReplicas  # noqa: PLC0415  (numba is an extra)

        net = arms[0].net
        assert isinstance(net, LstmNet)
        return LstmReplicas(net, initial, arms[0].adam)


@dataclass(frozen=True)
class StartStacked:
    """All replicas as one PyTorch program.

    Attributes:
        device: ``cpu`` or ``cuda``.

    Raises:
        MissingExtraError: At use, if PyTorch is not installed.
    """

    device: str

    def __call__(self, arms: Sequence[ReplicaArm], initial: Sequence[Parameters]) -> Replicas:
        """Begin; the arms have one net."""
        try:
            import torch  # noqa: PLC0415  (an extra, and slow to import)
        except ImportError as error:
            raise MissingExtraError(f"the net '{arms[0].net.name}'", "torch") from error
        from negspace.learners.replicas.together import ModuleReplicas  # noqa: PLC0415

        if self.device == "cpu":
            torch.set_num_threads(1)  # this is a worker's process; two threads would be slower than one
        net = arms[0].net
        assert isinstance(net, LstmNet | ModuleNet)
        return ModuleReplicas(net, initial, [arm.adam for arm in arms], self.device)
