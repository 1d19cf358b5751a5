"""Which rows to rewrite to another label, where a pool has no near misses to choose."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import csc_matrix, csr_matrix

from negspace.curation.strategies import (
    RowPool,
    Strategy,
    checked,
    highest,
    k_centre,
    label_quotas,
    random_rows,
)
from negspace.errors import PlanError
from negspace.search import nearest_across

_NEAREST = 10  # rows that decide how central a row is
_COVERED = 100  # rows that one row can cover


@dataclass(frozen=True, eq=False)
class Worklist:
    """Rows of a pool to rewrite, most wanted first.

    Attributes:
        rows: Positions in the pool.
        reasons: Why each was chosen, in words.
        proposed: Position in ``label_names`` of the label to rewrite each to: the most probable other one.
        nearest: The nearest row of that label, as a position in the pool; -1 where none shares a word.
        distance: Its cosine distance; 1 where ``nearest`` is -1.
    """

    rows: Int[np.ndarray, " k"]
    reasons: tuple[str, ...]
    proposed: Int[np.ndarray, " k"]
    nearest: Int[np.ndarray, " k"]
    distance: Float[np.ndarray, " k"]

    def __len__(self) -> int:
        return len(self.rows)


@checked
def uncertain(pool: RowPool, k: int, rng: np.random.Generator) -> Int[np.ndarray, " chosen"]:
    """Take the rows of the least margin between the two most probable labels (Scheffer et al. 2001)."""
    return highest(1.0 - _margin(pool.probabilities), k, rng)


@checked
def certain(pool: RowPool, k: int, rng: np.random.Generator) -> Int[np.ndarray, " chosen"]:
    """Take the rows whose own label is most probable: whatever gives them away, a rewrite keeps it."""
    return highest(pool.probabilities[np.arange(len(pool)), pool.labels], k, rng)


@checked
def central(pool: RowPool, k: int, rng: np.random.Generator) -> Int[np.ndarray, " chosen"]:
    """Take the rows of the highest mean cosine to their 10 nearest rows (density: Settles & Craven 2008)."""
    return highest(_density(pool.embedding), k, rng)


@checked
def coverage(pool: RowPool, k: int, rng: np.random.Generator) -> Int[np.ndarray, " chosen"]:
    """Maximise facility location: the sum over rows of the greatest cosine to a taken row.

    Greedy, and so within 1 - 1/e of the best (Nemhauser et al. 1978). A row counts for the 100 rows nearest
    to it.
    """
    return _facility_location(pool.embedding, np.ones(len(pool)), k, rng)


@checked
def uncertain_coverage(pool: RowPool, k: int, rng: np.random.Generator) -> Int[np.ndarray, " chosen"]:
    """Maximise facility location with each row weighted by its uncertainty, 1 - margin.

    Joins the three wishes: a row taken is like many (central) uncertain rows that nothing taken before is
    like (uncovered). After Wei et al. 2015, who filter by uncertainty where this weights.
    """
    return _facility_location(pool.embedding, 1.0 - _margin(pool.probabilities), k, rng)


@checked
def vocabulary(pool: RowPool, k: int, rng: np.random.Generator) -> Int[np.ndarray, " chosen"]:
    """Maximise the words covered: the sum over words of ``m sqrt(c)`` (feature-based: Wei et al. 2014).

    ``c`` is the word's weight summed over taken rows, ``m`` the same over all rows. Greedy. Long rows have
    more words, and are preferred.
    """
    return _feature_coverage(pool.embedding, np.ones(len(pool)), k, rng)


@checked
def certain_vocabulary(pool: RowPool, k: int, rng: np.random.Generator) -> Int[np.ndarray, " chosen"]:
    """Maximise the words covered, each row counting in proportion to the probability of its own label.

    As `vocabulary`; what a model takes for a sure sign of a label is what a rewrite can show to be none.
    """
    return _feature_coverage(pool.embedding, pool.probabilities[np.arange(len(pool)), pool.labels], k, rng)


def balanced(criterion: Strategy) -> Strategy:
    """Apply a criterion within each label, each label in its share of the pool; labels take turns.

    What a row is like and what it covers is then counted among the rows of its own label.
    """

    @checked
    def within_labels(pool: RowPool, k: int, rng: np.random.Generator) -> Int[np.ndarray, " chosen"]:
        quotas = label_quotas(pool.labels, k, rng)
        chosen, turn = [], []
        for label in np.flatnonzero(quotas):
            mine = np.flatnonzero(pool.labels == label)
            chosen.append(mine[criterion(pool.take(mine), int(quotas[label]), rng)])
            turn.append((np.arange(quotas[label]) + 0.5) / quotas[label])
        return np.concatenate(chosen)[np.argsort(np.concatenate(turn), kind="stable")]

    return within_labels


CRITERIA: Mapping[str, Strategy] = MappingProxyType(
    {
        "random": balanced(random_rows),
        "uncertain": balanced(uncertain),
        "certain": balanced(certain),
        "central": balanced(central),
        "coverage": balanced(coverage),
        "k-centre": balanced(k_centre),
        "uncertain-coverage": balanced(uncertain_coverage),
        "vocabulary": balanced(vocabulary),
        "certain-vocabulary": balanced(certain_vocabulary),
    }
)
"""The criteria by the names that the command gives them; all keep the pool's label shares."""

DEFAULT_CRITERION = "vocabulary"
"""Chosen on the development rows of the paired reviews (benchmarks/worklist.py)."""


def choose_worklist(
    pool: RowPool, k: int, rng: np.random.Generator, *, criterion: Strategy = CRITERIA[DEFAULT_CRITERION]
) -> Worklist:
    """Choose the rows to rewrite, and what to rewrite each to.

    Rows that are suspected, redundant, or in a near-miss group already are not asked for.

    Args:
        pool: The rows.
        k: How many to choose.
        rng: For the criterion.
        criterion: What decides; one of `CRITERIA`, or any function of the kind.

    Raises:
        PlanError: If fewer than ``k`` rows are left to ask for.
    """
    open_rows = np.flatnonzero(~(pool.suspected | pool.redundant | pool.paired))
    if not 1 <= k <= len(open_rows):
        raise PlanError(
            f"{len(open_rows)} of {len(pool)} rows can be put on a worklist: the others are suspected, "
            "redundant or have a near miss already",
            got=f"{k} rows asked for",
            hint="ask for fewer rows"
            if k > 0 and len(open_rows)
            else "ask for at least one row of another pool",
        )
    rows = open_rows[criterion(pool.take(open_rows), k, rng)]
    proposed = _most_probable_other(pool.probabilities[rows], pool.labels[rows])
    nearest, distance = _nearest_of(pool, rows, proposed)
    density = _density(pool.embedding)
    reasons = tuple(
        f"choice {rank} of {k}: models that never saw it give "
        f"{pool.label_names[pool.labels[row]]} {pool.probabilities[row, pool.labels[row]]:.2f} and "
        f"{pool.label_names[other]} {pool.probabilities[row, other]:.2f}; "
        f"mean cosine {density[row]:.2f} to its nearest rows"
        for rank, (row, other) in enumerate(zip(rows.tolist(), proposed.tolist(), strict=True), 1)
    )
    return Worklist(rows, reasons, proposed, nearest, distance)


def _margin(probabilities: Float[np.ndarray, "rows labels"]) -> Float[np.ndarray, " rows"]:
    ordered = np.sort(probabilities, axis=1)
    return np.asarray(ordered[:, -1] - ordered[:, -2])


def _density(embedding: Any) -> Float[np.ndarray, " rows"]:
    """Mean cosine of each row to its 10 nearest other rows (fewer in a smaller pool); 0 for a row alone."""
    others = min(_NEAREST, embedding.shape[0] - 1)
    if others < 1:
        return np.zeros(embedding.shape[0])
    near = _nearest_products(embedding, others + 1)
    # A row is its own nearest, but for a row of zeros, which has no product with any.
    squares = np.asarray(embedding.multiply(embedding).sum(axis=1), dtype=np.float64).ravel()
    total = np.asarray(near.sum(axis=1), dtype=np.float64).ravel() - squares
    return np.asarray(np.maximum(total, 0.0) / others)


def _nearest_products(embedding: Any, most: int) -> Any:
    """Products of each row with those rows that have the highest, itself included."""
    from sparse_dot_topn import sp_matmul_topn

    return sp_matmul_topn(embedding, csr_matrix(embedding.T), top_n=most)


def _facility_location(
    embedding: Any, weights: Float[np.ndarray, " rows"], k: int, rng: np.random.Generator
) -> Int[np.ndarray, " chosen"]:
    rows = embedding.shape[0]
    cosine = csc_matrix(_nearest_products(embedding, min(_COVERED, rows)))
    cosine = csc_matrix(cosine, dtype=np.float64)
    best = np.zeros(rows)

    def reached(row: int) -> tuple[Int[np.ndarray, " reached"], Float[np.ndarray, " reached"]]:
        of_row = slice(cosine.indptr[row], cosine.indptr[row + 1])
        return cosine.indices[of_row], cosine.data[of_row]

    def gain(row: int) -> float:
        at, value = reached(row)
        return float(weights[at] @ np.maximum(value - best[at], 0.0))

    def take(row: int) -> None:
        at, value = reached(row)
        best[at] = np.maximum(best[at], value)

    return _lazy_greedy(rows, k, gain, take, rng)


def _feature_coverage(
    embedding: Any, weights: Float[np.ndarray, " rows"], k: int, rng: np.random.Generator
) -> Int[np.ndarray, " chosen"]:
    vectors = csr_matrix(embedding, dtype=np.float64).multiply(weights[:, None]).tocsr()
    mass = np.asarray(vectors.sum(axis=0)).ravel()
    covered = np.zeros(vectors.shape[1])

    def words(row: int) -> tuple[Int[np.ndarray, " words"], Float[np.ndarray, " words"]]:
        of_row = slice(vectors.indptr[row], vectors.indptr[row + 1])
        return vectors.indices[of_row], vectors.data[of_row]

    def gain(row: int) -> float:
        at, value = words(row)
        return float(mass[at] @ (np.sqrt(covered[at] + value) - np.sqrt(covered[at])))

    def take(row: int) -> None:
        at, value = words(row)
        covered[at] += value

    return _lazy_greedy(embedding.shape[0], k, gain, take, rng)


def _lazy_greedy(
    rows: int,
    k: int,
    gain: Callable[[int], float],
    take: Callable[[int], None],
    rng: np.random.Generator,
) -> Int[np.ndarray, " chosen"]:
    """Take the row of the greatest gain, again and again, asking again only where it may still be greatest.

    As gains only fall (the aim is submodular), an old gain is an upper bound (Minoux 1978).
    """
    heap = [(-gain(row), place, row) for place, row in enumerate(rng.permutation(rows).tolist())]
    heapq.heapify(heap)
    chosen: list[int] = []
    while len(chosen) < k:
        _, place, row = heap[0]
        now = (-gain(row), place, row)
        if len(heap) > 1 and now > min(heap[1:3]):
            heapq.heapreplace(heap, now)
            continue
        heapq.heappop(heap)
        take(row)
        chosen.append(row)
    return np.array(chosen, dtype=np.int64)


def _most_probable_other(
    probabilities: Float[np.ndarray, "k labels"], labels: Int[np.ndarray, " k"]
) -> Int[np.ndarray, " k"]:
    others = probabilities.copy()
    others[np.arange(len(labels)), labels] = -1.0
    return np.asarray(others.argmax(axis=1))


def _nearest_of(
    pool: RowPool, rows: Int[np.ndarray, " k"], proposed: Int[np.ndarray, " k"]
) -> tuple[Int[np.ndarray, " k"], Float[np.ndarray, " k"]]:
    """The nearest row of each row's proposed label, suspected ones left out, and its distance."""
    nearest, distance = np.full(len(rows), -1), np.ones(len(rows))
    for label in np.unique(proposed):
        asked: Bool[np.ndarray, " k"] = proposed == label
        corpus = np.flatnonzero((pool.labels == label) & ~pool.suspected)
        found, distance[asked] = nearest_across(
            pool.embedding[rows[asked]], pool.labels[rows[asked]], pool.embedding[corpus], pool.labels[corpus]
        )
        nearest[asked] = np.where(found >= 0, corpus[found] if len(corpus) else -1, -1)
    return nearest, distance
