"""Each fragment's gradient, from one forward and backward pass over a batch; their mean; a check of them."""

from __future__ import annotations

import timeit
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float64, Int
from torch import Tensor, nn

from negspace.data import Fragments
from negspace.errors import NegspaceError
from negspace.gradients.coverage import Coverage, layer_of, layers_of
from negspace.gradients.kernels import gradient_scale, losses_into_gradient
from negspace.gradients.module_functions import Tape, collect_expanded
from negspace.gradients.survey import evaluating, survey, swapped
from negspace.language_models import Batch, LanguageModel, Rows, batches, check_finite, take


@dataclass(frozen=True, eq=False)
class FragmentGradients:
    """The gradients of some fragments' own losses, summed up within each layer."""

    layers: tuple[str, ...]
    loss: Float64[np.ndarray, " fragments"]  # in nats (a token, where weights sum to 1)
    squared_norm: Float64[np.ndarray, "fragments layers"]
    dots: Float64[np.ndarray, "directions fragments layers"]  # with each direction


class GradientMeter:
    """Measures fragments' gradients in a network.

    The network is looked over when the meter is made: a meter is good for as long as the network's modules,
    and what asks for gradients in it, stay as they are. Weights may change.

    Args:
        network: A causal language model of transformers; always given back as it was.
        directions: What gradients are multiplied with: tensors by the name of the parameter. A parameter that
            a direction does not name counts as 0.

    Attributes:
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
            weights: Weight of each token's loss; by default 1 / (scored tokens) where scored: a mean.

        Returns:
            Sums in float64. They do not depend on which other fragments are in the batch, but for rounding.
        """
        if weights is None:
            weights = _mean_weights(batch)
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


def _mean_weights(batch: Batch) -> Float[Tensor, "fragments longest"]:
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


@dataclass(frozen=True, eq=False)
class MeanGradient:
    """The mean of some fragments' gradients, in at least float32, and its squared norm by layer."""

    tensors: Mapping[str, Tensor]
    rows: Int[np.ndarray, " rows"]
    fingerprint: str
    layers: tuple[str, ...]
    squared_norm: Float64[np.ndarray, " layers"]


def mean_gradient(model: LanguageModel, fragments: Fragments, rows: Rows, *, batch: int) -> MeanGradient:
    """Take the mean over fragments of the gradient of each one's mean loss: every fragment counts alike."""
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
            weighed = losses.view(len(each.rows), -1).float() * _mean_weights(each)[:, 1:]
            check_finite(model, fragments, each.rows, weighed.detach().sum(1).cpu().numpy())
            scale = gradient_scale(logits.dtype)
            found = torch.autograd.grad(weighed.sum() * scale, list(parameters.values()), allow_unused=True)
            for total, gradient in zip(summed.values(), found, strict=True):
                if gradient is not None:
                    total.add_(gradient, alpha=1 / scale)
    for total in summed.values():
        total.div_(len(rows))
    return _with_norms(summed, rows, fragments.fingerprint)


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
    return _with_norms(summed, every, fingerprint)


def _with_norms(
    tensors: Mapping[str, Tensor], rows: Int[np.ndarray, " rows"], fingerprint: str
) -> MeanGradient:
    layers = layers_of(tensors)
    squares = np.zeros(len(layers))
    for name, tensor in tensors.items():
        squares[layers.index(layer_of(name))] += (tensor.double() ** 2).sum().item()
    return MeanGradient(tensors, rows, fingerprint, layers, squares)


@dataclass(frozen=True)
class Check:
    """How the measurement compares with plain autograd: largest errors over fragments and layers.

    Attributes:
        fragments: How many were compared.
        norm_error: Relative error of a squared norm.
        dot_error: Error of a dot product with the mean gradient, relative to the product of the two norms: an
            error of the cosine.
        loss_error: Relative error of a loss.
        overhead: Seconds of a measured batch (norms and one direction) by those of a plain forward and
            backward pass of the same batch: the median over rounds run in turn.
    """

    fragments: int
    norm_error: float
    dot_error: float
    loss_error: float
    overhead: float


def check(model: LanguageModel, fragments: Fragments, rows: Rows, *, rounds: int = 5) -> Check:
    """Compare measured gradients with those of a loop of autograd over single fragments."""
    network: nn.Module = model.network
    batch = take(fragments, rows, model.device)
    mean = mean_gradient(model, fragments, rows, batch=int(batch.ids.numel())).tensors
    meter = GradientMeter(network, [mean])
    found = meter.measure(batch)
    with evaluating(network):
        truths = [_alone(meter, take(fragments, [row], model.device), mean) for row in rows]
        _loss_and_gradients(meter, batch)
        # What a device was asked is done when an answer is read from it; both ways end with reading one.
        ways = (lambda: meter.measure(batch), lambda: _loss_and_gradients(meter, batch))
        times = [timeit.timeit(way, number=1) for _ in range(rounds) for way in ways]
    squares, dots, losses = (np.array([truth[i] for truth in truths]) for i in range(3))
    lengths = np.sqrt(squares.sum(1) * sum((each.double() ** 2).sum().item() for each in mean.values()))
    return Check(
        len(batch.ids),
        _largest(np.abs(found.squared_norm - squares), squares),
        _largest(np.abs(found.dots[0] - dots), lengths[:, None]),
        _largest(np.abs(found.loss - losses), losses),
        float(np.median(np.divide(times[::2], times[1::2]))),
    )


def _alone(
    meter: GradientMeter, one: Batch, direction: Mapping[str, Tensor]
) -> tuple[list[float], list[float], float]:
    """Squared norms and dot products by layer, and the loss, of one fragment."""
    loss, gradients, scale = _loss_and_gradients(meter, one)
    squares, dots = dict.fromkeys(meter.layers, 0.0), dict.fromkeys(meter.layers, 0.0)
    for name, gradient in gradients.items():
        if gradient is not None:
            wide = gradient.double() / scale
            squares[layer_of(name)] += (wide**2).sum().item()
            dots[layer_of(name)] += (wide * direction[name].double()).sum().item()
    return list(squares.values()), list(dots.values()), loss


def _loss_and_gradients(meter: GradientMeter, batch: Batch) -> tuple[float, dict[str, Tensor | None], float]:
    """The loss, gradients times a scale, and the scale."""
    targets = torch.where(batch.scored, batch.ids, -100)[:, 1:]
    logits = meter.network(**batch.inputs()).logits
    loss = nn.functional.cross_entropy(
        logits.flatten(0, 1), nn.functional.pad(targets, (0, 1), value=-100).flatten()
    )
    parameters, scale = meter.parameters, gradient_scale(logits.dtype)
    found = torch.autograd.grad(loss * scale, list(parameters.values()), allow_unused=True)
    return loss.item(), dict(zip(parameters, found, strict=True)), scale


def _largest(errors: np.ndarray, scale: np.ndarray) -> float:
    """Largest relative error; an error of what is 0 counts in full."""
    return float((errors / np.where(scale > 0, scale, 1.0)).max())
