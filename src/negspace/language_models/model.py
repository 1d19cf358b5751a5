"""A causal language model, opened, and fragments as the tensors it takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from jaxtyping import Int

from negspace.data import Fragments

if TYPE_CHECKING:
    from torch import Tensor

Rows: TypeAlias = Sequence[int] | Int[np.ndarray, " rows"]
"""Positions of fragments among all."""


@dataclass(frozen=True)
class Checkpoint:
    """The parameters of a model at an earlier step of its training."""

    step: int
    file: Path


@dataclass(frozen=True, eq=False)
class LanguageModel:
    """A causal language model of transformers, in evaluation mode.

    Attributes:
        name: For results: ``tiny``, ``hf:NAME``.
        network: The ``PreTrainedModel``; called with ``input_ids`` and ``position_ids`` it gives ``logits``.
        tokenizer: Its tokenizer. It needs no padding token: fragments are padded here, and never read there.
        fingerprint: SHA-256 (hex) of all that decides its answers: weights, tokenizer, settings, versions.
        context: Longest sequence it reads, in tokens.
        device: Where it runs, as PyTorch names it.
        checkpoints: Earlier states, in order of training; empty where none were kept.
    """

    name: str
    network: Any
    tokenizer: Any
    fingerprint: str
    context: int
    device: str = "cpu"
    checkpoints: tuple[Checkpoint, ...] = field(default=())

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of texts, whatever their length, with the special tokens that its training had."""
        if not texts:
            return []
        found: list[list[int]] = self.tokenizer(
            list(texts), truncation=False, padding=False, return_attention_mask=False, verbose=False
        )["input_ids"]
        return found

    def token_texts(self, ids: Sequence[int]) -> list[str]:
        """What each token stands for, for people to read."""
        return [str(self.tokenizer.decode([int(i)])) for i in ids]


@dataclass(frozen=True, eq=False)
class Batch:
    """Some fragments, as a causal language model takes them.

    No attention mask: padding stands right of all that is read, and a causal model never looks there.

    Attributes:
        rows: Positions of the fragments.
        ids: (fragments, longest) int64; 0 where padded.
        positions: (fragments, longest) int64: 0, 1, …; given for each fragment, so that the gradient of a
            position's embedding is kept apart for each.
        scored: (fragments, longest) bool: which tokens are predicted, that is all but the first and padding.
    """

    rows: Int[np.ndarray, " fragments"]
    ids: Tensor
    positions: Tensor
    scored: Tensor

    def inputs(self) -> dict[str, Any]:
        """Keyword arguments of the network."""
        return {"input_ids": self.ids, "position_ids": self.positions, "use_cache": False}


def take(fragments: Fragments, rows: Rows, device: str = "cpu") -> Batch:
    """Put some fragments into one batch, padded to the longest of them."""
    import torch

    rows = np.asarray(rows, dtype=np.int64)
    lengths = fragments.lengths[rows]
    longest = int(lengths.max())
    place = np.arange(longest)
    inside = place < lengths[:, None]
    ids = np.where(inside, fragments.tokens[rows, :longest], 0).astype(np.int64)
    return Batch(
        rows,
        torch.from_numpy(ids).to(device),
        torch.from_numpy(np.broadcast_to(place, ids.shape).copy()).to(device),
        torch.from_numpy(inside & (place > 0)).to(device),
    )


def batches(fragments: Fragments, rows: Rows, *, tokens: int, device: str = "cpu") -> Iterator[Batch]:
    """Batch fragments of like length together."""
    rows = np.asarray(rows, dtype=np.int64)
    rows = rows[np.argsort(-fragments.lengths[rows], kind="stable")]
    while len(rows):
        size = max(1, tokens // int(fragments.lengths[rows[0]]))
        yield take(fragments, rows[:size], device)
        rows = rows[size:]
