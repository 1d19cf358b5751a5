"""The further steps themselves: what the estimate of retention is compared with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from jaxtyping import Float64, Int

from negspace.data import Fragments
from negspace.embedders import one_thread
from negspace.errors import PlanError
from negspace.language_models import LanguageModel, take
from negspace.probes import LAGS, SMALLEST_GAIN
from negspace.probes.engines import Parameters, gradient, kept_parameters, mean_losses

__all__ = ["exact_retention"]


def exact_retention(
    model: LanguageModel,
    fragments: Fragments,
    rows: Sequence[int] | Int[np.ndarray, " rows"],
    further: Fragments,
    step_size: float,
    lags: Sequence[int] = LAGS,
) -> Float64[np.ndarray, "lags rows"]:
    """Take the further steps: what the estimate is compared with, at ``max(lags)`` passes a fragment.

    The gain of a fragment after k steps is its loss where the model took the steps on the first k of
    ``further`` alone, less its loss where it took its own step before them. So what the further steps
    teach anyway is not counted.

    Args:
        model: The model; given back as it was.
        fragments: All fragments.
        rows: Which of them.
        further: As many as the largest lag, at least; one step on each, in order.
        step_size: η of all steps.
        lags: Numbers of further steps.

    Returns:
        The gain after k steps over the gain right after the own step; NaN where that is 1e-5 nats or less.

    Raises:
        PlanError: There are too few further fragments.
    """
    if len(further) < max(lags):
        raise PlanError("too few further fragments", got=f"{len(further)} for {max(lags)} steps")
    rows = np.asarray(rows, dtype=np.int64)
    wanted = (0, *lags)

    def walk(parameters: Parameters, of: Sequence[int]) -> Iterator[list[float]]:
        """Losses of some fragments at each lag, on a path that goes on from where the model is."""
        for step in range(max(lags) + 1):
            if step in wanted:
                yield [_loss(model, fragments, row) for row in of]
            if step < max(lags):
                _go_on(model, parameters, further, step, step_size)

    with one_thread(), kept_parameters(model.network) as parameters:
        without = np.array(list(walk(parameters, rows.tolist())))
        with_own = np.empty_like(without)
        for at, row in enumerate(rows.tolist()):
            parameters.undo()
            _go_on(model, parameters, fragments, row, step_size)
            with_own[:, at] = np.array(list(walk(parameters, [row])))[:, 0]
    gains = without - with_own
    order = np.searchsorted(sorted({0, *lags}), lags)
    found: Float64[np.ndarray, "lags rows"] = np.where(
        gains[0] > SMALLEST_GAIN, gains[order] / np.where(gains[0] > SMALLEST_GAIN, gains[0], 1.0), np.nan
    )
    return found


def _loss(model: LanguageModel, fragments: Fragments, row: int) -> float:
    with torch.no_grad():
        return float(mean_losses(model.network, take(fragments, [row], model.device))[0])


def _go_on(model: LanguageModel, parameters: Parameters, fragments: Fragments, row: int, size: float) -> None:
    """Take one more step from wherever the model is."""
    loss = mean_losses(model.network, take(fragments, [row], model.device))[0]
    with torch.no_grad():
        for parameter, direction in zip(parameters.tensors, gradient(loss, parameters.tensors), strict=True):
            parameter.sub_(direction, alpha=size)
