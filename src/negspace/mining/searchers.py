"""Sources of negatives that are rows of the corpus: neighbours, words in common, a learner's confusions.

Each gives the best rows for an anchor with a score, the higher the harder, and the score of any row for
any anchor on the same scale, so that margins to the positive can be asked of every source.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float32, Int

from negspace.mining.pool import Pool
from negspace.records import Json
from negspace.search import Hits, top_k

__all__ = ["Neighbours", "Searcher", "no_hits"]


@runtime_checkable
class Searcher(Protocol):
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


class Neighbours:
    """The nearest rows by cosine.

    Args:
        pool: What is mined.
        anchors: Vectors of the anchors, of unit length.
        corpus: Vectors of the corpus, of unit length.
        embedder: What made them, described.
        memory: Bytes that a search may hold.
        workers: Threads of a search.
    """

    name = "neighbours"
    score = "cosine of the anchor's and the row's vectors"

    def __init__(
        self,
        pool: Pool,
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
        left, right = self.anchors[anchors].astype(np.float64), self.corpus[rows].astype(np.float64)
        return np.asarray(np.vecdot(left, right), dtype=np.float32)


def no_hits(queries: int, k: int) -> Hits:
    """Room for hits: no row, and a score of minus infinity."""
    return Hits(np.full((queries, k), -1, dtype=np.int32), np.full((queries, k), -np.inf, dtype=np.float32))
