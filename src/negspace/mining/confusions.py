"""The ``model`` source: what a learner that never saw a row mistakes it for."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Float32, Int

from negspace.mining.pool import Pool
from negspace.mining.searchers import Neighbours, no_hits
from negspace.models import FOLDS, TfidfLearner, out_of_fold
from negspace.records import Json
from negspace.search import Hits, components, embed, group_links, nearest

__all__ = ["Confusions", "predict_out_of_fold"]


class Confusions:
    """Rows of the label that a learner is most inclined to give the anchor in place of its own.

    The learner predicts each row from folds that hold neither it nor its near-duplicates or group. Of all
    labels but the anchor's own the most probable one is taken, and its rows, nearest to the anchor first.

    Args:
        pool: Labelled texts.
        probabilities: Out-of-fold probability of each label for each row.
        near: Finds the nearest rows of a label.
        learner: What predicted, described.
    """

    name = "model"
    score = (
        "probability that the learner, fitted without the anchor and its near-duplicates, gives the anchor "
        "the label of the row; rows of one label are ranked by nearness"
    )

    def __init__(
        self,
        pool: Pool,
        probabilities: Float[np.ndarray, "anchors labels"],
        near: Neighbours,
        learner: Mapping[str, Json],
    ) -> None:
        assert pool.anchor_labels is not None
        self.pool, self.near, self.probabilities = pool, near, probabilities
        self._labels: Int[np.ndarray, " anchors"] = pool.anchor_labels
        self._learner = learner

    def describe(self) -> Mapping[str, Json]:
        """The learner and the folds, and what tells near from far."""
        return {
            "source": self.name,
            "learner": self._learner,
            "folds": FOLDS,
            "within_a_label": self.near.describe(),
        }

    def search(self, start: int, stop: int, k: int, *, by_class: bool) -> Hits:
        """Rows of the label each anchor is taken for; its own label is asked only without classes."""
        hits = no_hits(stop - start, k)
        chances = self.probabilities[start:stop].copy()
        if by_class:
            chances[np.arange(stop - start), self._labels[start:stop]] = -1.0
        taken_for = chances.argmax(axis=1)
        for label in np.unique(taken_for):
            asked = np.flatnonzero(taken_for == label)
            rows = self.near.nearest_of_label(start + asked, int(label), k)
            hits.rows[asked] = rows
            score = chances[asked, label][:, None].astype(np.float32)
            hits.scores[asked] = np.where(rows >= 0, score, -np.inf)
        return hits

    def scores(
        self, anchors: Int[np.ndarray, " pairs"], rows: Int[np.ndarray, " pairs"]
    ) -> Float32[np.ndarray, " pairs"]:
        """Probability of the row's label for the anchor."""
        return np.asarray(self.probabilities[anchors, self._labels[rows]], dtype=np.float32)


def predict_out_of_fold(
    pool: Pool, learner: TfidfLearner, *, seed: int, workers: int
) -> Float[np.ndarray, "anchors labels"]:
    """Predict every row by a model that saw neither it nor its near-duplicates or group.

    Args:
        pool: Labelled texts.
        learner: What is fitted.
        seed: Of the folds and the models.
        workers: Fits at once. No result depends on it.

    Returns:
        Probability of each label for each row. With fewer clusters than two there are no folds: every label
        is then as probable as it is common.
    """
    labels, n_labels = pool.anchor_labels, len(pool.label_names)
    assert labels is not None
    links = nearest(embed(pool.anchors), labels).links
    if pool.groups is not None:
        links = np.concatenate([links, group_links(pool.groups)])
    clusters = components(len(pool), links)
    return out_of_fold(pool.anchors, labels, clusters, n_labels, seed=seed, workers=workers, learner=learner)
