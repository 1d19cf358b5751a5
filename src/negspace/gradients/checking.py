"""Repeats the measurement on the user's own model with plain autograd, one fragment at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from negspace.data import Fragments
from negspace.gradients.coverage import layer_of
from negspace.gradients.kernels import gradient_scale
from negspace.gradients.meter import GradientMeter, mean_gradient
from negspace.gradients.survey import evaluating
from negspace.language_models import Batch, LanguageModel, Rows, take


@dataclass(frozen=True)
class Check:
    """How the measurement compares with plain autograd.

    Attributes:
        fragments: How many were compared.
        share: Share of the model's parameters that is measured, in [0, 1].
        norm_error: Largest relative error of a squared norm, over fragments and layers.
        dot_error: Largest error of a dot product with the mean gradient, over fragments and layers, relative
            to the product of the two norms: an error of the cosine.
        loss_error: Largest relative error of a loss.
        overhead: Seconds of a measured batch (norms and one direction) by those of a plain forward and
            backward pass of the same batch: the median over rounds run in turn.
    """

    fragments: int
    share: float
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
        overhead = _overhead(lambda: meter.measure(batch), lambda: _loss_and_gradients(meter, batch), rounds)
    squares, dots, losses = (np.array([truth[i] for truth in truths]) for i in range(3))
    lengths = np.sqrt(squares.sum(1) * sum((each.double() ** 2).sum().item() for each in mean.values()))
    return Check(
        len(batch.ids),
        meter.coverage.share,
        _largest(np.abs(found.squared_norm - squares), squares),
        _largest(np.abs(found.dots[0] - dots), lengths[:, None]),
        _largest(np.abs(found.loss - losses), losses),
        overhead,
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


def _overhead(measured: Callable[[], object], plain: Callable[[], object], rounds: int) -> float:
    def seconds(way: Callable[[], object]) -> float:
        # What a device was asked is done when an answer is read from it; both ways end with reading one.
        start = time.perf_counter()
        way()
        return time.perf_counter() - start

    plain()
    return float(np.median([seconds(measured) / seconds(plain) for _ in range(rounds)]))


def _largest(errors: np.ndarray, scale: np.ndarray) -> float:
    """Largest relative error; an error of what is 0 counts in full."""
    return float((errors / np.where(scale > 0, scale, 1.0)).max())
