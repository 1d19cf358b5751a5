"""Measures the gradient of every fragment of a batch in one forward and one backward pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor, nn

from negspace.errors import NegspaceError
from negspace.gradients.coverage import Coverage
from negspace.gradients.functions import collect_expanded
from negspace.gradients.layers import layer_of, layers_of
from negspace.gradients.objective import gradient_scale, losses_into_gradient
from negspace.gradients.survey import evaluating, survey, swapped
from negspace.gradients.tape import Tape
from negspace.language_models import Batch

__all__ = ["FragmentGradients", "GradientMeter", "mean_weights"]


@dataclass(frozen=True, eq=False)
class FragmentGradients:
    """The gradients of some fragments' own losses, summed up.

    Attributes:
        layers: Names of the layers.
        loss: Of each fragment, in nats (a token, where weights sum to 1).
        squared_norm: Of each fragment's gradient, within each layer; their sum is the whole one's.
        dots: Dot product of each fragment's gradient with each direction, within each layer.
    """

    layers: tuple[str, ...]
    loss: Float64[np.ndarray, " fragments"]
    squared_norm: Float64[np.ndarray, "fragments layers"]
    dots: Float64[np.ndarray, "directions fragments layers"]


class GradientMeter:
    """Measures fragments' gradients in a network.

    The network is looked over when the meter is made, and again only with a new meter: a meter is good for as
    long as the network's modules, and what asks for gradients in it, stay as they are. Weights may change.

    Args:
        network: A causal language model of transformers; always given back as it was.
        directions: What gradients are multiplied with: tensors by the name of the parameter. A parameter that
            a direction does not name counts as 0.

    Attributes:
        network: The network.
        coverage: Which parameters are measured.
        layers: Names of the layers that have any, in order of the forward pass.

    Raises:
        NegspaceError: Nothing of the network can be measured, or a direction's shape is not its parameter's.
    """

    def __init__(self, network: nn.Module, directions: Sequence[Mapping[str, Tensor]] = ()) -> None:
        self.network = network
        self._survey = survey(network)
        self.coverage: Coverage = self._survey.coverage
        self.layers: tuple[str, ...] = layers_of(self._survey.parameters)
        place = {layer: i for i, layer in enumerate(self.layers)}
        self._layers = {id(p): place[layer_of(name)] for name, p in self._survey.parameters.items()}
        self._n_directions = len(directions)
        self._directions = {id(p): _stack(name, p, directions) for name, p in self._survey.parameters.items()}

    @property
    def parameters(self) -> dict[str, nn.Parameter]:
        """The parameters that are measured, by name."""
        return dict(self._survey.parameters)

    def measure(
        self, batch: Batch, weights: Float[Tensor, "fragments longest"] | None = None
    ) -> FragmentGradients:
        """Measure the gradient of each fragment's own loss, ``-Σ_t w_t ln P(token t)``.

        Args:
            batch: The fragments.
            weights: Of each token's loss; by default 1 / (scored tokens) where scored: the loss is the mean.

        Returns:
            Sums in float64. They do not depend on which other fragments are in the batch, but for rounding.
        """
        if weights is None:
            weights = mean_weights(batch)
        like = next(iter(self._survey.parameters.values()))
        shape = 1 + self._n_directions, len(batch.ids), len(self.layers)
        tape = Tape(
            self._layers,
            self._directions,
            self._survey.tied,
            torch.zeros(shape, dtype=torch.float64, device=like.device),
            like.new_zeros(()).requires_grad_(),
        )
        with evaluating(self.network), swapped(self._survey.sites, tape):
            logits = self.network(**batch.inputs()).logits
            # Not detached: a linear map with a bias gives a view, and a view refuses to be written over.
            gradient = logits.data
            # What a linear map gave is kept by no one; what came of a further function (a soft cap) may be,
            # for that function's backward.
            if logits is not tape.output:
                gradient = gradient.clone()
            tape.output = None
            scale = gradient_scale(gradient.dtype)
            loss = losses_into_gradient(gradient, batch.ids, weights * scale) / scale
            leaves = [leaf for _, leaf in tape.expanded]
            found = torch.autograd.grad(logits, [tape.anchor, *leaves], gradient, allow_unused=True)
            collect_expanded(tape, found[1:])
        sums = tape.sums.cpu().numpy()
        return FragmentGradients(self.layers, loss.cpu().numpy(), sums[0] / scale**2, sums[1:] / scale)


def mean_weights(batch: Batch) -> Float[Tensor, "fragments longest"]:
    """Weights under which a fragment's loss is the mean over its scored tokens."""
    return batch.scored / batch.scored.sum(1, keepdim=True)


def _stack(name: str, parameter: nn.Parameter, directions: Sequence[Mapping[str, Tensor]]) -> Tensor:
    """A parameter's part of all directions, in at least float32: (directions, *shape)."""
    dtype = torch.promote_types(parameter.dtype, torch.float32)
    stacked = torch.zeros(len(directions), *parameter.shape, dtype=dtype, device=parameter.device)
    for k, direction in enumerate(directions):
        if name in direction:
            given: Any = direction[name]
            if given.shape != parameter.shape:
                raise NegspaceError(
                    f"a direction's shape for '{name}' is not its parameter's, {tuple(parameter.shape)}",
                    got=str(tuple(given.shape)),
                    hint="take the direction from this model",
                )
            stacked[k] = given
    return stacked
