"""Sources of negatives that are rows of the corpus: neighbours by vectors, and a learner's confusions.

Each gives the best rows for an anchor with a score, the higher the harder, and the score of any row for
any anchor on the same scale, so that margins to the positive can be asked of every source.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Float32, Int

from negspace.mining.pool import MiningPool
from negspace.models import FOLDS, TfidfLearner, out_of_fold
from negspace.records import Json
from negspace.search import Hits, cluster_rows, embed, group_links, nearest, pair_scores, top_k


@runtime_checkable
class RowSource(Protocol):
    """Finds rows of the corpus for anchors."""

    @property
    def name(self) -> str:
        """As provenance and the command line name the source."""
        ...

    @property
    def score(self) -> str:
        """What the score is, in a sentence."""
        ...

    def describe(self) -> Mapping[str, Json]:
        """All that decides the hits."""
        ...

    def search(self, start: int, stop: int, k: int, *, by_class: bool) -> Hits:
        """The k best rows for a range of anchors, those known to be no negatives passed over.

        Args:
            start: First anchor.
            stop: The anchor after the last.
            k: Rows to give, at most.
            by_class: Pass over rows of the anchor's own class.
        """
        ...

    def scores(
        self, anchors: Int[np.ndarray, " pairs"], rows: Int[np.ndarray, " pairs"]
    ) -> Float32[np.ndarray, " pairs"]:
        """The score of given rows for given anchors."""
        ...


class NeighbourSource:
    """The nearest rows by cosine."""

    name = "neighbours"
    score = "cosine of the anchor's and the row's vectors"

    def __init__(
        self,
        pool: MiningPool,
        anchors: Float32[np.ndarray, "anchors dims"],
        corpus: Float32[np.ndarray, "rows dims"],
        embedder: Mapping[str, Json],
        *,
        memory: int,
        workers: int,
    ) -> None:
        self.pool, self.anchors, self.corpus = pool, anchors, corpus
        self._embedder, self._memory, self._workers = embedder, memory, workers
        # A text without content is equally far from everything: nothing is near it.
        self._content: Bool[np.ndarray, " anchors"] = np.asarray(anchors.any(axis=1))
        self._last: tuple[tuple[int, int, int], Hits] | None = None

    def describe(self) -> Mapping[str, Json]:
        """The embedder."""
        return {"source": self.name, "embedder": self._embedder}

    def search(self, start: int, stop: int, k: int, *, by_class: bool) -> Hits:
        """The k nearest rows; ties in the order of the corpus."""
        # Asked twice for each part of labelled texts: for the positives, and for what classes spare.
        asked = (start, stop, k)
        if not by_class and self._last is not None and self._last[0] == asked:
            return self._last[1]
        known = self.pool.known.part(start, stop)
        labels = self.pool.anchor_labels if by_class else None
        hits = top_k(
            self.anchors[start:stop],
            self.corpus,
            k,
            query_labels=None if labels is None else labels[start:stop],
            corpus_labels=None if labels is None else self.pool.corpus_labels,
            passed_over=(known.indptr, known.rows),
            memory=self._memory,
            workers=self._workers,
        )
        hits.rows[~self._content[start:stop]] = -1
        if not by_class:
            self._last = (asked, hits)
        return hits

    def nearest_of_label(
        self, anchors: Int[np.ndarray, " asked"], label: int, k: int
    ) -> Int[np.ndarray, "asked {k}"]:
        """The k nearest rows of one label, -1 where there are fewer; never the anchor's own text."""
        assert self.pool.corpus_labels is not None
        inside = np.flatnonzero(self.pool.corpus_labels == label)
        place = np.full(len(self.corpus), -1)
        place[inside] = np.arange(len(inside))
        known = [place[self.pool.known.of(int(anchor))] for anchor in anchors]
        known = [rows[rows >= 0] for rows in known]
        indptr = np.concatenate([[0], np.cumsum([len(rows) for rows in known])]).astype(np.int64)
        indices = np.concatenate([np.empty(0, np.int64), *known]).astype(np.int64)
        hits = top_k(
            self.anchors[anchors],
            self.corpus[inside],
            k,
            passed_over=(indptr, indices),
            memory=self._memory,
            workers=self._workers,
        )
        found = (hits.rows >= 0) & self._content[anchors][:, None]
        return np.where(found, inside[hits.rows], -1)

    def scores(
        self, anchors: Int[np.ndarray, " pairs"], rows: Int[np.ndarray, " pairs"]
    ) -> Float32[np.ndarray, " pairs"]:
        """Cosines, summed in double precision as those of hits are."""
        return pair_scores(self.anchors, anchors, self.corpus, rows)


class ModelSource:
    """Rows of the label that a learner is most inclined to give the anchor in place of its own.

    The learner predicts each row from folds that hold neither it nor its near-duplicates or group. Of all
    labels but the anchor's own the most probable one is taken, and its rows, nearest to the anchor first.
    """

    name = "model"
    score = (
        "probability that the learner, fitted without the anchor and its near-duplicates, gives the anchor "
        "the label of the row; rows of one label are ranked by nearness"
    )

    def __init__(
        self,
        pool: MiningPool,
        probabilities: Float[np.ndarray, "anchors labels"],
        near: NeighbourSource,
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
        hits = Hits.none(stop - start, k)
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
    pool: MiningPool, learner: TfidfLearner, *, seed: int, workers: int
) -> Float[np.ndarray, "anchors labels"]:
    """Predict every row by a model that saw neither it nor its near-duplicates or group.

    Returns:
        Probability of each label for each row. With fewer clusters than two there are no folds: every label
        is then as probable as it is common.
    """
    labels, n_labels = pool.anchor_labels, len(pool.label_names)
    assert labels is not None
    embedding = embed(pool.anchors)
    given = group_links(np.arange(len(pool)) if pool.groups is None else pool.groups)
    clusters = cluster_rows(embedding, nearest(embedding, labels).links, given).of_row
    return out_of_fold(pool.anchors, labels, clusters, n_labels, seed=seed, workers=workers, learner=learner)
