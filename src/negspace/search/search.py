"""What every search shares: its inputs checked, its blocks laid out, its threads run."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import local
from typing import TypeAlias

import numpy as np
from jaxtyping import Float32, Float64, Int, Int64, Shaped
from threadpoolctl import threadpool_limits

from negspace.errors import DataError, PlanError
from negspace.search.scan import Corpus, Hits, Queries, Tile, best, most_candidates, survivors

__all__ = ["MEMORY", "Flags", "PassedOver", "Progress", "Search", "gathered", "summing_error"]

MEMORY = 256 * 2**20
"""Bytes of working buffers, where nothing else is asked for."""

Progress: TypeAlias = Callable[[int, int], None]
"""Told how many queries are done, and of how many."""

PassedOver: TypeAlias = tuple[Int[np.ndarray, " queries_plus_1"], Int[np.ndarray, " entries"]]

_UNIT = 2.0**-24  # rounding unit of float32
_LARGEST = 1e37  # of a product: far enough from overflow for every sum on the way to it
_CHECKED = 16_384  # rows looked at at once while inputs are checked
_PER_PRODUCT = 56  # bytes where all of a tile survives: its place, its pair, and both again while sorting
_PER_CANDIDATE = 64  # bytes of a pair that waits: itself, itself sorted, its order, its score


@dataclass(frozen=True, eq=False)
class Search:
    """A checked search: what `top_k` and its faster sibling share."""

    queries: Float32[np.ndarray, "queries dims"]
    corpus: Corpus
    k: int
    labels: Int[np.ndarray, " queries"] | None
    passed_over: PassedOver | None
    ceiling: Float32[np.ndarray, " queries"] | None
    memory: int
    workers: int

    @staticmethod
    def checked(
        queries: Float32[np.ndarray, "queries dims"],
        corpus: Float32[np.ndarray, "corpus dims"],
        k: int,
        query_labels: Int[np.ndarray, " queries"] | None,
        corpus_labels: Int[np.ndarray, " corpus"] | None,
        passed_over: PassedOver | None,
        ceiling: Float32[np.ndarray, " queries"] | None,
        memory: int,
        workers: int,
    ) -> Search:
        """Refuse what cannot be searched, and order the corpus."""
        for name, asked in (("k", k), ("workers", workers), ("memory", memory)):
            if asked < 1:
                raise PlanError(f"{name} must be at least 1", got=asked, hint=f"give a positive {name}")
        _same_dims(queries, corpus)
        norms = _largest_norm("queries", queries), _largest_norm("corpus", corpus)
        if norms[0] * norms[1] > _LARGEST:
            raise DataError(
                "products of queries and corpus do not fit float32",
                got=f"largest norms {norms[0]:.3g} and {norms[1]:.3g}",
                hint="scale the vectors to unit length",
            )
        _fits("query_labels", query_labels, len(queries), "queries")
        _fits("corpus_labels", corpus_labels, len(corpus), "rows of the corpus")
        if (query_labels is None) != (corpus_labels is None):
            raise PlanError(
                "labels are given for one side only",
                got="query_labels" if corpus_labels is None else "corpus_labels",
                hint="give both query_labels and corpus_labels, or neither",
            )
        _fits("ceiling", ceiling, len(queries), "queries")
        if ceiling is not None and np.isnan(ceiling).any():
            raise DataError("ceiling holds NaN", hint="give inf where a query has no ceiling")
        _check_passed_over(passed_over, len(queries), len(corpus))
        searched = _ordered(corpus, corpus_labels, norms[1])
        return Search(queries, searched, k, query_labels, passed_over, ceiling, memory, workers)

    @property
    def shape(self) -> tuple[int, int]:
        """Queries and corpus rows of a tile: as large as memory allows, up to where speed stops growing."""
        share = self.memory // self.workers
        dims = self.corpus.vectors.shape[1]
        rows, width = 1024, 2048
        while (rows, width) > (1, 64):
            products, candidates = rows * width, rows * most_candidates(self.k)
            held = products * _PER_PRODUCT + candidates * _PER_CANDIDATE + (width + 3 * rows) * dims * 4
            if held <= share:
                break
            rows, width = (rows // 2, width) if 2 * rows > width or width == 64 else (rows, width // 2)
        return rows, width

    def run(
        self, tile: Callable[[int, int], Tile], progress: Progress | None = None
    ) -> Iterator[tuple[slice, Hits]]:
        """Yield the hits of each block of queries, computed by threads that each hold one tile."""
        size, width = self.shape
        total = len(self.queries)
        size = max(1, min(size, -(-total // self.workers)))  # so that few queries still occupy all workers
        own = local()
        inverse = None if self.corpus.order is None else np.argsort(self.corpus.order)

        def one(at: slice) -> Hits:
            if not hasattr(own, "tile"):
                own.tile = tile(size, width)
            return best(own.tile, self._block(at, inverse), self.corpus, self.k)

        blocks = [slice(i, min(i + size, total)) for i in range(0, total, size)]
        ahead: deque[tuple[slice, Future[Hits]]] = deque()
        with threadpool_limits(1), ThreadPoolExecutor(self.workers) as pool:
            try:
                for at in blocks:
                    ahead.append((at, pool.submit(one, at)))
                    if len(ahead) > 2 * self.workers:
                        yield _next(ahead, total, progress)
                while ahead:
                    yield _next(ahead, total, progress)
            finally:
                for _, future in ahead:
                    future.cancel()

    def _block(self, at: slice, inverse: Int[np.ndarray, " corpus"] | None) -> Queries:
        vectors = np.ascontiguousarray(self.queries[at])
        rows = columns = np.empty(0, dtype=np.int64)
        if self.passed_over is not None:
            pointers, entries = self.passed_over
            pointers = pointers[at.start : at.stop + 1]
            rows = np.repeat(np.arange(len(vectors)), np.diff(pointers))
            columns = entries[pointers[0] : pointers[-1]]
            columns = columns if inverse is None else inverse[columns]
            order = np.argsort(columns, kind="stable")
            rows, columns = rows[order], columns[order]
        return Queries(
            vectors,
            None if self.labels is None else self.labels[at],
            (rows, columns),
            None if self.ceiling is None else self.ceiling[at],
        )


def gathered(blocks: Iterator[tuple[slice, Hits]], queries: int, k: int) -> Hits:
    """Lay blocks of hits under each other."""
    rows = np.full((queries, k), -1, dtype=np.int32)
    scores = np.full((queries, k), -np.inf, dtype=np.float32)
    for at, hits in blocks:
        rows[at], scores[at] = hits.rows, hits.scores
    return Hits(rows, scores)


class Flags:
    """Which products of a tile are in a range: two buffers, and the search for the few that are."""

    def __init__(self, size: int) -> None:
        # Whole stretches of 64 for `survivors`; what is past the tile stays False.
        self._low, self._high = np.zeros((2, -(-size // 64) * 64), dtype=np.bool_)

    def within(
        self,
        tile: Shaped[np.ndarray, "block n"],
        floor: Shaped[np.ndarray, " block"],
        ceiling: Shaped[np.ndarray, " block"] | None,
    ) -> Int64[np.ndarray, " found"]:
        """Flat positions where ``floor <= tile <= ceiling``, row by row."""
        end = -(-tile.size // 64) * 64
        self._low[tile.size : end] = False
        np.greater_equal(tile, floor[:, None], out=self._low[: tile.size].reshape(tile.shape))
        if ceiling is not None:
            np.less_equal(tile, ceiling[:, None], out=self._high[: tile.size].reshape(tile.shape))
            self._low[: tile.size] &= self._high[: tile.size]
        return survivors(self._low[:end])


def summing_error(size: Float64[np.ndarray, " block"], dims: int) -> Float32[np.ndarray, " block"]:
    """Bound the error of a float32 product of ``dims`` terms summed in any order, and of a score's rounding.

    |fl(x·y) - x·y| <= n u / (1 - n u) |x|·|y| (Higham 2002, eq. 3.5), and |x|·|y| <= ‖x‖ ‖y‖.

    Args:
        size: ‖x‖ ‖y‖, or more.
        dims: Number of terms.

    Returns:
        The bound, rounded up.
    """
    n = (dims + 8) * _UNIT
    bound = size * (1.01 * n / (1 - n)) + dims * float(np.finfo(np.float32).tiny)
    return np.nextafter(bound.astype(np.float32), np.float32(np.inf))


def _next(
    ahead: deque[tuple[slice, Future[Hits]]], total: int, progress: Progress | None
) -> tuple[slice, Hits]:
    at, future = ahead.popleft()
    hits = future.result()
    if progress is not None:
        progress(at.stop, total)
    return at, hits


def _ordered(
    corpus: Float32[np.ndarray, "corpus dims"], labels: Int[np.ndarray, " corpus"] | None, norm: float
) -> Corpus:
    nothing = np.empty(0, dtype=np.int64)
    if labels is None:
        return Corpus(corpus, None, nothing, nothing, norm)
    # Rows of a label stand together, so that passing them over is a few slices of a tile.
    order = np.argsort(labels, kind="stable")
    names, starts = np.unique(labels[order], return_index=True)
    unmoved = bool(np.all(np.diff(order) > 0))
    return Corpus(corpus, None if unmoved else order, np.append(starts, len(order)), names, norm)


def _same_dims(queries: np.ndarray, corpus: np.ndarray) -> None:
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


def _fits(name: str, values: np.ndarray | None, rows: int, of: str) -> None:
    if values is not None and values.shape != (rows,):
        raise DataError(
            f"{name} does not fit the {of}", got=f"shape {values.shape}", hint=f"give {rows} values, one each"
        )


def _check_passed_over(passed_over: PassedOver | None, queries: int, corpus: int) -> None:
    if passed_over is None:
        return
    pointers, entries = passed_over
    right = pointers.shape == (queries + 1,) and pointers[0] == 0 and pointers[-1] == len(entries)
    if not right or (np.diff(pointers) < 0).any():
        raise DataError(
            "passed_over is no (indptr, indices) of the queries",
            got=f"{len(pointers)} pointers, {len(entries)} entries, {queries} queries",
            hint="give indptr of queries + 1 ascending values from 0 to len(indices)",
        )
    if len(entries) and (entries.min() < 0 or entries.max() >= corpus):
        raise DataError(
            "passed_over names rows that the corpus does not have",
            got=f"rows {entries.min()} to {entries.max()}; the corpus has {corpus}",
            hint="give positions in the corpus",
        )
