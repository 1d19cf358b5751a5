"""The same nearest rows, found in half precision: several times faster where the processor multiplies it.

The corpus is scanned with bfloat16 products (PyTorch); what may be among the best is scored again in
full precision and ranked by that. How far a bfloat16 product can be off is known for each query
from what rounding took from the vectors (Cauchy-Schwarz):

    |q·c - q'·c'| <= ‖q‖ ‖c - c'‖ + ‖q - q'‖ ‖c'‖

and what it may take for zero, being no normal number, is reckoned besides,
so that nothing that belongs to the answer is dropped: it is that of `top_k`, bit for bit, as long as the
processor sums in float32, which `recall` checks on a sample.

Why no index: on 50,000 vectors of 256 numbers, random or sums of shared words, graph and inverted lists
(FAISS HNSW32, IVF256) reach a recall of 0.3 to 0.8 in more time than the exact product takes, and the one
that reaches 0.99 (PQ128x4fs with refinement) takes about twice that time. On tight clusters HNSW32 reaches
0.98, in twice that time and as much again to build. What is bought by leaving rows out is lost in walking;
what is bought by shorter numbers is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float32, Int, Int16, Int64

from negspace.errors import MissingExtraError, PlanError
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
from negspace.search.topk import top_k

if TYPE_CHECKING:
    import torch

__all__ = ["has_bfloat16_products", "quickest", "recall", "top_k_half", "top_k_half_blocks"]

_ROUNDING = 2.0**-8  # relative: bfloat16 keeps 8 bits, so that half a unit in the last place is 2^-9 or less
_SMALLEST = float(np.finfo(np.float32).tiny)  # normal; that of bfloat16 too
_LOWEST_BITS = np.int16(-129)  # 0xff7f, the lowest finite bfloat16; -inf is 0xff80
_MINUS_INFINITY = np.int16(-128)
_CONVERTED = 16_384  # rows at once
_WORTH_TORCH = 1e11  # multiplications: about as long as PyTorch takes to import


def top_k_half(
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
    """Find the rows of a corpus with the largest products with each query, by bfloat16 products first.

    Everything is as in `top_k`, the scores and their order included. On a processor without bfloat16
    products it works, and is slower than `top_k`: ask `has_bfloat16_products`.

    Args:
        queries: One vector a row.
        corpus: Vectors searched. A copy in bfloat16 (2 bytes a number) is held beside ``memory``.
        k: Hits for each query.
        query_labels: Label of each query; rows of its own label are passed over.
        corpus_labels: Label of each row of the corpus.
        passed_over: Rows never returned for a query, as ``(indptr, indices)``.
        ceiling: For each query, the score above which rows are passed over.
        memory: Bytes of working buffers, all workers together.
        workers: Threads. The result does not depend on it.
        progress: Told after each block of queries.

    Returns:
        The hits of all queries.

    Raises:
        DataError: If vectors or labels do not fit each other, or a vector holds NaN or infinity.
        PlanError: If ``k``, ``memory`` or ``workers`` cannot be used.
        MissingExtraError: Without PyTorch.
    """
    blocks = top_k_half_blocks(
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


def top_k_half_blocks(
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
    """Find what `top_k_half` finds, a block of queries at a time, in their order.

    Returns:
        An iterator over slices of the queries and their hits.

    Raises:
        DataError: If vectors or labels do not fit each other, or a vector holds NaN or infinity.
        PlanError: If ``k``, ``memory`` or ``workers`` cannot be used.
        MissingExtraError: Without PyTorch.
    """
    _torch()
    search = Search.checked(
        queries, corpus, k, query_labels, corpus_labels, passed_over, ceiling, memory, workers
    )
    half = _HalfCorpus(search.corpus)

    def tile(rows: int, width: int) -> Tile:
        return _BFloat16Tile(half, rows, width)

    return search.run(tile, progress)


def quickest(queries: int, corpus: int, dims: int) -> Callable[..., Hits]:
    """Choose between `top_k` and `top_k_half`, which find the same: by processor and size of the work.

    Args:
        queries: Number of queries, over all calls.
        corpus: Rows of the corpus.
        dims: Of the vectors.
    """
    large = float(queries) * corpus * dims > _WORTH_TORCH
    return top_k_half if large and has_bfloat16_products() else top_k


def has_bfloat16_products() -> bool:
    """Say whether this processor multiplies bfloat16 matrices itself, and PyTorch is there to ask it."""
    try:
        torch = _torch()
    except MissingExtraError:
        return False
    known = ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    if any(getattr(torch.cpu, name, bool)() for name in known):
        return True
    features = Path("/proc/cpuinfo")  # where Linux on ARM names the extension
    return features.exists() and " bf16" in features.read_text(encoding="utf-8", errors="replace")


def recall(
    hits: Hits,
    queries: Float32[np.ndarray, "queries dims"],
    corpus: Float32[np.ndarray, "corpus dims"],
    *,
    rng: np.random.Generator,
    sample: int = 1000,
    query_labels: Int[np.ndarray, " queries"] | None = None,
    corpus_labels: Int[np.ndarray, " corpus"] | None = None,
    passed_over: PassedOver | None = None,
    ceiling: Float32[np.ndarray, " queries"] | None = None,
    workers: int = 1,
) -> float:
    """Measure how many of the truly best rows some hits hold, on a sample of the queries.

    Args:
        hits: Of all queries, from any search.
        queries: The queries.
        corpus: The corpus.
        rng: Draws the sample.
        sample: Number of queries searched exactly.
        query_labels: As in the search.
        corpus_labels: As in the search.
        passed_over: As in the search.
        ceiling: As in the search.
        workers: Threads.

    Returns:
        Share of the exact hits of the sampled queries that are among ``hits``; 1 where there are none.

    Raises:
        PlanError: If the sample is empty.
        DataError: If vectors or labels do not fit each other.
    """
    if sample < 1:
        raise PlanError("a sample has at least one query", got=sample, hint="give a positive sample")
    at = np.sort(rng.choice(len(queries), size=min(sample, len(queries)), replace=False))
    if passed_over is not None:
        pointers, entries = passed_over
        parts = [entries[pointers[i] : pointers[i + 1]] for i in at]
        passed_over = np.cumsum([0, *map(len, parts)]), np.concatenate(parts)
    truth = top_k(
        queries[at],
        corpus,
        hits.rows.shape[1],
        query_labels=None if query_labels is None else query_labels[at],
        corpus_labels=corpus_labels,
        passed_over=passed_over,
        ceiling=None if ceiling is None else ceiling[at],
        workers=workers,
    ).rows
    # Pairs as one number each, so that one call compares all rows.
    each = np.arange(len(at))[:, None] * np.int64(len(corpus))
    wanted, had = (each + truth)[truth >= 0], (each + hits.rows[at])[hits.rows[at] >= 0]
    return float(np.isin(wanted, had).mean()) if len(wanted) else 1.0


class _HalfCorpus:
    """A corpus rounded to bfloat16, in the order it is passed, and what rounding took."""

    def __init__(self, corpus: Corpus) -> None:
        torch = _torch()
        rows, dims = corpus.vectors.shape
        self.vectors = torch.empty((rows, dims), dtype=torch.bfloat16)
        self.norm, self.lost = corpus.norm, 0.0
        for start in range(0, rows, _CONVERTED):
            stop = min(start + _CONVERTED, rows)
            rounded, lost = _rounded(corpus.block(start, stop))
            self.vectors[start:stop] = rounded
            self.lost = max(self.lost, float(lost.max()))


class _BFloat16Tile:
    """Products in bfloat16 by PyTorch, compared as the integers that their bits are."""

    rounding = _ROUNDING

    def __init__(self, corpus: _HalfCorpus, rows: int, width: int) -> None:
        torch = _torch()
        # Of the calling thread, one of a pool's: the main thread's setting stays as it is.
        torch.set_num_threads(1)
        self.corpus, self.width = corpus, width
        self._products = torch.empty(rows * width, dtype=torch.bfloat16)
        self._flags = Flags(rows * width)

    def load(self, queries: Float32[np.ndarray, "block dims"]) -> Float32[np.ndarray, " block"]:
        self.queries, lost = _rounded(queries)
        norms = np.linalg.norm(queries.astype(np.float64), axis=1)
        largest = self.corpus.norm + self.corpus.lost
        rounding = (norms * self.corpus.lost + lost * largest) * (1 + 1e-6)
        # Processors take numbers below the smallest normal one for zero: on either side, in any place.
        flushed = np.sqrt(queries.shape[1]) * _SMALLEST * (norms + lost + largest)
        summing = summing_error((norms + lost) * largest, queries.shape[1])
        bound = summing + (rounding + flushed).astype(np.float32)
        return np.asarray(np.nextafter(bound, np.float32(np.inf)))

    def multiply(self, start: int, stop: int) -> None:
        torch = _torch()
        rows = len(self.queries)
        out = self._products[: rows * (stop - start)].view(rows, stop - start)
        torch.mm(self.queries, self.corpus.vectors[start:stop].T, out=out)
        self.bits: Int16[np.ndarray, "block n"] = out.view(torch.int16).numpy()
        self.ordered = False

    def strike(self, rows: Int[np.ndarray, " n"], columns: Int[np.ndarray, " n"] | slice) -> None:
        self.bits[rows, columns] = _MINUS_INFINITY

    def kth(self, k: int) -> Float32[np.ndarray, " block"]:
        self._order()
        at = self.bits.shape[1] - k
        return _floats(_turned(np.partition(self.bits, at, axis=1)[:, at]))

    def within(
        self, floor: Float32[np.ndarray, " block"], ceiling: Float32[np.ndarray, " block"] | None
    ) -> Int64[np.ndarray, " found"]:
        low = np.where(_bits(floor) == _MINUS_INFINITY, _LOWEST_BITS, _bits(floor))
        high = None if ceiling is None else _bits(ceiling)
        # Bits compare as the numbers do where the bound is positive; else they are turned first.
        if self.ordered or (low <= 0).any() or (high is not None and (high <= 0).any()):
            self._order()
            low, high = _turned(low), None if high is None else _turned(high)
        return self._flags.within(self.bits, low, high)

    def values(self, flat: Int64[np.ndarray, " found"]) -> Float32[np.ndarray, " found"]:
        bits = self.bits.reshape(-1)[flat]
        return _floats(_turned(bits) if self.ordered else bits)

    def _order(self) -> None:
        if not self.ordered:
            self.bits[...] = _turned(self.bits)
            self.ordered = True


def _rounded(vectors: Float32[np.ndarray, "n dims"]) -> tuple[torch.Tensor, np.ndarray]:
    """Vectors in bfloat16, and for each the norm of what that took away."""
    torch = _torch()
    full = torch.from_numpy(np.array(vectors))
    rounded = full.bfloat16()
    lost = (full - rounded.float()).numpy()
    return rounded, np.sqrt(np.einsum("ij,ij->i", lost, lost, dtype=np.float64)) * (1 + 1e-6)


def _bits(values: Float32[np.ndarray, " n"]) -> Int16[np.ndarray, " n"]:
    torch = _torch()
    rounded = torch.from_numpy(np.array(values)).bfloat16()
    return np.asarray(rounded.view(torch.int16).numpy())


def _floats(bits: Int16[np.ndarray, " n"]) -> Float32[np.ndarray, " n"]:
    wide = bits.astype(np.uint16).astype(np.uint32) << np.uint32(16)
    return np.asarray(wide.view(np.float32))


def _turned(bits: np.ndarray) -> np.ndarray:
    """Bits of bfloat16 to integers in the numbers' order, and back: below zero, all but the sign flips."""
    return np.asarray(bits ^ ((bits >> np.int16(15)) & np.int16(0x7FFF)))


def _torch() -> ModuleType:
    try:
        return import_module("torch")
    except ImportError as error:
        raise MissingExtraError("half-precision search", "torch") from error
