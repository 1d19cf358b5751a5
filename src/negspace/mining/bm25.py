"""The ``bm25`` source: rows that share rare words with the anchor (Robertson & Zaragoza 2009), by bm25s."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float32, Int

from negspace.errors import MissingExtraError
from negspace.execution import run_jobs
from negspace.mining.pool import MiningPool
from negspace.records import Json
from negspace.search import Hits

_WORD = re.compile(r"(?u)\b\w+\b")
_METHOD, _K1, _B = "lucene", 1.5, 0.75
_CHUNK = 256  # queries that a thread takes at once


class Bm25Source:
    """The rows with the highest BM25 score, the anchor being the query.

    Raises:
        MissingExtraError: bm25s is not installed.
    """

    name = "bm25"
    score = "BM25 score of the row, the anchor being the query; not bounded"

    def __init__(self, pool: MiningPool, *, workers: int) -> None:
        try:
            import bm25s
        except ImportError as error:
            raise MissingExtraError("the source bm25", "mine") from error
        self.pool = pool
        self._version: str = bm25s.__version__
        self._workers = workers
        self._index: Any = bm25s.BM25(method=_METHOD, k1=_K1, b=_B, backend="numpy")
        split = [_words(text) for text in pool.corpus]
        self._has_words = any(split)
        if self._has_words:  # an index of nothing cannot be made
            self._index.index(split, show_progress=False)

    def describe(self) -> Mapping[str, Json]:
        """The settings and the library's version."""
        return {"source": self.name, "method": _METHOD, "k1": _K1, "b": _B, "bm25s": self._version}

    def search(self, start: int, stop: int, k: int, *, by_class: bool) -> Hits:
        """The k best rows that share a word with the anchor; ties in the order of the corpus."""
        hits = Hits.none(stop - start, k)
        known = self.pool.known.part(start, stop)

        def fill(first: int, last: int) -> None:
            for query in range(first, last):
                scores = self._scores(start + query)
                scores[known.of(query)] = 0
                if by_class and self.pool.anchor_labels is not None:
                    assert self.pool.corpus_labels is not None
                    scores[self.pool.corpus_labels == self.pool.anchor_labels[start + query]] = 0
                rows = _best(scores, k)
                hits.rows[query, : len(rows)] = rows
                hits.scores[query, : len(rows)] = scores[rows]

        chunks = [(first, min(first + _CHUNK, stop - start)) for first in range(0, stop - start, _CHUNK)]
        for _ in run_jobs(fill, chunks, workers=self._workers, threads=True):
            pass
        return hits

    def scores(
        self, anchors: Int[np.ndarray, " pairs"], rows: Int[np.ndarray, " pairs"]
    ) -> Float32[np.ndarray, " pairs"]:
        """BM25 scores; 0 where no word is shared."""
        found = np.zeros(len(anchors), dtype=np.float32)
        order = np.argsort(anchors, kind="stable")
        for same in np.split(order, np.flatnonzero(np.diff(anchors[order])) + 1):
            if len(same):
                found[same] = self._scores(int(anchors[same[0]]))[rows[same]]
        return found

    def _scores(self, anchor: int) -> Float32[np.ndarray, " rows"]:
        words = _words(self.pool.anchors[anchor])
        if not words or not self._has_words:
            return np.zeros(len(self.pool.corpus), dtype=np.float32)
        return np.asarray(self._index.get_scores(words), dtype=np.float32)


def _words(text: str) -> list[str]:
    # No stop words are left out: "not" and "no" are where near misses differ.
    return _WORD.findall(text.casefold())


def _best(scores: Float32[np.ndarray, " rows"], k: int) -> Int[np.ndarray, " best"]:
    """Positions of the k highest scores above 0, ties in order of position."""
    positive = np.flatnonzero(scores > 0)
    if len(positive) > k:
        kth = np.partition(scores[positive], -k)[-k]
        positive = positive[scores[positive] >= kth]
    order = np.argsort(-scores[positive], kind="stable")
    return np.asarray(positive[order[:k]], dtype=np.int64)
