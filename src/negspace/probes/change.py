"""What a model makes of some fragments, and how far that is from what it made of them before."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor

from negspace.language_models import Batch
from negspace.probes.attention import jensen_shannon, query_positions
from negspace.probes.drift import cka_drift, cosine_drift
from negspace.probes.stepping import fragment_losses
from negspace.probes.watching import watching

__all__ = ["ATTENTION", "CKA", "COSINE", "Picture", "changes", "picture"]

COSINE, CKA, ATTENTION = "drift", "cka drift", "attention change"


@dataclass(eq=False)
class Picture:
    """What a model makes of a batch.

    Attributes:
        batch: The fragments.
        losses: Mean loss of each; differentiable if gradients were on.
        hidden: By layer: (fragments, tokens, width).
        maps: By layer, and for each fragment: (heads, queries, keys), at the positions compared.
    """

    batch: Batch
    losses: Float[Tensor, " fragments"]
    hidden: dict[str, Tensor] = field(default_factory=dict)
    maps: dict[str, list[Tensor]] = field(default_factory=dict)


def picture(network: Any, batch: Batch, queries: int) -> Picture:
    """Run a batch and keep its hidden states and attention maps.

    Args:
        network: A ``PreTrainedModel``.
        batch: The fragments.
        queries: Query positions kept of each, at most; 0 for no attention. See `eager_attention`.
    """
    hidden: dict[str, Tensor] = {}
    maps: dict[str, list[Tensor]] = {}
    lengths = _lengths(batch)

    def keep_maps(layer: str, found: Tensor) -> None:
        maps[layer] = _at_queries(found, lengths, queries)

    with watching(network, hidden.__setitem__, keep_maps if queries else None):
        losses = fragment_losses(network, batch)
    return Picture(batch, losses, hidden, maps)


def changes(
    network: Any, before: Picture, queries: int
) -> tuple[Float[Tensor, " fragments"], dict[tuple[str, str], Float64[np.ndarray, " fragments"]]]:
    """Run the batch of a picture again, and compare layer by layer as they come about.

    Args:
        network: The network, changed.
        before: What it made of the batch before.
        queries: As for the picture.

    Returns:
        Mean loss of each fragment now (differentiable if gradients are on), and by measure and layer how far
        each fragment's representations moved.
    """
    found: dict[tuple[str, str], Float64[np.ndarray, " fragments"]] = {}
    lengths = _lengths(before.batch)

    def compare_hidden(layer: str, after: Tensor) -> None:
        pairs = [
            (old[:length], new[:length])
            for old, new, length in zip(before.hidden[layer], after, lengths, strict=True)
        ]
        found[COSINE, layer] = _array([cosine_drift(*pair) for pair in pairs])
        found[CKA, layer] = _array([cka_drift(*pair) for pair in pairs])

    def compare_maps(layer: str, after: Tensor) -> None:
        pairs = zip(before.maps[layer], _at_queries(after, lengths, queries), strict=True)
        found[ATTENTION, layer] = _array([jensen_shannon(*pair).mean() for pair in pairs])

    with watching(network, compare_hidden, compare_maps if queries else None):
        losses = fragment_losses(network, before.batch)
    return losses, found


def _lengths(batch: Batch) -> list[int]:
    return [int(n) + 1 for n in batch.scored.sum(1)]


def _at_queries(maps: Tensor, lengths: list[int], queries: int) -> list[Tensor]:
    return [
        each[:, torch.from_numpy(query_positions(length, queries)).to(each.device), :length]
        for each, length in zip(maps, lengths, strict=True)
    ]


def _array(numbers: list[Tensor]) -> Float64[np.ndarray, " fragments"]:
    return torch.stack(numbers).double().cpu().numpy()
