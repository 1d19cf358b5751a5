"""Predicting every row by models that saw nothing like it."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from negspace.data import grouped_folds
from negspace.models.tfidf import TfidfLearner

__all__ = ["FOLDS", "out_of_fold"]

FOLDS = 5


def out_of_fold(
    texts: tuple[str, ...],
    labels: Int[np.ndarray, " rows"],
    clusters: Int[np.ndarray, " rows"],
    n_labels: int,
    *,
    seed: int,
    workers: int,
    learner: TfidfLearner | None = None,
) -> Float[np.ndarray, "rows labels"]:
    """Predict rows by models that saw nothing of their cluster.

    Args:
        texts: The rows.
        labels: Their labels.
        clusters: Near-duplicates and near misses of each other; never divided between folds.
        n_labels: Number of labels.
        seed: Of the folds and the models.
        workers: How many folds at once.
        learner: What is fitted; one with its own defaults where None.

    Returns:
        Probability of each label for each row. With fewer clusters than two there are no folds: every label
        is then as probable as it is common.
    """
    n_folds = min(FOLDS, len(np.unique(clusters)))
    if n_folds < 2:
        return np.tile(np.bincount(labels, minlength=n_labels) / len(labels), (len(labels), 1))
    folds = grouped_folds(labels, clusters, n_folds, seed)
    learner = learner or TfidfLearner()
    return learner.out_of_fold(texts, labels, n_labels, folds, seed=seed, workers=workers)
