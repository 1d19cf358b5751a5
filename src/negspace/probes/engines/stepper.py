"""The engine of the step probe: steps on one fragment after another, each measured and undone."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor

from negspace.data import Fragments
from negspace.language_models import Batch, LanguageModel, check_finite, take
from negspace.probes.engines.before_after import ATTENTION, CKA, COSINE, Picture, changes, picture
from negspace.probes.engines.sgd_step import (
    Gradient,
    Parameters,
    ReferenceGradient,
    dot,
    gradient,
    halves,
    moments,
)

_Key: TypeAlias = tuple[str, str | None]  # metric and layer

_WHOLE = ("self-influence", "transfer", "self-influence first order", "transfer first order")
_NONE = (math.nan, math.nan, math.nan)


class Stepped(NamedTuple):
    """Numbers by metric and layer, none where the step diverged; and its moments, for retention."""

    values: Mapping[_Key, float]
    moments: tuple[float, float, float] = _NONE


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
        if others is not None:
            same = others is reference or others.fingerprint == reference.fingerprint
            self._others = (
                self._reference
                if same
                else ReferenceGradient(model, halves(others, batch, model.device), parameters)
            )

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
