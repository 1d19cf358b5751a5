"""Choices of rows from the literature, behind one interface.

Each is a `Strategy`: pool, budget and generator to the positions of exactly so many rows, most wanted first.
None knows of near-miss groups. Equally wanted rows come in random order, drawn from the generator.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from jaxtyping import Float, Int
from scipy.sparse import csr_matrix
from sklearn.cluster import KMeans
from sklearn.decomposition import TruncatedSVD
from sklearn.preprocessing import normalize
from threadpoolctl import threadpool_limits

from negspace.curation.dynamics import train_dynamics
from negspace.curation.pool import Pool, Strategy
from negspace.curation.quotas import label_quotas
from negspace.errors import PlanError

__all__ = [
    "BASELINES",
    "cartography_ambiguous",
    "check_budget",
    "el2n",
    "forgetting",
    "highest",
    "k_centre",
    "random_rows",
    "semdedup",
    "stratified_random",
]

_EL2N_MODELS = 5
_EL2N_EPOCHS = 3
_DIMENSIONS = 128


def random_rows(pool: Pool, budget: int, rng: np.random.Generator) -> Int[np.ndarray, " chosen"]:
    """Draw rows evenly.

    Raises:
        PlanError: If the budget is less than 1 or more than the pool.
    """
    check_budget(pool, budget)
    return rng.permutation(len(pool))[:budget]


def stratified_random(pool: Pool, budget: int, rng: np.random.Generator) -> Int[np.ndarray, " chosen"]:
    """Draw rows evenly within each label, each label in its share of the pool (`label_quotas`).

    Labels take turns, so that the first rows of the choice are about as balanced as all of it.

    Raises:
        PlanError: If the budget is less than 1 or more than the pool.
    """
    check_budget(pool, budget)
    quotas = label_quotas(pool.labels, budget, rng)
    order = rng.permutation(len(pool))
    chosen, turn = [], []
    for label in np.flatnonzero(quotas):
        rows = order[pool.labels[order] == label][: quotas[label]]
        chosen.append(rows)
        turn.append((np.arange(len(rows)) + 0.5) / len(rows))
    return np.concatenate(chosen)[np.argsort(np.concatenate(turn), kind="stable")]


def k_centre(pool: Pool, budget: int, rng: np.random.Generator) -> Int[np.ndarray, " chosen"]:
    """Take, again and again, the row farthest from all taken so far (Sener & Savarese 2018, algorithm 1).

    The first row is drawn. Distances are Euclidean, between the sparse word vectors; every row ends within
    twice the least possible radius of a taken one (Gonzalez 1985).

    Raises:
        PlanError: If the budget is less than 1 or more than the pool.
    """
    check_budget(pool, budget)
    order = rng.permutation(len(pool))
    vectors = csr_matrix(pool.embedding[order], dtype=np.float64)
    squares = np.asarray(vectors.multiply(vectors).sum(axis=1)).ravel()
    taken = np.zeros(budget, dtype=np.int64)
    gap = np.full(len(pool), np.inf)
    centre = np.zeros(vectors.shape[1])
    for pick in range(budget):
        # The first of a random order is a random row; so is the first of equally far ones.
        row = taken[pick] = 0 if pick == 0 else int(gap.argmax())
        words = vectors.indices[vectors.indptr[row] : vectors.indptr[row + 1]]
        centre[words] = vectors.data[vectors.indptr[row] : vectors.indptr[row + 1]]
        np.minimum(gap, squares + squares[row] - 2.0 * (vectors @ centre), out=gap)
        centre[words] = 0.0
        gap[row] = -np.inf
    return order[taken]


def cartography_ambiguous(pool: Pool, budget: int, rng: np.random.Generator) -> Int[np.ndarray, " chosen"]:
    """Take the rows whose label's probability varies most over epochs (Swayamdipta et al. 2020, section 2).

    Raises:
        PlanError: If the budget is less than 1 or more than the pool.
    """
    check_budget(pool, budget)
    dynamics = train_dynamics(pool.embedding, pool.labels, len(pool.label_names), rng)
    return highest(dynamics.variability, budget, rng)


def el2n(pool: Pool, budget: int, rng: np.random.Generator) -> Int[np.ndarray, " chosen"]:
    """Take the rows that are farthest from their label early in training, by the EL2N score.

    The score is the mean of ||p - y||_2 over models that differ in first weights and order of rows (Paul et
    al. 2021, definition 2.2 with its expectation); here 5 models of 3 epochs.

    Raises:
        PlanError: If the budget is less than 1 or more than the pool.
    """
    check_budget(pool, budget)
    errors = [
        train_dynamics(pool.embedding, pool.labels, len(pool.label_names), model, epochs=_EL2N_EPOCHS).error[
            -1
        ]
        for model in rng.spawn(_EL2N_MODELS)
    ]
    return highest(np.mean(errors, axis=0), budget, rng)


def forgetting(pool: Pool, budget: int, rng: np.random.Generator) -> Int[np.ndarray, " chosen"]:
    """Take the rows that go from right to wrong most often (Toneva et al. 2019, definition 1).

    Rows that are never right come before all others (section 3). Rows are looked at after each epoch, where
    the paper looks when they are trained on.

    Raises:
        PlanError: If the budget is less than 1 or more than the pool.
    """
    check_budget(pool, budget)
    dynamics = train_dynamics(pool.embedding, pool.labels, len(pool.label_names), rng)
    return highest(dynamics.forgetting, budget, rng)


def semdedup(pool: Pool, budget: int, rng: np.random.Generator) -> Int[np.ndarray, " chosen"]:
    """Drop rows that say what another row of their cluster says (Abbas et al. 2023, section 3).

    Dense vectors (128 dimensions by SVD, of unit length) are clustered by k-means. Within a cluster, rows
    are ordered by cosine to its centre, the least typical first, as the paper prefers; a row is as redundant
    as its greatest cosine to a row before it. The paper drops rows above a threshold; here the threshold is
    the one that leaves the budget.

    Raises:
        PlanError: If the budget is less than 1 or more than the pool.
    """
    check_budget(pool, budget)
    vectors = _dense(pool.embedding, rng)
    n_clusters = max(1, round(np.sqrt(len(pool))))
    with threadpool_limits(1):
        found = KMeans(n_clusters, n_init=1, random_state=_seed(rng)).fit(vectors)
        centres = normalize(found.cluster_centers_)
        redundancy = np.full(len(pool), -1.0)
        for cluster in range(n_clusters):
            rows = np.flatnonzero(found.labels_ == cluster)
            rows = rows[np.argsort(vectors[rows] @ centres[cluster], kind="stable")]
            before = np.tril(vectors[rows] @ vectors[rows].T, -1)
            before[np.triu_indices(len(rows))] = -1.0
            redundancy[rows] = before.max(axis=1, initial=-1.0)
    return highest(-redundancy, budget, rng)


BASELINES: Mapping[str, Strategy] = MappingProxyType(
    {
        "random": random_rows,
        "stratified": stratified_random,
        "k-centre": k_centre,
        "cartography": cartography_ambiguous,
        "el2n": el2n,
        "forgetting": forgetting,
        "semdedup": semdedup,
    }
)
"""The baselines by the names that commands and reports give them."""


def check_budget(pool: Pool, budget: int) -> None:
    """Refuse a number of rows that the pool cannot give.

    Raises:
        PlanError: If it is less than 1 or more than the pool.
    """
    if not 1 <= budget <= len(pool):
        raise PlanError(
            f"a choice from {len(pool)} rows has 1 to {len(pool)} of them",
            got=budget,
            hint="ask for fewer rows, or give a larger pool" if budget > 0 else "ask for at least one row",
        )


def highest(
    scores: Float[np.ndarray, " rows"], budget: int, rng: np.random.Generator
) -> Int[np.ndarray, " chosen"]:
    """Take the rows of the highest scores, the highest first, equal ones in random order."""
    return np.lexsort((rng.permutation(len(scores)), -scores))[:budget]


def _dense(embedding: Any, rng: np.random.Generator) -> Float[np.ndarray, "rows dimensions"]:
    """Reduce sparse vectors to few dimensions, of unit length; of few words or rows, keep all."""
    dimensions = min(_DIMENSIONS, *(side - 1 for side in embedding.shape))
    if dimensions < 2:
        return np.asarray(normalize(embedding).toarray(), dtype=np.float64)
    with threadpool_limits(1):
        reduced = TruncatedSVD(dimensions, random_state=_seed(rng)).fit_transform(embedding)
    return np.asarray(normalize(reduced), dtype=np.float64)


def _seed(rng: np.random.Generator) -> int:
    """Draw a seed for scikit-learn, which takes no generator."""
    return int(rng.integers(2**31))
