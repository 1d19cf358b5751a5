"""The mean gradient of many fragments: where the corpus, or a reference, pulls the model as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float64, Int
from torch import Tensor, nn

from negspace.data import Fragments
from negspace.gradients.layers import layer_of, layers_of
from negspace.gradients.meter import mean_weights
from negspace.gradients.objective import gradient_scale
from negspace.gradients.survey import evaluating, survey
from negspace.language_models import LanguageModel, batches, check_finite

__all__ = ["MeanGradient", "joined", "mean_gradient"]


@dataclass(frozen=True, eq=False)
class MeanGradient:
    """The mean of some fragments' gradients.

    Attributes:
        tensors: By the name of the parameter, in at least float32; those that `GradientMeter` measures.
        rows: Positions of the fragments.
        fingerprint: Of what they are fragments of.
        layers: Names of the layers.
        squared_norm: Within each layer.
    """

    tensors: Mapping[str, Tensor]
    rows: Int[np.ndarray, " rows"]
    fingerprint: str
    layers: tuple[str, ...]
    squared_norm: Float64[np.ndarray, " layers"]


def mean_gradient(
    model: LanguageModel,
    fragments: Fragments,
    rows: Sequence[int] | Int[np.ndarray, " rows"],
    *,
    batch: int,
) -> MeanGradient:
    """Take the mean over fragments of the gradient of each one's mean loss: every fragment counts alike.

    Args:
        model: The model; given back as it was.
        fragments: All fragments.
        rows: Which of them; at least one.
        batch: Padded tokens held at once, at most.

    Raises:
        DataError: A loss is not finite.
    """
    network: nn.Module = model.network
    rows = np.asarray(rows, dtype=np.int64)
    parameters = survey(network).parameters
    summed = {
        name: torch.zeros_like(p, dtype=torch.promote_types(p.dtype, torch.float32), requires_grad=False)
        for name, p in parameters.items()
    }
    with evaluating(network):
        for each in batches(fragments, rows, tokens=batch, device=model.device):
            logits = network(**each.inputs()).logits
            losses = nn.functional.cross_entropy(
                logits[:, :-1].flatten(0, 1), each.ids[:, 1:].flatten(), reduction="none"
            )
            weighed = losses.view(len(each.rows), -1).float() * mean_weights(each)[:, 1:]
            check_finite(model, fragments, each.rows, weighed.detach().sum(1).cpu().numpy())
            scale = gradient_scale(logits.dtype)
            found = torch.autograd.grad(weighed.sum() * scale, list(parameters.values()), allow_unused=True)
            for total, gradient in zip(summed.values(), found, strict=True):
                if gradient is not None:
                    total.add_(gradient, alpha=1 / scale)
    for total in summed.values():
        total.div_(len(rows))
    return _of(summed, rows, fragments.fingerprint)


def joined(parts: Iterable[MeanGradient]) -> MeanGradient:
    """Put together the means of distinct fragments of one corpus; at least one part.

    Parts are summed as they come, and none is kept.
    """
    rows: list[Int[np.ndarray, " rows"]] = []
    summed: dict[str, Tensor] = {}
    fingerprint = ""
    for part in parts:
        rows.append(part.rows)
        fingerprint = part.fingerprint
        for name, tensor in part.tensors.items():
            if name in summed:
                summed[name].add_(tensor, alpha=len(part.rows))
            else:
                summed[name] = tensor * len(part.rows)
    every = np.concatenate(rows)
    for total in summed.values():
        total.div_(len(every))
    return _of(summed, every, fingerprint)


def _of(tensors: Mapping[str, Tensor], rows: Int[np.ndarray, " rows"], fingerprint: str) -> MeanGradient:
    layers = layers_of(tensors)
    squares = np.zeros(len(layers))
    for name, tensor in tensors.items():
        squares[layers.index(layer_of(name))] += (tensor.double() ** 2).sum().item()
    return MeanGradient(tensors, rows, fingerprint, layers, squares)
