"""The rows that can be chosen, with all that a choice may go by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Int

__all__ = ["Pool", "Strategy"]


@dataclass(frozen=True, eq=False)
class Pool:
    """Rows to choose from. Positions count from 0 in the pool.

    Attributes:
        texts: One text a row.
        labels: Position of each row's label in ``label_names``.
        label_names: Distinct labels, sorted.
        embedding: Sparse word vectors of unit length, of shape (rows, words), from `negatives.embed`.
        clusters: Near-duplicates and given groups; what is held out together.
        groups: Near-miss group of each row, given or found: rows of a group are near misses of each other.
            A row without any is a group of its own.
        probabilities: Of each label for each row, by models that saw nothing of its cluster.
        suspected: Whether each row's label is likely wrong, or its text stands under another label too.
        redundant: Whether a near-duplicate with the same label stands earlier in the pool, outside of the
            row's group.
        real: Whether each row is true data, where some are synthetic; None where nothing is said.
    """

    texts: tuple[str, ...]
    labels: Int[np.ndarray, " rows"]
    label_names: tuple[str, ...]
    embedding: Any  # scipy.sparse.csr_matrix
    clusters: Int[np.ndarray, " rows"]
    groups: Int[np.ndarray, " rows"]
    probabilities: Float[np.ndarray, "rows labels"]
    suspected: Bool[np.ndarray, " rows"]
    redundant: Bool[np.ndarray, " rows"]
    real: Bool[np.ndarray, " rows"] | None = None

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def paired(self) -> Bool[np.ndarray, " rows"]:
        """Whether each row's near-miss group holds another label."""
        _, group = np.unique(self.groups, return_inverse=True)
        lowest = np.full(group.max(initial=0) + 1, len(self.label_names))
        highest = np.zeros(group.max(initial=0) + 1, dtype=np.int64)
        np.minimum.at(lowest, group, self.labels)
        np.maximum.at(highest, group, self.labels)
        return np.asarray(lowest[group] < highest[group])

    def take(self, rows: Int[np.ndarray, " taken"]) -> Pool:
        """Give the pool of some rows, in the order given."""
        return replace(
            self,
            texts=tuple(self.texts[row] for row in rows.tolist()),
            labels=self.labels[rows],
            embedding=self.embedding[rows],
            clusters=self.clusters[rows],
            groups=self.groups[rows],
            probabilities=self.probabilities[rows],
            suspected=self.suspected[rows],
            redundant=self.redundant[rows],
            real=None if self.real is None else self.real[rows],
        )


Strategy: TypeAlias = Callable[[Pool, int, np.random.Generator], Int[np.ndarray, " chosen"]]
"""Pool, budget and generator to the positions of exactly so many rows, most wanted first."""
