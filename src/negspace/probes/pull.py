"""What other fragments make of a step: the gradients they have where it leads."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

import torch
from jaxtyping import Float
from torch import Tensor

from negspace.data import Fragments
from negspace.language_models import Batch, LanguageModel, batches, check_finite, take
from negspace.probes.stepping import Parameters, fragment_losses, gradient

__all__ = ["Gradient", "Pull", "dot", "halves", "moments", "own_gain"]

Gradient: TypeAlias = list[Tensor]
"""One tensor a parameter."""


def halves(others: Fragments, batch: int, device: str) -> list[list[Batch]]:
    """Every other fragment, and the rest, in batches; one half where there is one fragment."""
    parts = [range(start, len(others), 2) for start in range(min(2, len(others)))]
    return [list(batches(others, list(part), tokens=batch, device=device)) for part in parts]


class Pull:
    """The gradients of two halves of some fragments, before a step and after it.

    Args:
        model: The model, its parameters as they were kept.
        parts: The fragments in `halves`.
        parameters: Of the model.

    Attributes:
        before: Gradient of the mean loss of each half where the parameters are as they were kept.
    """

    def __init__(
        self, model: LanguageModel, parts: Sequence[Sequence[Batch]], parameters: Parameters
    ) -> None:
        self._network = model.network
        self._parts = parts
        self._parameters = parameters
        self._sizes = [sum(len(some.rows) for some in part) for part in parts]
        self.before = self.gradients(lambda some: fragment_losses(self._network, some))

    def gradients(self, losses: Callable[[Batch], Float[Tensor, " fragments"]]) -> list[Gradient]:
        """Gradient of each half's mean loss where the parameters are.

        Args:
            losses: Gives those of a batch, differentiable.
        """
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
        return self.gradients(lambda some: fragment_losses(self._network, some))


def moments(
    direction: Gradient, size: float, before: Sequence[Gradient], after: Sequence[Gradient]
) -> tuple[float, float, float]:
    """``δ·δ``, ``δ·Aδ`` and ``Aδ·Aδ`` of `retained`, for a step ``δ = -size * direction``.

    ``H δ`` is the difference of the gradients that others have after and before the step: exact for a
    quadratic loss, else of the mean Hessian along the step. The last moment is the product of the two halves'
    own ``Aδ``: the square of one would count as curvature what is but the scatter of few fragments.

    Args:
        direction: Gradient of the fragment.
        size: η.
        before: Gradient of each half of the others before the step.
        after: The same after it.
    """
    turned = [[old - new for old, new in zip(*pair, strict=True)] for pair in zip(before, after, strict=True)]
    along = sum(dot(direction, each) for each in turned) / len(turned)
    return (
        size**2 * dot(direction, direction),
        size**2 * along,
        size**2 * dot(turned[0], turned[-1]),
    )


def dot(left: Gradient, right: Gradient) -> float:
    """Dot product over all parameters: products in at least float32, added up in doubles."""

    def wide(tensor: Tensor) -> Tensor:
        return tensor.to(torch.promote_types(tensor.dtype, torch.float32))

    return sum(float((wide(a) * wide(b)).sum(dtype=torch.float64)) for a, b in zip(left, right, strict=True))


def own_gain(
    model: LanguageModel, fragments: Fragments, row: int, pull: Pull, parameters: Parameters, size: float
) -> tuple[float, tuple[float, float, float]]:
    """Take a fragment's own step and undo it.

    Returns:
        How far its loss fell, in nats per token, and the `moments` of the step.

    Raises:
        DataError: The loss before the step is not finite.
    """
    own = take(fragments, [row], model.device)
    losses = fragment_losses(model.network, own)
    check_finite(model, fragments, own.rows, losses.detach().cpu().numpy())
    before = losses[0]
    direction = gradient(before, parameters.tensors)
    parameters.step(direction, size)
    with torch.no_grad():
        after = fragment_losses(model.network, own)[0]
    found = moments(direction, size, pull.before, pull.now())
    parameters.undo()
    return float(before.detach().double() - after.double()), found
