"""A causal language model, opened; fragments as the tensors it takes; how well it predicts each token."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from jaxtyping import Float, Float32, Int

from negspace.data import Fragments
from negspace.data.fragments import select
from negspace.embedders import one_thread
from negspace.errors import DataError

if TYPE_CHECKING:
    from torch import Tensor

Rows: TypeAlias = Sequence[int] | Int[np.ndarray, " rows"]
"""Positions of fragments among all."""

_AT_ONCE = 1 << 20  # logits turned into probabilities at once: 4 MB of float32, whatever the batch


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

    No attention mask: padding stands right of all that is read, and a causal model never looks there. The
    tensors are (fragments, longest). Positions are given for each fragment, so that the gradient of a
    position's embedding is kept apart for each.
    """

    rows: Int[np.ndarray, " fragments"]
    ids: Tensor  # int64; 0 where padded
    positions: Tensor  # int64: 0, 1, …
    scored: Tensor  # bool: which tokens are predicted, that is all but the first and padding

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


def token_losses(
    model: LanguageModel, fragments: Fragments, rows: Rows, batch: int
) -> Float32[np.ndarray, "rows longest"]:
    """Loss of every token: -ln P(token | those before it in the fragment), in nats.

    Returns:
        A row for each of ``rows``, as long as the longest of all fragments; NaN where a token is not scored.
    """
    import torch

    rows = np.asarray(rows, dtype=np.int64)
    found = np.full((len(rows), fragments.tokens.shape[1]), np.nan, dtype=np.float32)
    if not len(rows):
        return found
    # Positions among the rows asked for, not among all: a row may be asked for twice.
    part = select(fragments, rows)
    with one_thread(), torch.inference_mode():
        for some in batches(part, np.arange(len(rows)), tokens=batch, device=model.device):
            logits = model.network(**some.inputs()).logits
            wanted = some.scored[:, 1:]
            losses = torch.full(wanted.shape, torch.nan, device=wanted.device)
            row, column = wanted.nonzero(as_tuple=True)
            size = max(1, _AT_ONCE // logits.shape[-1])
            after = some.ids[:, 1:]
            parts = (
                torch.nn.functional.cross_entropy(
                    logits[row[at], column[at]].float(), after[row[at], column[at]], reduction="none"
                )
                for at in (slice(start, start + size) for start in range(0, len(row), size))
            )
            losses[wanted] = torch.cat(list(parts))
            found[some.rows, 1 : wanted.shape[1] + 1] = losses.cpu().numpy()
    place = np.arange(found.shape[1])
    bad = np.argwhere((place > 0) & (place < part.lengths[:, None]) & ~np.isfinite(found))
    if len(bad):
        at, token = (int(i) for i in bad[0])
        got = f"{found[at, token]} at token {token} of {part.lengths[at]}"
        many = f"{len(np.unique(bad[:, 0]))} of {len(part)} fragments have such a token"
        raise _not_finite(model, part.places[at], f"{got}; {many}")
    return found


def check_finite(
    model: LanguageModel, fragments: Fragments, rows: Int[np.ndarray, " n"], values: Float[np.ndarray, " n"]
) -> None:
    """Refuse losses, or what they come of, that are not finite: a DataError names the fragment's place."""
    bad = np.flatnonzero(~np.isfinite(values))
    if len(bad):
        raise _not_finite(model, fragments.places[int(rows[bad[0]])], str(values[bad[0]]))


def _not_finite(model: LanguageModel, place: str, got: str) -> DataError:
    return DataError(
        f"{place}: the loss of the model {model.name} is not finite",
        got=got,
        hint="check the model's weights; where they are half precision, ask for --dtype float32",
    )
