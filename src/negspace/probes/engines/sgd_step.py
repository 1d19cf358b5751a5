"""One plain gradient step, measured, undone to the last bit; gradients of other fragments where it leads."""

from __future__ import annotations

import copy
import hashlib
import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from negspace.data import Fragments
from negspace.embedders import one_thread
from negspace.errors import PlanError
from negspace.language_models import Batch, LanguageModel, batches, check_finite, take
from negspace.probes.engines.before_after import (
    ATTENTION,
    CKA,
    COSINE,
    Picture,
    changes,
    mean_losses,
    picture,
)

Gradient: TypeAlias = list[Tensor]
"""One tensor a parameter."""

_Key: TypeAlias = tuple[str, str | None]  # metric and layer
_WHOLE = ("self-influence", "transfer", "self-influence first order", "transfer first order")


def choose_step_size(squared_norms: Float[np.ndarray, " fragments"], fall: float = 0.1) -> float:
    """A step at which the median fragment's own loss falls by ``fall`` nats per token, to first order.

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
    """The trainable parameters of a network, and a copy of what they were; see `kept_parameters`.

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
        self._network, self._parts, self._parameters = model.network, parts, parameters
        self._sizes = [sum(len(some.rows) for some in part) for part in parts]
        self.before = self.now()

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
    """Take a fragment's own step and undo it: how far its loss fell (nats per token), and its `moments`."""
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


class Stepped(NamedTuple):
    """Numbers by metric and layer, none where the step diverged; and its moments, for retention."""

    values: Mapping[_Key, float]
    moments: tuple[float, float, float] = (math.nan, math.nan, math.nan)


class Stepper:
    """Takes steps on single fragments from where a model stands, each measured and undone."""

    def __init__(
        self,
        model: LanguageModel,
        parameters: Parameters,
        reference: Fragments,
        others: Fragments | None,
        *,
        size: float,
        queries: int,
        batch: int,
    ) -> None:
        self._model, self._parameters, self._size, self._queries = model, parameters, size, queries
        parts = halves(reference, batch, model.device)
        self._reference = ReferenceGradient(model, parts, parameters)
        with torch.no_grad():
            self._pictures = {
                id(some): picture(model.network, some, queries) for part in parts for some in part
            }
        for each in self._pictures.values():
            check_finite(model, reference, each.batch.rows, each.losses.cpu().numpy())
        self._others: ReferenceGradient | None = None
        if others is not None and others.fingerprint == reference.fingerprint:
            self._others = self._reference
        elif others is not None:
            self._others = ReferenceGradient(model, halves(others, batch, model.device), parameters)

    @property
    def keys(self) -> list[_Key]:
        """All that is measured, by layer where it is."""
        some = next(iter(self._pictures.values()))
        by_layer: list[_Key] = [(metric, layer) for metric in (COSINE, CKA) for layer in some.hidden]
        by_layer += [(ATTENTION, layer) for layer in some.maps]
        return [
            *((metric, None) for metric in _WHOLE),
            *by_layer,
            *((f"reference {metric}", layer) for metric, layer in by_layer),
        ]

    def step(self, fragments: Fragments, row: int) -> Stepped:
        """Take a step on one fragment, measure and undo it."""
        own = picture(self._model.network, take(fragments, [row], self._model.device), self._queries)
        check_finite(self._model, fragments, own.batch.rows, own.losses.detach().cpu().numpy())
        direction = gradient(own.losses[0], self._parameters.tensors)
        squared = dot(direction, direction)
        if not math.isfinite(squared):
            return Stepped({})
        self._parameters.step(direction, self._size)
        try:
            return self._measure(own, direction, squared)
        finally:
            self._parameters.undo()

    def _measure(self, own: Picture, direction: Gradient, squared: float) -> Stepped:
        with torch.no_grad():
            losses, moved = changes(self._model.network, own, self._queries)
        if not math.isfinite(float(losses[0])):
            return Stepped({})
        values: dict[_Key, float] = {
            ("self-influence", None): float((own.losses.detach().double() - losses.double())[0]),
            ("self-influence first order", None): self._size * squared,
            ("transfer first order", None): self._size * self._reference.along(direction),
        }
        values |= {key: float(each[0]) for key, each in moved.items()}
        found, after = self._on_reference()
        if not math.isfinite(found["transfer", None]):
            return Stepped({})
        values |= found
        if self._others is None:
            return Stepped(values)
        after = after or self._others.now()
        return Stepped(values, moments(direction, self._size, self._others.before, after))

    def _on_reference(self) -> tuple[dict[_Key, float], list[Gradient]]:
        """Means over the reference where the parameters are, and its gradients if retention is after them."""
        sums: defaultdict[_Key, float] = defaultdict(float)
        count = sum(len(each.batch.rows) for each in self._pictures.values())

        def losses(some: Batch) -> Tensor:
            before = self._pictures[id(some)]
            after, moved = changes(self._model.network, before, self._queries)
            sums["transfer", None] += float((before.losses.double() - after.detach().double()).sum())
            for (metric, layer), each in moved.items():
                sums[f"reference {metric}", layer] += float(each.sum())
            return after

        gradients: list[Gradient] = []
        if self._others is self._reference:
            gradients = self._reference.gradients(losses)
        else:
            with torch.no_grad():
                for each in self._pictures.values():
                    losses(each.batch)
        return {key: each / count for key, each in sums.items()}, gradients
