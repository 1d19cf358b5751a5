"""How far attention moves when a model changes a little."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from negspace.embedders.quiet import quiet
from negspace.errors import PlanError

__all__ = ["eager_attention", "jensen_shannon", "query_positions", "shows_attention"]


@contextmanager
def eager_attention(network: Any) -> Iterator[None]:
    """Let a network compute its attention maps as such; fused kernels never have them.

    Raises:
        PlanError: The network has no such way.
    """
    before = network.config._attn_implementation  # what `set_attn_implementation` sets
    try:
        network.set_attn_implementation("eager")
        if network.config._attn_implementation != "eager":
            raise PlanError(
                "this model cannot be made to show its attention maps",
                got=type(network).__name__,
                hint="compare no attention: StepProbe(…, queries=0)",
            )
        yield
    finally:
        network.set_attn_implementation(before)


def shows_attention(network: Any) -> bool:
    """Whether `eager_attention` works for a network; tried out, without a forward pass."""
    try:
        with quiet(), eager_attention(network):
            return True
    except PlanError:
        return False


def query_positions(length: int, most: int) -> Int[np.ndarray, " queries"]:
    """Evenly spaced positions of a fragment at which attention is compared, ``most`` at most.

    The first is left out where there is another: it attends to itself alone, before and after.
    """
    if length < 2:
        return np.zeros(length, dtype=np.int64)
    return np.unique(np.linspace(1, length - 1, min(most, length - 1)).round().astype(np.int64))


def jensen_shannon(
    before: Float[Tensor, "*rows keys"], after: Float[Tensor, "*rows keys"]
) -> Float[Tensor, "*rows"]:
    """Jensen-Shannon divergence of distributions, in nats: between 0 and ln 2.

    ``½ KL(p | m) + ½ KL(q | m)`` with ``m = (p + q) / 2`` (Lin 1991, eq. 4.1 for equal weights). With
    ``d = (q - p) / (q + p)`` it is ``½ Σ m ((1 + d) ln(1 + d) + (1 - d) ln(1 - d))``, and that bracket is
    ``2 d artanh d + ln(1 - d²)``: of the order of d² term by term, so that nothing cancels where p is near q.
    """
    total = before.float() + after.float()
    gap = (after.float() - before.float()) / torch.where(total > 0, total, 1.0)
    bound = 1 - torch.finfo(gap.dtype).eps
    gap = gap.clamp(-bound, bound)
    bracket = 2 * gap * torch.atanh(gap) + torch.log1p(-gap.square())
    return (total * bracket).sum(-1) / 4
