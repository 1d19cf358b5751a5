"""Fragments as tensors: padded on the right, where a causal model never looks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Int

from negspace.data import Fragments

if TYPE_CHECKING:
    from torch import Tensor

__all__ = ["Batch", "batches", "take"]


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


def take(fragments: Fragments, rows: Sequence[int] | Int[np.ndarray, " rows"], device: str = "cpu") -> Batch:
    """Put some fragments into one batch, padded to the longest of them."""
    import torch  # noqa: PLC0415  (an extra, and seconds to import)

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


def batches(
    fragments: Fragments, rows: Sequence[int] | Int[np.ndarray, " rows"], *, tokens: int, device: str = "cpu"
) -> Iterator[Batch]:
    """Batch fragments of like length together.

    Args:
        fragments: All fragments.
        rows: Which of them.
        tokens: Padded tokens of a batch, at most; a fragment longer than this is a batch of its own.
        device: Where the tensors go.
    """
    rows = np.asarray(rows, dtype=np.int64)
    rows = rows[np.argsort(-fragments.lengths[rows], kind="stable")]
    while len(rows):
        size = max(1, tokens // int(fragments.lengths[rows[0]]))
        yield take(fragments, rows[:size], device)
        rows = rows[size:]
