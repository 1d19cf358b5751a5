"""Training dynamics against finite differences and dynamics written by hand."""

from __future__ import annotations

import numpy as np
from scipy.optimize import approx_fprime
from scipy.sparse import csr_matrix
from scipy.special import log_softmax

from negspace.curation.strategies import Dynamics, SoftmaxRegression, train_dynamics


def drawn(rows: int, words: int, n_labels: int) -> tuple[csr_matrix, np.ndarray]:
    rng = np.random.default_rng(0)
    dense = rng.random((rows, words)) * (rng.random((rows, words)) < 0.3)
    return csr_matrix(dense), rng.integers(n_labels, size=rows)


def test_a_step_descends_along_the_gradient_of_the_cross_entropy() -> None:
    rows, labels = drawn(6, 7, 3)
    model = SoftmaxRegression.draw(7, 3, np.random.default_rng(1))
    model.bias[:] = [0.3, -0.2, 0.1]
    dense, before = rows.toarray(), np.concatenate([model.weights.ravel(), model.bias])

    def loss(flat: np.ndarray) -> float:
        logits = dense @ flat[:21].reshape(7, 3) + flat[21:]
        return float(-log_softmax(logits, axis=1)[np.arange(6), labels].mean())

    model.step(rows, labels, 0.5)
    after = np.concatenate([model.weights.ravel(), model.bias])
    np.testing.assert_allclose(after - before, -0.5 * approx_fprime(before, loss, 1e-7), atol=1e-6)


def test_a_batch_without_words_moves_the_bias_alone() -> None:
    model = SoftmaxRegression.draw(5, 2, np.random.default_rng(0))
    before = model.weights.copy()
    model.step(csr_matrix((3, 5)), np.array([1, 1, 1]), 1.0)
    np.testing.assert_array_equal(model.weights, before)
    np.testing.assert_allclose(model.bias, [-0.5, 0.5])


def test_probabilities_stand_large_logits() -> None:
    model = SoftmaxRegression(np.array([[1000.0, -1000.0]]), np.zeros(2))
    np.testing.assert_allclose(model.probabilities(csr_matrix([[1.0], [0.0]])), [[1, 0], [0.5, 0.5]])


def test_scores_by_hand() -> None:
    gold = np.array([[0.2, 0.9, 0.5], [0.8, 0.9, 0.5], [0.2, 0.9, 0.5]])
    right = np.array([[False, True, False], [True, True, False], [False, True, False]])
    dynamics = Dynamics(gold, right, np.sqrt(2) * (1 - gold))
    np.testing.assert_allclose(dynamics.confidence, [0.4, 0.9, 0.5])
    # Of 0.2, 0.8, 0.2: the squared deviations from 0.4 are 0.04, 0.16, 0.04.
    np.testing.assert_allclose(dynamics.variability, [np.sqrt(0.24 / 3), 0, 0], atol=1e-12)
    np.testing.assert_array_equal(dynamics.forgetting, [1, 0, np.inf])


def test_dynamics_of_a_set_that_can_be_learnt() -> None:
    rows = csr_matrix(np.eye(2)[np.arange(100) % 2])
    dynamics = train_dynamics(rows, np.arange(100) % 2, 2, np.random.default_rng(0), epochs=4)
    assert dynamics.gold.shape == dynamics.right.shape == dynamics.error.shape == (4, 100)
    assert dynamics.right.all()
    assert (np.diff(dynamics.gold, axis=0) > 0).all()
    # With two labels p - y is (d, -d), d = 1 - gold.
    np.testing.assert_allclose(dynamics.error, np.sqrt(2) * (1 - dynamics.gold))


def test_dynamics_depend_on_the_generator_alone() -> None:
    rows, labels = drawn(50, 20, 3)
    np.random.seed(1)  # noqa: NPY002 (the state that must not matter)
    once = train_dynamics(rows, labels, 3, np.random.default_rng(5))
    np.random.seed(2)  # noqa: NPY002
    again = train_dynamics(rows, labels, 3, np.random.default_rng(5))
    other = train_dynamics(rows, labels, 3, np.random.default_rng(6))
    np.testing.assert_array_equal(again.gold, once.gold)
    assert not np.array_equal(other.gold, once.gold)
