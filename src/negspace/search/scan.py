"""One pass of a block of queries over a corpus, with cheap products first and exact scores last.

A *tile* multiplies a block of queries with a block of the corpus, quickly and not quite exactly, and
knows how wrong it can be. With ``error`` the bound on |product - true product|, a row whose product is
lower than the k-th best product so far by more than twice that bound cannot be among the k best: all
others are kept, scored again one by one, and only then ranked. So the answer depends neither on the
tile (float32 or half precision), nor on the shape of the blocks, nor on the number of threads.

The *score* of a pair is its product summed in float64 and rounded once to float32. Equal scores are
ordered by position in the corpus, lowest first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int, Int32, Int64, Shaped, UInt64

__all__ = ["Corpus", "Hits", "Queries", "Tile", "best", "most_candidates", "survivors"]

LOWEST = np.float32(-3e38)  # under every product: inputs are refused whose products could reach it
_PAIRS = 512  # scored at once: their vectors stay in a core's cache
_FOLDED = 8


@dataclass(frozen=True, eq=False)
class Hits:
    """The best rows of a corpus for some queries.

    Attributes:
        rows: Positions in the corpus, best first; -1 where there are no more.
        scores: Products of the query and these rows; -inf where ``rows`` is -1.
    """

    rows: Int32[np.ndarray, "queries k"]
    scores: Float32[np.ndarray, "queries k"]

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, eq=False)
class Corpus:
    """The rows searched, in the order in which they are passed: by label where labels are given.

    Attributes:
        vectors: In the order of the source.
        order: Position in ``vectors`` of each row in the order passed, or None where that is the same.
        starts: First row, in the order passed, of each label, and the end; empty without labels.
        labels: Distinct labels, sorted; empty without labels.
        norm: The largest norm of a row.
    """

    vectors: Float32[np.ndarray, "corpus dims"]
    order: Int[np.ndarray, " corpus"] | None
    starts: Int[np.ndarray, " labels_plus_1"]
    labels: Int[np.ndarray, " labels"]
    norm: float

    def __len__(self) -> int:
        return len(self.vectors)

    def source(self, passed: Int[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
        """Positions in ``vectors`` of rows in the order passed."""
        return passed if self.order is None else self.order[passed]

    def block(self, start: int, stop: int) -> Float32[np.ndarray, "n dims"]:
        """Vectors of consecutive rows in the order passed."""
        if self.order is None:
            return np.asarray(self.vectors[start:stop])
        return np.asarray(self.vectors[self.order[start:stop]])


@dataclass(frozen=True, eq=False)
class Queries:
    """A block of queries, and what must not be returned for each.

    Attributes:
        vectors: Of the block.
        labels: Labels of the queries, or None.
        struck: Pairs never returned: row of the block and position in the order the corpus is passed,
            sorted by the latter.
        ceiling: Scores above it are passed over; None for no limit.
    """

    vectors: Float32[np.ndarray, "block dims"]
    labels: Int[np.ndarray, " block"] | None
    struck: tuple[Int[np.ndarray, " struck"], Int[np.ndarray, " struck"]]
    ceiling: Float32[np.ndarray, " block"] | None

    def __len__(self) -> int:
        return len(self.vectors)


@runtime_checkable
class Tile(Protocol):
    """Products of a block of queries with blocks of the corpus, in a buffer used again and again."""

    @property
    def width(self) -> int:
        """Rows of the corpus it takes at once."""
        ...

    @property
    def rounding(self) -> float:
        """Largest relative error of storing a product."""
        ...

    def load(self, queries: Float32[np.ndarray, "block dims"]) -> Float32[np.ndarray, " block"]:
        """Take in queries; returns the error bound of each one's products before they are stored."""
        ...

    def multiply(self, start: int, stop: int) -> None:
        """Fill the buffer with products with rows ``[start, stop)`` of the corpus in the order passed."""
        ...

    def strike(self, rows: Int[np.ndarray, " n"], columns: Int[np.ndarray, " n"] | slice) -> None:
        """Set products to -inf: pair by pair, or a range of columns for all these rows."""
        ...

    def kth(self, k: int) -> Float32[np.ndarray, " block"]:
        """The k-th largest product of each query."""
        ...

    def within(
        self, floor: Float32[np.ndarray, " block"], ceiling: Float32[np.ndarray, " block"] | None
    ) -> Int64[np.ndarray, " found"]:
        """Flat positions of the products in ``[floor, ceiling]``, ascending."""
        ...

    def values(self, flat: Int64[np.ndarray, " found"]) -> Float32[np.ndarray, " found"]:
        """The products at flat positions."""
        ...


def most_candidates(k: int) -> int:
    """Candidates of a query that are held at once, but for those of the last tile."""
    return _crowd(k) + _crowd(k) // 2


def _crowd(k: int) -> int:
    return 4 * k + 64


def survivors(flags: Bool[np.ndarray, " n"]) -> Int64[np.ndarray, " found"]:
    """Positions of the few True among many, ascending; ``len(flags)`` must be a multiple of 64.

    Eight stretches of words are laid over each other first, so that most of the reading is one
    vectorised OR and not a search.
    """
    words: UInt64[np.ndarray, " words"] = flags.view(np.uint64)
    folded = words
    while len(folded) > len(words) // _FOLDED:
        half = len(folded) // 2
        folded = folded[:half] | folded[half:]
    hit = np.flatnonzero(folded)
    if len(hit) * 4 > len(folded):  # many, and the detour does not pay
        return np.flatnonzero(flags)
    spread = (np.arange(_FOLDED)[:, None] * len(folded) + hit).ravel()
    spread = spread[words[spread] != 0]
    word, byte = np.nonzero(flags.reshape(-1, 8)[spread])
    return np.asarray(spread[word] * 8 + byte)


def best(tile: Tile, queries: Queries, corpus: Corpus, k: int) -> Hits:
    """Find the k best rows for a block of queries.

    Args:
        tile: What multiplies; one thread's own.
        queries: The block.
        corpus: The rows searched.
        k: How many.

    Returns:
        The hits of the block.
    """
    found = _Candidates(tile, queries, corpus, k)
    merge_at = 0
    for start in range(0, len(corpus), tile.width):
        stop = min(start + tile.width, len(corpus))
        tile.multiply(start, stop)
        _strike(tile, queries, corpus, start, stop)
        found.take(start, stop)
        # The k-th best rises with the logarithm of the rows seen, so it is looked at after twice as many.
        if stop >= merge_at or found.crowded:
            found.merge()
            merge_at = 2 * stop
    return found.hits()


def _strike(tile: Tile, queries: Queries, corpus: Corpus, start: int, stop: int) -> None:
    if queries.labels is not None and len(corpus.labels):
        first = np.searchsorted(corpus.starts, start, side="right") - 1
        last = np.searchsorted(corpus.starts, stop, side="left")
        here = corpus.labels[first:last]
        for at in np.flatnonzero(np.isin(here, queries.labels)) + first:
            rows = np.flatnonzero(queries.labels == corpus.labels[at])
            left, right = max(corpus.starts[at], start), min(corpus.starts[at + 1], stop)
            tile.strike(rows, slice(int(left - start), int(right - start)))
    rows, columns = queries.struck
    left, right = np.searchsorted(columns, (start, stop))
    if right > left:
        tile.strike(rows[left:right], columns[left:right] - start)


class _Candidates:
    """Pairs that may yet be among the best, and the floor under which none can be."""

    def __init__(self, tile: Tile, queries: Queries, corpus: Corpus, k: int) -> None:
        self.tile, self.queries, self.corpus, self.k = tile, queries, corpus, k
        self.error = tile.load(queries.vectors)
        self.floor = np.full(len(queries), LOWEST, dtype=np.float32)
        # What is above by more than the error is surely passed over, what is below by more surely not.
        ceiling = queries.ceiling
        self.surely_over = None if ceiling is None else self._widened(ceiling, 1)
        self.surely_under = None if ceiling is None else self._widened(ceiling, -1)
        self.vectors: Float64[np.ndarray, "block dims"] = queries.vectors.astype(np.float64)
        # A query of zeros is equally far from everything: all of the corpus ties, and needs no product.
        self.nonzero: Bool[np.ndarray, " block"] = np.asarray(self.vectors.any(axis=1))
        self.pending: list[_Pairs] = []
        self.waiting = 0

    def _widened(self, bound: Float32[np.ndarray, " block"], sign: int) -> Float32[np.ndarray, " block"]:
        slack = self.error + np.float32(self.tile.rounding) * np.abs(bound)
        with np.errstate(invalid="ignore"):
            moved = bound + np.float32(sign) * slack
        return np.where(np.isfinite(bound), moved, bound).astype(np.float32)

    @property
    def crowded(self) -> bool:
        return self.waiting > len(self.queries) * _crowd(self.k) // 2

    def take(self, start: int, stop: int) -> None:
        """Note the products of a filled tile that reach the floor."""
        width = stop - start
        if start == 0 and self.surely_over is None and self.k < width:
            self.floor = self._floor_under(self.tile.kth(self.k))
        flat = self.tile.within(self.floor, self.surely_over)
        if len(flat):
            row, column = (part.astype(np.int32) for part in np.divmod(flat, width))
            self.pending.append(_Pairs(row, column + np.int32(start), self.tile.values(flat)))
            self.waiting += len(flat)

    def _floor_under(self, kth: Float32[np.ndarray, " block"]) -> Float32[np.ndarray, " block"]:
        # Twice the error: the k-th best may be truly lower by one, the row compared truly higher by one.
        # Both were rounded when stored, and by comparing with a rounded floor a third time.
        kth = np.maximum(kth, LOWEST)  # -inf where fewer than k may be returned
        lower = kth - 2 * self.error - np.float32(2.01 * self.tile.rounding) * np.abs(kth)
        return np.asarray(np.maximum(lower, LOWEST), dtype=np.float32)

    def merge(self) -> None:
        """Raise the floor to what was found, and drop what fell under it."""
        if not self.pending:
            return
        pairs = _Pairs.joined(self.pending, len(self.queries))
        counts = np.bincount(pairs.row, minlength=len(self.queries))
        # Rows with many equals would keep them all; for those, exact scores decide here and now.
        many = counts > _crowd(self.k)
        if many.any():
            pairs = self._thinned(pairs, many)
            counts = np.bincount(pairs.row, minlength=len(self.queries))
        sure = pairs.product
        if self.surely_under is not None:
            sure = np.where(sure <= self.surely_under[pairs.row], sure, -np.inf).astype(np.float32)
        widest = int(counts.max(initial=0))
        if widest >= self.k:
            starts = np.cumsum(counts) - counts
            dense = np.full((len(counts), widest), -np.inf, dtype=np.float32)
            dense[pairs.row, np.arange(len(sure)) - starts[pairs.row]] = sure
            kth = np.partition(dense, widest - self.k, axis=1)[:, widest - self.k]
            self.floor = np.maximum(self.floor, self._floor_under(kth))
            pairs = pairs.of(pairs.product >= self.floor[pairs.row])
        self.pending, self.waiting = [pairs], 0

    def _thinned(self, pairs: _Pairs, many: Bool[np.ndarray, " block"]) -> _Pairs:
        crowd = many[pairs.row]
        kept, (scores, source) = pairs.of(crowd), self._exact(pairs.of(crowd))
        if self.queries.ceiling is not None:
            scores = np.where(scores <= self.queries.ceiling[kept.row], scores, np.float32(-np.inf))
        order = np.lexsort((source, -scores, kept.row))
        top = order[_rank(kept.row[order]) < self.k]
        top = top[np.isfinite(scores[top])]
        best_of = _Pairs(kept.row[top], kept.passed[top], scores[top])
        return _Pairs.joined([pairs.of(~crowd), best_of], len(self.queries))

    def _exact(self, pairs: _Pairs) -> tuple[Float32[np.ndarray, " n"], Int[np.ndarray, " n"]]:
        source = self.corpus.source(pairs.passed)
        scores = np.zeros(len(source), dtype=np.float64)
        todo = np.flatnonzero(self.nonzero[pairs.row])
        for at in (todo[i : i + _PAIRS] for i in range(0, len(todo), _PAIRS)):
            corpus: Float64[np.ndarray, "n dims"] = self.corpus.vectors[source[at]].astype(np.float64)
            # One dot product a pair, whatever else is in the batch.
            scores[at] = np.vecdot(self.vectors[pairs.row[at]], corpus)
        return scores.astype(np.float32), source

    def hits(self) -> Hits:
        """Score what is left exactly, and rank it."""
        self.merge()
        rows = np.full((len(self.queries), self.k), -1, dtype=np.int32)
        scores = np.full((len(self.queries), self.k), -np.inf, dtype=np.float32)
        if self.pending:
            pairs = self.pending[0]
            exact, source = self._exact(pairs)
            if self.queries.ceiling is not None:
                allowed = np.flatnonzero(exact <= self.queries.ceiling[pairs.row])
                pairs, exact, source = pairs.of(allowed), exact[allowed], source[allowed]
            order = np.lexsort((source, -exact, pairs.row))
            rank = _rank(pairs.row[order])
            top = rank < self.k
            order, rank = order[top], rank[top]
            rows[pairs.row[order], rank] = source[order]
            scores[pairs.row[order], rank] = exact[order]
        return Hits(rows, scores)


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Pairs of a query of the block and a row of the corpus (in the order passed), sorted by query."""

    row: Int[np.ndarray, " n"]
    passed: Int[np.ndarray, " n"]
    product: Float32[np.ndarray, " n"]

    def of(self, which: Shaped[np.ndarray, " any"]) -> _Pairs:
        return _Pairs(self.row[which], self.passed[which], self.product[which])

    @staticmethod
    def joined(parts: list[_Pairs], queries: int) -> _Pairs:
        if len(parts) == 1:
            return parts[0]
        row = np.concatenate([p.row for p in parts])
        # The narrowest integers: NumPy sorts those of 16 bits by radix, in linear time.
        order = np.argsort(row.astype(np.min_scalar_type(queries)), kind="stable")
        passed = np.concatenate([p.passed for p in parts])
        return _Pairs(row[order], passed[order], np.concatenate([p.product for p in parts])[order])


def _rank(row: Int[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """Place of each entry among those of its row, for entries sorted by row."""
    first = np.flatnonzero(np.diff(row, prepend=-1))
    return np.arange(len(row)) - np.repeat(first, np.diff(first, append=len(row)))
