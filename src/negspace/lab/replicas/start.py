"""Which engine trains: chosen by the learner, opened where it runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TypeAlias

import numpy as np
from jaxtyping import Float32

from negspace.errors import MissingExtraError
from negspace.lab.replicas.arm import ReplicaArm
from negspace.lab.replicas.engines import Replicas
from negspace.lab.replicas.module_net import ModuleNet
from negspace.lab.replicas.nets import LstmNet, Net

__all__ = ["Parameters", "Start", "one_torch_thread"]

Parameters: TypeAlias = Float32[np.ndarray, " parameters"]


@dataclass(frozen=True)
class Start:
    """Begins the training of replicas of one architecture, with the engine that is best for it.

    Attributes:
        device: ``cpu`` or ``cuda``.
        compiled: Whether the compiled kernel trains the LSTM; it runs on a CPU.
    """

    device: str
    compiled: bool

    def is_compiled(self, net: Net) -> bool:
        """Whether the compiled kernel trains this net."""
        return self.compiled and isinstance(net, LstmNet)

    def __call__(self, arms: Sequence[ReplicaArm], initial: Sequence[Parameters]) -> Replicas:
        """Begin at the given parameters.

        Args:
            arms: Of one net, one a replica; the kernel's have one optimiser.
            initial: Parameters of each.

        Raises:
            MissingExtraError: If the net takes PyTorch, and it is not installed.
        """
        net = arms[0].net
        if self.is_compiled(net):
            from negspace.lab.replicas.kernel import LstmReplicas  # noqa: PLC0415  (numba is an extra)

            assert isinstance(net, LstmNet)
            return LstmReplicas(net, initial, arms[0].adam)
        if find_spec("torch") is None:
            raise MissingExtraError(f"the net '{net.name}'", "torch")
        from negspace.lab.replicas.together import ModuleReplicas  # noqa: PLC0415  (imports PyTorch)

        assert isinstance(net, LstmNet | ModuleNet)
        return ModuleReplicas(net, initial, [arm.adam for arm in arms], self.device)


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """Keep PyTorch to one thread: two would be slower on steps this small. Given back as it was found."""
    import torch  # noqa: PLC0415  (an extra, and slow to import)

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
