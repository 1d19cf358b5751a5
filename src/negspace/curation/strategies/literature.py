"""Choices of rows from the literature, behind one interface.

Each is a `Strategy`: pool, budget and generator to the positions of exactly so many rows, most wanted first.
None knows of near-miss groups. Equally wanted rows come in random order, drawn from the generator. All raise
`PlanError` if the budget is less than 1 or more than the pool.

Three go by training dynamics: how each row fares while a model is trained. The model is multinomial logistic
regression on the sparse word vectors, trained by plain mini-batch gradient descent. It is small enough to be
trained ten times over, and convex: what forgetting and variability there is comes from the order of the rows
and the size of the steps alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import csr_matrix

from negspace.curation.strategies.row_pool import RowPool, Strategy, checked, label_quotas

_EL2N_MODELS = 5
_EL2N_EPOCHS = 3
_DIMENSIONS = 128
_BATCH = 32
# High, for rows have length 1 and few words in common. In 10 epochs 93 % of CLINC150's intents and 90 % of
# paired reviews are learnt; at a third of it hardly any review is ever near its label, at three times it
# whole epochs give all reviews one label.
_RATE = 3.0

_NAMED: dict[str, Strategy] = {}
BASELINES: Mapping[str, Strategy] = MappingProxyType(_NAMED)
"""The baselines by the names that commands and reports give them."""


def _baseline(name: str) -> Callable[[Strategy], Strategy]:
    """Keep a strategy under a name, with a check of its budget."""

    def keep(strategy: Strategy) -> Strategy:
        _NAMED[name] = checked(strategy)
        return _NAMED[name]

    return keep


@_baseline("random")
def random_rows(pool: RowPool, budget: int, rng: np.random.Generator) -> Int[np.ndarray, " chosen"]:
    """Draw rows evenly."""
    return rng.permutation(len(pool))[:budget]


@_baseline("stratified")
def stratified_random(pool: RowPool, budget: int, rng: np.random.Generator) -> Int[np.ndarray, " chosen"]:
    """Draw rows evenly within each label, each label in its share of the pool (`label_quotas`).

    Labels take turns, so that the first rows of the choice are about as balanced as all of it.
    """
    quotas = label_quotas(pool.labels, budget, rng)
    order = rng.permutation(len(pool))
    chosen, turn = [], []
    for label in np.flatnonzero(quotas):
        rows = order[pool.labels[order] == label][: quotas[label]]
        chosen.append(rows)
        turn.append((np.arange(len(rows)) + 0.5) / len(rows))
    return np.concatenate(chosen)[np.argsort(np.concatenate(turn), kind="stable")]


@_baseline("k-centre")
def k_centre(pool: RowPool, budget: int, rng: np.random.Generator) -> Int[np.ndarray, " chosen"]:
    """Take, again and again, the row farthest from all taken so far (Sener & Savarese 2018, algorithm 1).

    The first row is drawn. Distances are Euclidean, between the sparse word vectors; every row ends within
    twice the least possible radius of a taken one (Gonzalez 1985).
    """
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


@_baseline("cartography")
def cartography_ambiguous(pool: RowPool, budget: int, rng: np.random.Generator) -> Int[np.ndarray, " chosen"]:
    """Take the rows whose label's probability varies most over epochs (Swayamdipta et al. 2020, sec. 2)."""
    dynamics = train_dynamics(pool.embedding, pool.labels, len(pool.label_names), rng)
    return highest(dynamics.variability, budget, rng)


@_baseline("el2n")
def el2n(pool: RowPool, budget: int, rng: np.random.Generator) -> Int[np.ndarray, " chosen"]:
    """Take the rows that are farthest from their label early in training, by the EL2N score.

    The score is the mean of ||p - y||_2 over models that differ in first weights and order of rows (Paul et
    al. 2021, definition 2.2 with its expectation); here 5 models of 3 epochs.
    """
    errors = [
        train_dynamics(pool.embedding, pool.labels, len(pool.label_names), model, epochs=_EL2N_EPOCHS).error[
            -1
        ]
        for model in rng.spawn(_EL2N_MODELS)
    ]
    return highest(np.mean(errors, axis=0), budget, rng)


@_baseline("forgetting")
def forgetting(pool: RowPool, budget: int, rng: np.random.Generator) -> Int[np.ndarray, " chosen"]:
    """Take the rows that go from right to wrong most often (Toneva et al. 2019, definition 1).

    Rows that are never right come before all others (section 3). Rows are looked at after each epoch, where
    the paper looks when they are trained on.
    """
    dynamics = train_dynamics(pool.embedding, pool.labels, len(pool.label_names), rng)
    return highest(dynamics.forgetting, budget, rng)


@_baseline("semdedup")
def semdedup(pool: RowPool, budget: int, rng: np.random.Generator) -> Int[np.ndarray, " chosen"]:
    """Drop rows that say what another row of their cluster says (Abbas et al. 2023, section 3).

    Dense vectors (128 dimensions by SVD, of unit length) are clustered by k-means. Within a cluster, rows
    are ordered by cosine to its centre, the least typical first, as the paper prefers; a row is as redundant
    as its greatest cosine to a row before it. The paper drops rows above a threshold; here the threshold is
    the one that leaves the budget.
    """
    from sklearn.cluster import KMeans
    from sklearn.preprocessing import normalize
    from threadpoolctl import threadpool_limits

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


def highest(
    scores: Float[np.ndarray, " rows"], budget: int, rng: np.random.Generator
) -> Int[np.ndarray, " chosen"]:
    """Take the rows of the highest scores, the highest first, equal ones in random order."""
    return np.lexsort((rng.permutation(len(scores)), -scores))[:budget]


def _dense(embedding: Any, rng: np.random.Generator) -> Float[np.ndarray, "rows dimensions"]:
    """Reduce sparse vectors to few dimensions, of unit length; of few words or rows, keep all."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.preprocessing import normalize
    from threadpoolctl import threadpool_limits

    dimensions = min(_DIMENSIONS, *(side - 1 for side in embedding.shape))
    if dimensions < 2:
        return np.asarray(normalize(embedding).toarray(), dtype=np.float64)
    with threadpool_limits(1):
        reduced = TruncatedSVD(dimensions, random_state=_seed(rng)).fit_transform(embedding)
    return np.asarray(normalize(reduced), dtype=np.float64)


def _seed(rng: np.random.Generator) -> int:
    """Draw a seed for scikit-learn, which takes no generator."""
    return int(rng.integers(2**31))


@dataclass(frozen=True, eq=False)
class Dynamics:
    """What a model in training said of its own training rows, after each epoch.

    Attributes:
        gold: Probability of the row's given label, in [0, 1].
        right: Whether the given label was the most probable one.
        error: Length of the difference between the probabilities and the one-hot label,
            ``||p - y||_2``, in [0, sqrt(2)].
    """

    gold: Float[np.ndarray, "epochs rows"]
    right: Bool[np.ndarray, "epochs rows"]
    error: Float[np.ndarray, "epochs rows"]

    @property
    def variability(self) -> Float[np.ndarray, " rows"]:
        """Standard deviation of ``gold`` over epochs (Swayamdipta et al. 2020, section 2)."""
        return np.asarray(self.gold.std(axis=0))

    @property
    def confidence(self) -> Float[np.ndarray, " rows"]:
        """Mean of ``gold`` over epochs (Swayamdipta et al. 2020, section 2)."""
        return np.asarray(self.gold.mean(axis=0))

    @property
    def forgetting(self) -> Float[np.ndarray, " rows"]:
        """Number of epochs after which a row that had been right is wrong (Toneva et al. 2019, definition 1).

        Infinity for rows that were never right, as in the paper's section 3.
        """
        lost = self.right[:-1] & ~self.right[1:]
        return np.where(self.right.any(axis=0), lost.sum(axis=0, dtype=np.float64), np.inf)


@dataclass(frozen=True, eq=False)
class SoftmaxRegression:
    """Multinomial logistic regression: probabilities are ``softmax(x W + b)``.

    Attributes:
        weights: W; changed in place by `step`.
        bias: b; changed in place by `step`.
    """

    weights: Float[np.ndarray, "words labels"]
    bias: Float[np.ndarray, " labels"]

    @classmethod
    def draw(cls, n_words: int, n_labels: int, rng: np.random.Generator) -> SoftmaxRegression:
        """Draw weights evenly from ±1 / sqrt(words), the default of PyTorch's linear layer; no bias."""
        bound = 1.0 / np.sqrt(n_words)
        return cls(rng.uniform(-bound, bound, size=(n_words, n_labels)), np.zeros(n_labels))

    def probabilities(self, rows: Any) -> Float[np.ndarray, "rows labels"]:
        """Give the probability of each label for sparse rows of shape (rows, words)."""
        return _softmax(rows @ self.weights + self.bias)

    def step(self, rows: Any, labels: Int[np.ndarray, " batch"], rate: float) -> None:
        """Descend once along the gradient of the mean cross-entropy of a batch.

        Args:
            rows: Sparse, of shape (batch, words).
            labels: Their labels.
            rate: Length of the step, as a multiple of the gradient.
        """
        # Weights of words that the batch lacks have no gradient: only the others are read and written.
        words, column = np.unique(rows.indices, return_inverse=True)
        present = csr_matrix((rows.data, column, rows.indptr), shape=(len(labels), len(words)))
        residual = _softmax(present @ self.weights[words] + self.bias)
        residual[np.arange(len(labels)), labels] -= 1.0
        residual *= rate / len(labels)
        self.weights[words] -= present.T @ residual
        self.bias[:] -= residual.sum(axis=0)


def train_dynamics(
    embedding: Any,
    labels: Int[np.ndarray, " rows"],
    n_labels: int,
    rng: np.random.Generator,
    *,
    epochs: int = 10,
    rate: float = _RATE,
    batch: int = _BATCH,
) -> Dynamics:
    """Train a model and look at all rows after each epoch.

    Args:
        embedding: Sparse word vectors of the rows, of shape (rows, words).
        labels: Label of each row.
        n_labels: Number of labels.
        rng: Source of the first weights and of the order of the rows.
        epochs: How often each row is trained on.
        rate: First step size; it falls evenly to 0.
        batch: Rows a step.

    Returns:
        The dynamics, of shape (epochs, rows).
    """
    from threadpoolctl import threadpool_limits

    vectors = csr_matrix(embedding, dtype=np.float64)
    model = SoftmaxRegression.draw(vectors.shape[1], n_labels, rng)
    rows = np.arange(len(labels))
    gold = np.empty((epochs, len(labels)))
    right = np.empty((epochs, len(labels)), dtype=bool)
    error = np.empty((epochs, len(labels)))
    with threadpool_limits(1):
        for epoch in range(epochs):
            order = rng.permutation(len(labels))
            shuffled, target = vectors[order], labels[order]
            for start in range(0, len(labels), batch):
                remaining = 1.0 - (epoch + start / len(labels)) / epochs
                model.step(shuffled[start : start + batch], target[start : start + batch], rate * remaining)
            said = model.probabilities(vectors)
            gold[epoch] = said[rows, labels]
            right[epoch] = said.argmax(axis=1) == labels
            said[rows, labels] -= 1.0
            error[epoch] = np.sqrt((said * said).sum(axis=1))
    return Dynamics(gold, right, error)


def _softmax(logits: Float[np.ndarray, "rows labels"]) -> Float[np.ndarray, "rows labels"]:
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))
