"""A query's positives: their scores, and which hits are nearly them."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from jaxtyping import Bool, Float32, Int

from negspace.search.scan import Hits

__all__ = ["Positives", "duplicates_of_positive", "least_positive", "positive_scores"]

Positives: TypeAlias = tuple[Int[np.ndarray, " queries_plus_1"], Int[np.ndarray, " entries"]]
"""Rows of the corpus that are right for each query, as ``(indptr, indices)``."""

_PAIRS = 512  # compared at once: their vectors stay in a core's cache


def positive_scores(
    queries: Float32[np.ndarray, "queries dims"],
    corpus: Float32[np.ndarray, "corpus dims"],
    positives: Positives,
) -> Float32[np.ndarray, " entries"]:
    """Score each query's positives, as a search would: summed in float64, rounded to float32."""
    pointers, entries = positives
    owner = np.repeat(np.arange(len(pointers) - 1), np.diff(pointers))
    return _products(queries, owner, corpus, entries)


def least_positive(
    scores: Float32[np.ndarray, " entries"], indptr: Int[np.ndarray, " queries_plus_1"]
) -> Float32[np.ndarray, " queries"]:
    """Lowest of each query's positive scores; infinite for a query without positives, which has no bound."""
    least = np.full(len(indptr) - 1, np.inf, dtype=np.float32)
    np.minimum.at(least, np.repeat(np.arange(len(least)), np.diff(indptr)), scores)
    return least


def duplicates_of_positive(
    hits: Hits, corpus: Float32[np.ndarray, "corpus dims"], positives: Positives, threshold: float
) -> Bool[np.ndarray, "queries k"]:
    """Find the hits that stand so near a positive of their query that they are likely positives too.

    Args:
        hits: Of the queries.
        corpus: The vectors searched.
        positives: Of the queries.
        threshold: Product (cosine, for rows of unit length) from which two rows are near-duplicates.

    Returns:
        True for hits that are.
    """
    pointers, entries = positives
    each = np.diff(pointers)
    found = np.zeros(hits.rows.shape, dtype=np.bool_)
    for place in range(int(each.max(initial=0))):
        # The query's positive number `place` against its hits, for the queries that have so many.
        which = np.flatnonzero(each > place)
        row, column = np.nonzero(hits.rows[which] >= 0)
        query = which[row]
        product = _products(corpus, entries[pointers[query] + place], corpus, hits.rows[query, column])
        found[query, column] |= product >= threshold
    return found


def _products(
    left: Float32[np.ndarray, "left dims"],
    left_rows: Int[np.ndarray, " pairs"],
    right: Float32[np.ndarray, "right dims"],
    right_rows: Int[np.ndarray, " pairs"],
) -> Float32[np.ndarray, " pairs"]:
    scores = np.empty(len(left_rows), dtype=np.float32)
    for at in (slice(i, i + _PAIRS) for i in range(0, len(scores), _PAIRS)):
        a, b = left[left_rows[at]].astype(np.float64), right[right_rows[at]].astype(np.float64)
        scores[at] = np.vecdot(a, b)
    return scores
