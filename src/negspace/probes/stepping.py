"""One plain gradient step, and back again to the last bit."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor, nn

from negspace.data import Fragments
from negspace.embedders.quiet import one_thread
from negspace.errors import PlanError
from negspace.language_models import Batch, LanguageModel, take

__all__ = [
    "Parameters",
    "choose_step_size",
    "fragment_losses",
    "gradient",
    "in_float32",
    "squared_norms",
    "stepping",
]

_FALL = 0.1


def choose_step_size(squared_norms: Float[np.ndarray, " fragments"], fall: float = _FALL) -> float:
    """A step at which the median fragment's own loss falls by a tenth of a nat per token, to first order.

    A step of size η on a fragment with gradient g changes its loss by -η |g|² + O(η²), so η is
    ``fall / median |g|²``.

    Args:
        squared_norms: Squared norm of each fragment's gradient; those that are not finite are left out.
        fall: In nats per token.

    Raises:
        PlanError: No gradient is finite, or the median one is zero.
    """
    finite = squared_norms[np.isfinite(squared_norms)]
    median = float(np.median(finite)) if len(finite) else 0.0
    if not median > 0:
        raise PlanError(
            "no step size can be chosen: the median fragment has no gradient",
            got=f"{len(squared_norms)} fragments, {len(finite)} with a finite gradient; median {median:g}",
            hint="give one (--step-size), and check that the model has parameters that can be trained",
        )
    return fall / median


def in_float32(model: LanguageModel) -> LanguageModel:
    """The model itself where its numbers are float32 or wider, else a copy of it in float32.

    A step is far smaller than what it changes: in bfloat16 most parameters would stay where they are.
    """
    if all(p.dtype.itemsize >= 4 for p in model.network.parameters() if p.is_floating_point()):
        return model
    fingerprint = hashlib.sha256(f"{model.fingerprint} float32".encode()).hexdigest()
    return replace(model, network=copy.deepcopy(model.network).float(), fingerprint=fingerprint)


def fragment_losses(network: Any, batch: Batch) -> Float[Tensor, " fragments"]:
    """Mean loss of each fragment over its scored tokens, in nats per token; differentiable."""
    logits = network(**batch.inputs()).logits[:, :-1]
    scored = batch.scored[:, 1:]
    logits = logits if logits.dtype == torch.float64 else logits.float()
    losses = nn.functional.cross_entropy(logits.transpose(1, 2), batch.ids[:, 1:], reduction="none")
    return torch.where(scored, losses, 0.0).sum(1) / scored.sum(1)


def gradient(loss: Float[Tensor, ""], parameters: Sequence[Tensor]) -> list[Tensor]:
    """Gradient of a loss, one tensor a parameter; zeros where the loss does not depend on it.

    The ``grad`` fields of the parameters are left alone.
    """
    return list(torch.autograd.grad(loss, list(parameters), allow_unused=True, materialize_grads=True))


def squared_norms(
    model: LanguageModel, fragments: Fragments, rows: Sequence[int]
) -> Float64[np.ndarray, " rows"]:
    """Squared norm of the gradient of each fragment's own mean loss, over all that a step moves."""
    trained = [p for p in model.network.parameters() if p.requires_grad]
    found = np.zeros(len(rows))
    with one_thread():
        for place, row in enumerate(rows):
            loss = fragment_losses(model.network, take(fragments, [row], model.device))[0]
            found[place] = sum((each.double() ** 2).sum().item() for each in gradient(loss, trained))
    return found


class Parameters:
    """The trainable parameters of a network, and a copy of what they were.

    Made by `stepping`, which puts them back.

    Args:
        network: A ``PreTrainedModel``.

    Attributes:
        tensors: The parameters themselves; one that is used twice (a tied head) stands here once.
        kept: What they were.

    Raises:
        PlanError: Every parameter is frozen.
    """

    def __init__(self, network: Any) -> None:
        self.tensors: list[Tensor] = [p for p in network.parameters() if p.requires_grad]
        if not self.tensors:
            raise PlanError(
                "a step cannot be taken: no parameter of the model asks for a gradient",
                hint="unfreeze some (requires_grad_), or leave out the probes step and retention",
            )
        self.kept = [p.detach().clone() for p in self.tensors]

    @torch.no_grad()
    def step(self, directions: Sequence[Tensor], size: float) -> None:
        """Set the parameters to what they were kept as, less ``size`` times some directions."""
        for parameter, before, direction in zip(self.tensors, self.kept, directions, strict=True):
            parameter.copy_(before)
            parameter.sub_(direction, alpha=size)

    @torch.no_grad()
    def undo(self) -> None:
        """Set the parameters to what they were, bit for bit."""
        for parameter, before in zip(self.tensors, self.kept, strict=True):
            parameter.copy_(before)


@contextmanager
def stepping(network: Any) -> Iterator[Parameters]:
    """Let the parameters of a network be moved, and put them back at the end, whatever happens."""
    parameters = Parameters(network)
    try:
        yield parameters
    finally:
        parameters.undo()
