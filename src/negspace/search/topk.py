"""Exact nearest rows by inner product, block by block, in bounded memory.

What holds: the result is a function of the vectors, the exclusions and ``k`` alone. It is the same to
the bit for every ``memory`` and ``workers``, because float32 products only choose candidates, with a
proven margin, and each candidate's score is computed on its own (see `negspace.search.scan`).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float32, Int, Int64

from negspace.search.scan import Corpus, Hits, Tile
from negspace.search.search import (
    MEMORY,
    Flags,
    PassedOver,
    Progress,
    Search,
    gathered,
    summing_error,
)

__all__ = ["MEMORY", "Hits", "Progress", "top_k", "top_k_blocks"]


def top_k(
    queries: Float32[np.ndarray, "queries dims"],
    corpus: Float32[np.ndarray, "corpus dims"],
    k: int,
    *,
    query_labels: Int[np.ndarray, " queries"] | None = None,
    corpus_labels: Int[np.ndarray, " corpus"] | None = None,
    passed_over: PassedOver | None = None,
    ceiling: Float32[np.ndarray, " queries"] | None = None,
    memory: int = MEMORY,
    workers: int = 1,
    progress: Progress | None = None,
) -> Hits:
    """Find the rows of a corpus with the largest products with each query, exactly.

    A score is the product summed in float64 and rounded to float32 (the cosine, for rows of unit
    length). Of equal scores the row that comes first in the corpus comes first.

    Args:
        queries: One vector a row.
        corpus: Vectors searched; a ``numpy.memmap`` is read block by block.
        k: Hits for each query. Where fewer rows are left, the rest is padded.
        query_labels: Label of each query; rows of its own label are passed over. Given together with
            ``corpus_labels``.
        corpus_labels: Label of each row of the corpus.
        passed_over: Rows never returned for a query (its positives, itself), as ``(indptr, indices)``:
            those of query i are ``indices[indptr[i]:indptr[i + 1]]``.
        ceiling: For each query, the score above which rows are passed over.
        memory: Bytes of working buffers, all workers together: products, flags, candidates. Not in it
            are the inputs, the hits, and 16 bytes a row of the corpus where labels are given. The worst
            case is reckoned, in which every product of a tile is a candidate.
        workers: Threads, each with one BLAS thread. The result does not depend on it.
        progress: Told after each block of queries.

    Returns:
        The hits of all queries.

    Raises:
        DataError: If vectors or labels do not fit each other, or a vector holds NaN or infinity.
        PlanError: If ``k``, ``memory`` or ``workers`` cannot be used.
    """
    blocks = top_k_blocks(
        queries,
        corpus,
        k,
        query_labels=query_labels,
        corpus_labels=corpus_labels,
        passed_over=passed_over,
        ceiling=ceiling,
        memory=memory,
        workers=workers,
        progress=progress,
    )
    return gathered(blocks, len(queries), k)


def top_k_blocks(
    queries: Float32[np.ndarray, "queries dims"],
    corpus: Float32[np.ndarray, "corpus dims"],
    k: int,
    *,
    query_labels: Int[np.ndarray, " queries"] | None = None,
    corpus_labels: Int[np.ndarray, " corpus"] | None = None,
    passed_over: PassedOver | None = None,
    ceiling: Float32[np.ndarray, " queries"] | None = None,
    memory: int = MEMORY,
    workers: int = 1,
    progress: Progress | None = None,
) -> Iterator[tuple[slice, Hits]]:
    """Find what `top_k` finds, a block of queries at a time, in their order.

    Args, errors and scores are those of `top_k`. BLAS is held to one thread until the iterator ends.

    Yields:
        The slice of the queries, and their hits.
    """
    search = Search.checked(
        queries, corpus, k, query_labels, corpus_labels, passed_over, ceiling, memory, workers
    )

    def tile(rows: int, width: int) -> Tile:
        return _Float32Tile(search.corpus, rows, width)

    return search.run(tile, progress)


class _Float32Tile:
    """Products in float32 by the BLAS that NumPy was built with."""

    rounding = 0.0

    def __init__(self, corpus: Corpus, rows: int, width: int) -> None:
        self.corpus, self.width = corpus, width
        self._products = np.empty(rows * width, dtype=np.float32)
        self._flags = Flags(rows * width)

    def load(self, queries: Float32[np.ndarray, "block dims"]) -> Float32[np.ndarray, " block"]:
        self.queries = queries
        norms = np.linalg.norm(queries.astype(np.float64), axis=1)
        return summing_error(norms * self.corpus.norm, queries.shape[1])

    def multiply(self, start: int, stop: int) -> None:
        rows = len(self.queries)
        self.tile = self._products[: rows * (stop - start)].reshape(rows, stop - start)
        np.matmul(self.queries, self.corpus.block(start, stop).T, out=self.tile)

    def strike(self, rows: Int[np.ndarray, " n"], columns: Int[np.ndarray, " n"] | slice) -> None:
        self.tile[rows, columns] = -np.inf

    def kth(self, k: int) -> Float32[np.ndarray, " block"]:
        at = self.tile.shape[1] - k
        return np.asarray(np.partition(self.tile, at, axis=1)[:, at])

    def within(
        self, floor: Float32[np.ndarray, " block"], ceiling: Float32[np.ndarray, " block"] | None
    ) -> Int64[np.ndarray, " found"]:
        return self._flags.within(self.tile, floor, ceiling)

    def values(self, flat: Int64[np.ndarray, " found"]) -> Float32[np.ndarray, " found"]:
        return np.asarray(self.tile.reshape(-1)[flat])
