"""One plain gradient step, back to the last bit, and the gradients of other fragments where it leads."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor, nn

from negspace.data import Fragments
from negspace.embedders.quiet import one_thread
from negspace.errors import PlanError
from negspace.language_models import Batch, LanguageModel, batches, check_finite, take

Gradient: TypeAlias = list[Tensor]
"""One tensor a parameter."""

_FALL = 0.1


def choose_step_size(squared_norms: Float[np.ndarray, " fragments"], fall: float = _FALL) -> float:
    """A step at which the median fragment's own loss falls by a tenth of a nat per token, to first order.

    A step of size η on a fragment with gradient g changes its loss by -η |g|² + O(η²), so η is
    ``fall / median |g|²``.

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


def mean_losses(network: Any, batch: Batch) -> Float[Tensor, " fragments"]:
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
            loss = mean_losses(model.network, take(fragments, [row], model.device))[0]
            found[place] = sum((each.double() ** 2).sum().item() for each in gradient(loss, trained))
    return found


class Parameters:
    """The trainable parameters of a network, and a copy of what they were.

    Made by `kept_parameters`, which puts them back.

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
def kept_parameters(network: Any) -> Iterator[Parameters]:
    """Let the parameters of a network be moved, and put them back at the end, whatever happens."""
    parameters = Parameters(network)
    try:
        yield parameters
    finally:
        parameters.undo()


def halves(others: Fragments, batch: int, device: str) -> list[list[Batch]]:
    """Every other fragment, and the rest, in batches; one half where there is one fragment."""
    parts = [range(start, len(others), 2) for start in range(min(2, len(others)))]
    return [list(batches(others, list(part), tokens=batch, device=device)) for part in parts]


class ReferenceGradient:
    """The gradients of two halves of some fragments, before a step and after it."""

    def __init__(
        self, model: LanguageModel, parts: Sequence[Sequence[Batch]], parameters: Parameters
    ) -> None:
        self._network = model.network
        self._parts = parts
        self._parameters = parameters
        self._sizes = [sum(len(some.rows) for some in part) for part in parts]
        self.before = self.gradients(lambda some: mean_losses(self._network, some))

    def gradients(self, losses: Callable[[Batch], Float[Tensor, " fragments"]]) -> list[Gradient]:
        """Gradient of each half's mean loss where the parameters are."""
        found: list[Gradient] = []
        for part, size in zip(self._parts, self._sizes, strict=True):
            total: Gradient = []
            for some in part:
                more = gradient(losses(some).sum() / size, self._parameters.tensors)
                total = [a.add_(b) for a, b in zip(total, more, strict=True)] if total else more
            found.append(total)
        return found

    def along(self, direction: Gradient) -> float:
        """Dot product of a direction with the gradient of all fragments' mean loss, before any step."""
        weighed = [size * dot(direction, each) for size, each in zip(self._sizes, self.before, strict=True)]
        return sum(weighed) / sum(self._sizes)

    def now(self) -> list[Gradient]:
        """Gradient of each half where the parameters are."""
        return self.gradients(lambda some: mean_losses(self._network, some))


def moments(
    direction: Gradient, size: float, before: Sequence[Gradient], after: Sequence[Gradient]
) -> tuple[float, float, float]:
    """``δ·δ``, ``δ·Aδ`` and ``Aδ·Aδ`` of `retained`, for a step ``δ = -size * direction``.

    ``H δ`` is the difference of the gradients that others have after and before the step: exact for a
    quadratic loss, else of the mean Hessian along the step. The last moment is the product of the two halves'
    own ``Aδ``: the square of one would count as curvature what is but the scatter of few fragments.
    """
    turned = [[old - new for old, new in zip(*pair, strict=True)] for pair in zip(before, after, strict=True)]
    along = sum(dot(direction, each) for each in turned) / len(turned)
    return (size**2 * dot(direction, direction), size**2 * along, size**2 * dot(turned[0], turned[-1]))


def dot(left: Gradient, right: Gradient) -> float:
    """Dot product over all parameters: products in at least float32, added up in doubles."""

    def wide(tensor: Tensor) -> Tensor:
        return tensor.to(torch.promote_types(tensor.dtype, torch.float32))

    return sum(float((wide(a) * wide(b)).sum(dtype=torch.float64)) for a, b in zip(left, right, strict=True))


def own_gain(
    model: LanguageModel,
    fragments: Fragments,
    row: int,
    others: ReferenceGradient,
    parameters: Parameters,
    size: float,
) -> tuple[float, tuple[float, float, float]]:
    """Take a fragment's own step and undo it.

    Returns:
        How far its loss fell, in nats per token, and the `moments` of the step.
    """
    own = take(fragments, [row], model.device)
    losses = mean_losses(model.network, own)
    check_finite(model, fragments, own.rows, losses.detach().cpu().numpy())
    before = losses[0]
    direction = gradient(before, parameters.tensors)
    parameters.step(direction, size)
    with torch.no_grad():
        after = mean_losses(model.network, own)[0]
    found = moments(direction, size, others.before, others.now())
    parameters.undo()
    return float(before.detach().double() - after.double()), found
