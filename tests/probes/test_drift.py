"""Drift and attention change, compared with scipy, kernels and closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import jensenshannon

torch = pytest.importorskip("torch", reason="steps need the extra 'torch'")

from negspace.probes.engines import cka_drift, cosine_drift, jensen_shannon, query_positions  # noqa: E402


def states(rng: np.random.Generator, tokens: int, width: int) -> np.ndarray:
    return rng.normal(size=(tokens, width))


def t(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(array.astype(np.float32))


def hsic_cka(x: np.ndarray, y: np.ndarray) -> float:
    """Kornblith et al. 2019, eq. 3: HSIC(K, L) / sqrt(HSIC(K, K) HSIC(L, L)), linear kernels, in doubles."""
    n = len(x)
    centre = np.eye(n) - np.ones((n, n)) / n

    def hsic(k: np.ndarray, other: np.ndarray) -> float:
        return float(np.trace(k @ centre @ other @ centre))

    k, other = x @ x.T, y @ y.T
    return hsic(k, other) / np.sqrt(hsic(k, k) * hsic(other, other))


@pytest.mark.parametrize(("tokens", "width"), [(6, 20), (40, 5), (30, 30)])
@pytest.mark.parametrize("moved", [1.0, 1e-3])
def test_cka_is_that_of_kernels(tokens: int, width: int, moved: float) -> None:
    rng = np.random.default_rng(tokens)
    x = states(rng, tokens, width) + 3.0  # centring matters
    y = x + moved * states(rng, tokens, width)
    x, y = (array.astype(np.float32).astype(np.float64) for array in (x, y))
    assert float(cka_drift(t(x), t(y))) == pytest.approx(1 - hsic_cka(x, y), rel=2e-3, abs=1e-12)


def test_cka_is_blind_to_rotation_scale_and_shift_but_the_cosine_is_not() -> None:
    rng = np.random.default_rng(1)
    x = states(rng, 50, 8)
    rotation, _ = np.linalg.qr(rng.normal(size=(8, 8)))
    y = 5 * x @ rotation + 7
    assert float(cka_drift(t(x), t(y))) == pytest.approx(0, abs=1e-6)
    assert float(cosine_drift(t(x), t(y))) > 0.1


def test_cka_of_tokens_that_are_all_alike_is_undefined() -> None:
    assert np.isnan(float(cka_drift(torch.ones(4, 3), torch.ones(4, 3))))


def test_cosine_drift_is_mean_of_one_minus_cosine() -> None:
    rng = np.random.default_rng(2)
    x, y = states(rng, 7, 4), states(rng, 7, 4)
    cosines = (x * y).sum(1) / np.linalg.norm(x, axis=1) / np.linalg.norm(y, axis=1)
    assert float(cosine_drift(t(x), t(y))) == pytest.approx(1 - cosines.mean(), rel=1e-5)
    assert float(cosine_drift(t(x), t(-x))) == pytest.approx(2, rel=1e-6)


def test_cosine_drift_of_a_small_turn_is_not_lost_in_rounding() -> None:
    angle = 1e-3
    x = np.array([[1.0, 0.0]])
    y = np.array([[np.cos(angle), np.sin(angle)]])
    assert float(cosine_drift(t(x), t(y))) == pytest.approx(1 - np.cos(angle), rel=1e-3)


@pytest.mark.parametrize("moved", [1.0, 1e-2, 1e-4])
def test_jensen_shannon_is_scipys(moved: float) -> None:
    rng = np.random.default_rng(3)
    p = rng.dirichlet(np.ones(9), size=5)
    q = p * np.exp(moved * rng.normal(size=p.shape))
    p[:, -2:] = q[:, -2:] = 0  # keys that a causal query never sees
    p, q = ((a / a.sum(1, keepdims=True)).astype(np.float32).astype(np.float64) for a in (p, q))
    truth = jensenshannon(p, q, axis=1) ** 2
    # Of p and q as float32 holds them; their sums are not exactly 1, which scipy makes them.
    np.testing.assert_allclose(jensen_shannon(t(p), t(q)).numpy(), truth, rtol=3e-3)


def test_jensen_shannon_lies_between_0_and_ln_2() -> None:
    p, q = torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.0, 0.5, 0.5])
    assert float(jensen_shannon(p, q)) == pytest.approx(np.log(2), rel=1e-5)
    assert float(jensen_shannon(q, q)) == 0.0


@pytest.mark.parametrize(("length", "most"), [(2, 64), (10, 4), (500, 64), (65, 64), (1, 3)])
def test_queries_are_spread_over_the_fragment(length: int, most: int) -> None:
    found = query_positions(length, most)
    assert len(found) == (1 if length == 1 else min(most, length - 1))
    if length > 1:
        assert found[0] == 1
        assert found[-1] == length - 1 or most == 1
        assert len(set(np.diff(found)) - {0}) <= 2
