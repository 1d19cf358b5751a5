"""Exact nearest rows by inner product, block by block, in bounded memory.

A score is the product of two rows, summed in float64 and rounded once to float32; of equal scores the row
that comes first in the corpus comes first. Float32 products of whole blocks choose the candidates: their
error has a proven bound, and whatever the bound does not rule out is scored again, pair by pair. So the
result is the same to the bit for every ``memory`` and ``workers``.

Why no index: on 50,000 vectors of 256 numbers, random or sums of shared words, graphs and inverted lists
(FAISS HNSW32, IVF256) reach a recall of 0.3 to 0.8 in more time than the exact product takes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

import numpy as np
from jaxtyping import Bool, Float32, Int, Int32, Integer, Shaped
from threadpoolctl import threadpool_limits

from negspace.errors import DataError, PlanError
from negspace.execution import run_jobs

MEMORY = 256 * 2**20
"""Default size of the working buffers, in bytes."""

Progress: TypeAlias = Callable[[int, int], None]
"""Called with the number of queries that are done, and of all queries."""

PassedOver: TypeAlias = tuple[Int[np.ndarray, " queries_plus_1"], Int[np.ndarray, " entries"]]

_LOWEST = np.float32(-3e38)  # below every product: inputs whose products could reach it are refused
_LARGEST = 1e37  # product of norms: far enough from overflow for every partial sum
_UNIT = 2.0**-24  # rounding unit of float32
_PAIRS = 512  # scored at once: their vectors stay in a core's cache
_CHECKED = 16_384  # rows read at once while inputs are checked
_PER_PRODUCT, _PER_PAIR = 56, 64  # bytes of a product where all are candidates, and of a pair that waits


@dataclass(frozen=True, eq=False)
class Hits:
    """The best rows of a corpus for some queries."""

    rows: Int32[np.ndarray, "queries k"]  # positions in the corpus, best first; -1 where there are no more
    # products of the query and these rows; -inf where ``rows`` is -1
    scores: Float32[np.ndarray, "queries k"]

    def __len__(self) -> int:
        return len(self.rows)

    @staticmethod
    def none(queries: int, k: int) -> Hits:
        """Arrays to fill in: no row yet, and a score of minus infinity."""
        rows = np.full((queries, k), -1, dtype=np.int32)
        return Hits(rows, np.full((queries, k), -np.inf, dtype=np.float32))


def top_k(
    queries: Float32[np.ndarray, "queries dims"],
    corpus: Float32[np.ndarray, "corpus dims"],
    k: int,
    *,
    query_labels: Int[np.ndarray, " queries"] | None = None,
    corpus_labels: Int[np.ndarray, " corpus"] | None = None,
    passed_over: PassedOver | None = None,
    memory: int = MEMORY,
    workers: int = 1,
    progress: Progress | None = None,
) -> Hits:
    """Find the rows of a corpus with the largest products with each query, exactly.

    Args:
        queries: One vector a row.
        corpus: Vectors searched; a ``numpy.memmap`` is read block by block.
        k: Hits for each query. Where fewer rows are left, the rest is padded.
        query_labels: Label of each query; rows of its own label are passed over. Given together with
            ``corpus_labels``.
        corpus_labels: Label of each row of the corpus.
        passed_over: Rows never returned for a query (its positives, itself), as ``(indptr, indices)``:
            those of query i are ``indices[indptr[i]:indptr[i + 1]]``.
        memory: Bytes of working buffers, all workers together, in the worst case that every product is a
            candidate. Inputs, hits and 32 bytes a label come on top.
        workers: Threads, each with one BLAS thread.
        progress: Called after each block of queries.

    Returns:
        The hits of all queries.

    Raises:
        DataError: If vectors or labels do not fit each other, or a vector holds NaN or infinity.
        PlanError: If ``k``, ``memory`` or ``workers`` cannot be used.
    """
    for name, asked in (("k", k), ("workers", workers), ("memory", memory)):
        if asked < 1:
            raise PlanError(f"{name} must be at least 1", got=asked, hint=f"give a positive {name}")
    norm = _check(queries, corpus, query_labels, corpus_labels, passed_over)
    labels = None
    if query_labels is not None and corpus_labels is not None:
        names, codes = np.unique(np.concatenate([query_labels, corpus_labels]), return_inverse=True)
        codes = codes.astype(np.min_scalar_type(len(names)))  # narrow ones compare several times faster
        labels = codes[: len(queries)], codes[len(queries) :]
    rows, width = _block_shape(memory // workers, corpus.shape[1], k)
    rows = max(1, min(rows, -(-len(queries) // workers)))  # so that few queries still occupy all workers

    hits = Hits.none(len(queries), k)

    def search(at: slice) -> None:
        block = _Block(queries[at], corpus, k, norm)
        if labels is not None:
            block.labels = labels[0][at], labels[1]
        if passed_over is not None:
            pointers, entries = passed_over[0][at.start : at.stop + 1], passed_over[1]
            columns = entries[pointers[0] : pointers[-1]]
            order = np.argsort(columns, kind="stable")
            block.struck = np.repeat(np.arange(len(block)), np.diff(pointers))[order], columns[order]
        found = block.search(width)
        hits.rows[at], hits.scores[at] = found.rows, found.scores

    blocks = [slice(i, min(i + rows, len(queries))) for i in range(0, len(queries), rows)]
    with threadpool_limits(1):
        jobs = ((at,) for at in blocks)
        done = run_jobs(search, jobs, workers=workers, threads=True, in_order=True)
        for at, _ in zip(blocks, done, strict=True):
            if progress is not None:
                progress(at.stop, len(queries))
    return hits


def pair_scores(
    left: Float32[np.ndarray, "left dims"],
    left_rows: Integer[np.ndarray, " pairs"],
    right: Float32[np.ndarray, "right dims"],
    right_rows: Integer[np.ndarray, " pairs"],
) -> Float32[np.ndarray, " pairs"]:
    """Score pairs of rows: each product summed in float64 on its own, and rounded to float32."""
    scores = np.empty(len(left_rows), dtype=np.float32)
    for at in (slice(i, i + _PAIRS) for i in range(0, len(scores), _PAIRS)):
        one, other = left[left_rows[at]].astype(np.float64), right[right_rows[at]].astype(np.float64)
        scores[at] = np.vecdot(one, other)
    return scores


class _Pairs(NamedTuple):
    """Pairs of a query of a block and a row of the corpus, sorted by query."""

    row: Int32[np.ndarray, " n"]
    source: Int32[np.ndarray, " n"]
    product: Float32[np.ndarray, " n"]

    def of(self, which: Shaped[np.ndarray, " any"]) -> _Pairs:
        return _Pairs(self.row[which], self.source[which], self.product[which])

    @staticmethod
    def joined(parts: Sequence[_Pairs], queries: int) -> _Pairs:
        whole = _Pairs(*map(np.concatenate, zip(*parts, strict=True)))
        # NumPy sorts the narrowest integers in linear time.
        return whole.of(np.argsort(whole.row.astype(np.min_scalar_type(queries)), kind="stable"))


class _Block:
    """A block of queries, the pairs that may be among the best, and the floor under which none can be."""

    labels: tuple[Integer[np.ndarray, " block"], Integer[np.ndarray, " corpus"]] | None = None
    struck: tuple[Int[np.ndarray, " struck"], Int[np.ndarray, " struck"]] | None = None
    """Pairs never returned: row of the block and row of the corpus, sorted by the latter."""

    def __init__(
        self,
        queries: Float32[np.ndarray, "block dims"],
        corpus: Float32[np.ndarray, "corpus dims"],
        k: int,
        norm: float,
    ) -> None:
        self.queries, self.corpus, self.k = np.ascontiguousarray(queries), corpus, k
        self.floor = np.full(len(queries), _LOWEST, dtype=np.float32)
        self.error = _product_error(
            np.linalg.norm(queries.astype(np.float64), axis=1) * norm, queries.shape[1]
        )
        # A query of zeros scores 0 with the whole corpus, which need not be computed.
        self.nonzero: Bool[np.ndarray, " block"] = np.asarray(queries.any(axis=1))
        self.waiting: list[_Pairs] = []

    def __len__(self) -> int:
        return len(self.queries)

    def search(self, width: int) -> Hits:
        """Go through the corpus, ``width`` rows at a time."""
        buffer = np.empty(len(self) * width, dtype=np.float32)
        merge_at = 0
        for start in range(0, len(self.corpus), width):
            stop = min(start + width, len(self.corpus))
            products = buffer[: len(self) * (stop - start)].reshape(len(self), stop - start)
            np.matmul(self.queries, np.asarray(self.corpus[start:stop]).T, out=products)
            if self.labels is not None:
                same = self.labels[0][:, None] == self.labels[1][None, start:stop]
                np.copyto(products, -np.inf, where=same)
            if self.struck is not None:
                rows, columns = self.struck
                here = slice(*np.searchsorted(columns, (start, stop)))
                products[rows[here], columns[here] - start] = -np.inf
            self._take(products, start)
            # The k-th best rises with the logarithm of the rows seen: look at it after twice as many.
            if stop >= merge_at or sum(len(each.row) for each in self.waiting) > len(self) * _crowd(self.k):
                self._merge()
                merge_at = 2 * stop
        self._merge()
        hits = Hits.none(len(self), self.k)
        for pairs in self.waiting:
            best, rank = self._best_of(pairs)
            hits.rows[best.row, rank], hits.scores[best.row, rank] = best.source, best.product
        return hits

    def _take(self, products: Float32[np.ndarray, "block width"], start: int) -> None:
        """Keep the pairs that reach the floor."""
        width = products.shape[1]
        new = np.flatnonzero(self.floor <= _LOWEST)
        if len(new) and self.k <= width:
            at = width - self.k
            self._raise_floor(new, np.partition(products[new], at, axis=1)[:, at])
        flat = np.flatnonzero(products >= self.floor[:, None])
        if len(flat):
            row, column = (part.astype(np.int32) for part in np.divmod(flat, width))
            self.waiting.append(_Pairs(row, column + np.int32(start), products.reshape(-1)[flat]))

    def _merge(self) -> None:
        """Raise the floor to what was found, and drop what is below it."""
        if not self.waiting:
            return
        pairs = _Pairs.joined(self.waiting, len(self))
        counts = np.bincount(pairs.row, minlength=len(self))
        # A query with many equals would keep them all: exact scores decide here and now.
        crowded = counts[pairs.row] > _crowd(self.k)
        if crowded.any():
            pairs = _Pairs.joined([pairs.of(~crowded), self._best_of(pairs.of(crowded))[0]], len(self))
            counts = np.bincount(pairs.row, minlength=len(self))
        widest = int(counts.max(initial=0))
        if widest >= self.k:
            dense = np.full((len(self), widest), -np.inf, dtype=np.float32)
            dense[pairs.row, _place(pairs.row)] = pairs.product
            dense.partition(widest - self.k, axis=1)
            self._raise_floor(np.arange(len(self)), dense[:, widest - self.k])
            pairs = pairs.of(pairs.product >= self.floor[pairs.row])
        self.waiting = [pairs]

    def _best_of(self, pairs: _Pairs) -> tuple[_Pairs, Int[np.ndarray, " best"]]:
        """The k best pairs of each query, scored exactly, and their ranks."""
        score = np.zeros(len(pairs.row), dtype=np.float32)
        todo = np.flatnonzero(self.nonzero[pairs.row])
        score[todo] = pair_scores(self.queries, pairs.row[todo], self.corpus, pairs.source[todo])
        pairs = pairs._replace(product=score)
        pairs = pairs.of(np.lexsort((pairs.source, -pairs.product, pairs.row)))
        rank = _place(pairs.row)
        best = rank < self.k
        return pairs.of(best), rank[best]

    def _raise_floor(self, rows: Int[np.ndarray, " n"], kth: Float32[np.ndarray, " n"]) -> None:
        # Twice the error: the k-th best may be truly lower by one, another product truly higher by one.
        lower = np.maximum(kth, _LOWEST) - 2 * self.error[rows]
        self.floor[rows] = np.maximum(self.floor[rows], lower)


def _crowd(k: int) -> int:
    """Pairs of a query that wait unscored, at most."""
    return 4 * k + 64


def _place(row: Int32[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """Place of each entry among those of its row, for entries sorted by row."""
    first = np.flatnonzero(np.diff(row, prepend=-1))
    return np.arange(len(row)) - np.repeat(first, np.diff(first, append=len(row)))


def _block_shape(memory: int, dims: int, k: int) -> tuple[int, int]:
    """Queries and corpus rows multiplied at once: as memory allows, up to where speed stops growing."""
    rows, width = 1024, 2048
    while (rows, width) > (1, 64):
        held = rows * (width * _PER_PRODUCT + 2 * _crowd(k) * _PER_PAIR) + (width + 3 * rows) * dims * 4
        if held <= memory:
            break
        rows, width = (rows // 2, width) if 2 * rows > width or width == 64 else (rows, width // 2)
    return rows, width


def _product_error(size: np.ndarray, dims: int) -> Float32[np.ndarray, " block"]:
    """Bound the error of a float32 product of ``dims`` terms summed in any order, and of a score's rounding.

    |fl(x·y) - x·y| <= n u / (1 - n u) |x|·|y| (Higham 2002, eq. 3.5), and |x|·|y| <= ‖x‖ ‖y‖, the ``size``.
    """
    n = (dims + 8) * _UNIT
    bound = size * (1.01 * n / (1 - n)) + dims * float(np.finfo(np.float32).tiny)
    return np.nextafter(bound.astype(np.float32), np.float32(np.inf))


def _check(
    queries: np.ndarray,
    corpus: np.ndarray,
    query_labels: np.ndarray | None,
    corpus_labels: np.ndarray | None,
    passed_over: tuple[np.ndarray, np.ndarray] | None,
) -> float:
    """Refuse what cannot be searched; returns the largest norm of the corpus."""
    for name, vectors in (("queries", queries), ("corpus", corpus)):
        if vectors.ndim != 2 or vectors.dtype != np.float32:
            raise DataError(
                f"{name} must be a float32 matrix, one vector a row",
                got=f"{vectors.dtype}, shape {vectors.shape}",
                hint=f"convert it: {name}.astype(numpy.float32)",
            )
    if queries.shape[1] != corpus.shape[1]:
        raise DataError(
            "queries and corpus have vectors of different lengths",
            got=f"{queries.shape[1]} and {corpus.shape[1]}",
            hint="embed both with one model",
        )
    if len(corpus) > np.iinfo(np.int32).max:
        raise DataError("the corpus has too many rows", got=len(corpus), hint="search it in parts")
    norms = _largest_norm("queries", queries), _largest_norm("corpus", corpus)
    if norms[0] * norms[1] > _LARGEST:
        raise DataError(
            "products of queries and corpus do not fit float32",
            got=f"largest norms {norms[0]:.3g} and {norms[1]:.3g}",
            hint="scale the vectors to unit length",
        )
    for name, values, side, rows in (
        ("query_labels", query_labels, "queries", len(queries)),
        ("corpus_labels", corpus_labels, "rows of the corpus", len(corpus)),
    ):
        if values is not None and values.shape != (rows,):
            got, hint = f"shape {values.shape}", f"give {rows} values, one each"
            raise DataError(f"{name} does not fit the {side}", got=got, hint=hint)
    if (query_labels is None) != (corpus_labels is None):
        raise PlanError(
            "labels are given for one side only",
            got="query_labels" if corpus_labels is None else "corpus_labels",
            hint="give both query_labels and corpus_labels, or neither",
        )
    if passed_over is not None:
        pointers, entries = passed_over
        right = pointers.shape == (len(queries) + 1,) and pointers[0] == 0 and pointers[-1] == len(entries)
        if not right or (np.diff(pointers) < 0).any():
            raise DataError(
                "passed_over is no (indptr, indices) of the queries",
                got=f"{len(pointers)} pointers, {len(entries)} entries, {len(queries)} queries",
                hint="give indptr of queries + 1 ascending values from 0 to len(indices)",
            )
        if len(entries) and (entries.min() < 0 or entries.max() >= len(corpus)):
            raise DataError(
                "passed_over names rows that the corpus does not have",
                got=f"rows {entries.min()} to {entries.max()}; the corpus has {len(corpus)}",
                hint="give positions in the corpus",
            )
    return norms[1]


def _largest_norm(name: str, vectors: Float32[np.ndarray, "rows dims"]) -> float:
    largest = 0.0
    for start in range(0, len(vectors), _CHECKED):
        block = np.asarray(vectors[start : start + _CHECKED])
        if not np.isfinite(block).all():
            row = start + int(np.flatnonzero(~np.isfinite(block).all(axis=1))[0])
            raise DataError(
                f"{name}, row {row}: a vector holds NaN or infinity",
                got=f"{int((~np.isfinite(vectors[row])).sum())} of {vectors.shape[1]} numbers",
                hint="embed the row again, or leave it out",
            )
        squares = np.einsum("ij,ij->i", block, block, dtype=np.float64)
        largest = max(largest, float(squares.max(initial=0.0)))
    return float(np.sqrt(largest) * (1 + 1e-12))
