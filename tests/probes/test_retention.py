"""Retention against matrix exponentials, Hessians by autograd, and the further steps themselves."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.linalg import expm
from scipy.stats import spearmanr

torch = pytest.importorskip("torch", reason="steps need the extra 'torch'")
transformers = pytest.importorskip("transformers", reason="language models need the extra 'hf'")

from negspace.data import Fragments  # noqa: E402
from negspace.errors import PlanError  # noqa: E402
from negspace.language_models import LanguageModel, take  # noqa: E402
from negspace.probes import (  # noqa: E402
    RetentionProbe,
    StepProbe,
    half_life,
    retained,
    retention_traces,
)
from negspace.probes.engines import (  # noqa: E402
    ReferenceGradient,
    gradient,
    halves,
    kept_parameters,
    mean_losses,
    moments,
)

from .exact_retention import exact_retention  # noqa: E402

VOCABULARY, LAGS = 30, (1, 4, 16)


def fragments_of(rows: list[list[int]]) -> Fragments:
    lengths = np.array([len(row) for row in rows])
    tokens = np.zeros((len(rows), lengths.max()), dtype=np.int32)
    for at, row in enumerate(rows):
        tokens[at, : len(row)] = row
    return Fragments(("",) * len(rows), tokens, lengths, ("",) * len(rows), str(hash(tokens.tobytes())))


class Bigrams(torch.nn.Module):
    """Logits of the next token are the row of the last; fragments that share no token are apart."""

    def __init__(self) -> None:
        super().__init__()
        rows = np.random.default_rng(0).normal(size=(VOCABULARY, VOCABULARY))
        self.table = torch.nn.Parameter(torch.from_numpy(rows))

    def forward(self, input_ids: Any, **_others: Any) -> Any:
        return SimpleNamespace(logits=self.table[input_ids])


def bigrams() -> LanguageModel:
    return LanguageModel("bigrams", Bigrams(), None, "0", 100)


@pytest.fixture(scope="module")
def gpt2() -> LanguageModel:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = transformers.GPT2Config(
            vocab_size=VOCABULARY, n_positions=12, n_embd=16, n_layer=2, n_head=2, initializer_range=0.2,
            bos_token_id=None, eos_token_id=None,
        )  # fmt: skip
        return LanguageModel("test", transformers.GPT2LMHeadModel(config).eval(), None, "0", 12)


def spectral(seed: int, eigenvalues: list[float]) -> tuple[np.ndarray, np.ndarray]:
    """A symmetric matrix of some eigenvalues, and a vector."""
    rng = np.random.default_rng(seed)
    basis, _ = np.linalg.qr(rng.normal(size=(len(eigenvalues),) * 2))
    return basis @ np.diag(eigenvalues) @ basis.T, rng.normal(size=len(eigenvalues))


def three(a: np.ndarray, d: np.ndarray) -> np.ndarray:
    return np.array([[d @ d], [d @ a @ d], [d @ a @ a @ d]])


def left(a: np.ndarray, d: np.ndarray, k: int) -> float:
    return float(d @ expm(-k * a) @ d / (d @ d))


def test_one_decaying_direction_is_exact() -> None:
    a, d = spectral(1, [0.0, 0.0, 0.3, 0.0])
    found = retained(three(a, d), LAGS)[:, 0]
    np.testing.assert_allclose(found, [left(a, d, k) for k in LAGS])


@pytest.mark.parametrize("seed", range(5))
def test_any_other_spectrum_is_bounded(seed: int) -> None:
    """By Golub & Meurant, a node at 0 bounds exp(-kλ) from above, the one-point rule from below."""
    eigenvalues = np.random.default_rng(seed).exponential(0.2, size=6).tolist()
    a, d = spectral(seed, eigenvalues)
    found = retained(three(a, d), LAGS)[:, 0]
    for k, estimate in zip(LAGS, found, strict=True):
        assert np.exp(-k * (d @ a @ d) / (d @ d)) <= left(a, d, k) <= estimate <= 1


def test_no_curvature_loses_nothing_and_negative_curvature_is_a_straight_line() -> None:
    found = retained(np.array([[2.0, 2.0], [0.0, -0.1], [0.0, 0.4]]), LAGS)
    np.testing.assert_allclose(found[:, 0], 1)
    np.testing.assert_allclose(found[:, 1], [1.05, 1.2, 1.8])


def test_scatter_never_makes_a_share_above_one_or_a_rate_without_bound() -> None:
    """Moments of two halves are no moments of one spectrum: the last may be too small, or negative."""
    for last in (1e-9, 0.0, -0.3):
        found = retained(np.array([[1.0], [0.2], [last]]), LAGS)[:, 0]
        np.testing.assert_allclose(found, np.exp(-0.2 * np.array(LAGS)))


def test_half_life_is_that_of_an_exponential() -> None:
    curve = np.exp(-np.array(LAGS)[:, None] / np.array([10.0, 3.0]))
    np.testing.assert_allclose(half_life(LAGS, curve), np.log(2) * np.array([10.0, 3.0]))
    odd = np.array([[1.0, 1.2, 0.5, np.nan], [1.0, 1.3, 0.0, 0.5], [1.0, 1.4, -0.1, 0.5]])
    assert half_life(LAGS, odd).tolist()[:3] == [np.inf, np.inf, 0.0]
    assert np.isnan(half_life(LAGS, odd)[3])


def test_what_gained_nothing_has_nothing_to_keep() -> None:
    traces = retention_traces(
        np.array([0.1, 1e-6, -0.1, np.nan]), np.array([[1.0] * 4, [0.1] * 4, [0.1] * 4]), LAGS
    )
    assert [t.metric for t in traces] == ["left after 1", "left after 4", "left after 16", "half-life"]
    for trace in traces:
        assert np.isfinite(trace.values[0])
        assert np.isnan(trace.values[1:]).all()


def test_moments_are_those_of_the_hessian() -> None:
    model = bigrams()
    own, others = fragments_of([[3, 5, 3, 7]]), fragments_of([[3, 5, 9], [1, 3, 4], [3, 7]])
    table = model.network.table
    size = 1e-4

    def mean_loss(rows: list[int]) -> Any:
        def of(values: Any) -> Any:
            total = 0.0
            for row in rows:
                ids = others.tokens[row, : others.lengths[row]].astype(np.int64)
                logits = values[torch.from_numpy(ids[:-1])]
                total = total + torch.nn.functional.cross_entropy(logits, torch.from_numpy(ids[1:]))
            return total / len(rows)

        return of

    with kept_parameters(model.network) as parameters:
        reference = ReferenceGradient(model, halves(others, 100, "cpu"), parameters)
        g = gradient(mean_losses(model.network, take(own, [0]))[0], parameters.tensors)
        parameters.step(g, size)
        found = moments(g, size, reference.before, reference.now())
    turned = [
        torch.autograd.functional.hvp(mean_loss(rows), table.detach(), size * g[0])[1] * size
        for rows in ([0, 2], [1])
    ]
    d = size * g[0]
    truth = [(d * d).sum(), (d * (turned[0] + turned[1])).sum() / 2, (turned[0] * turned[1]).sum()]
    np.testing.assert_allclose(found, [float(each) for each in truth], rtol=1e-3)
    whole = torch.autograd.functional.jacobian(mean_loss([0, 1, 2]), table.detach())
    with kept_parameters(model.network) as parameters:
        reference = ReferenceGradient(model, halves(others, 1, "cpu"), parameters)
    assert reference.along(g) == pytest.approx(float((whole * g[0]).sum()))


def test_fragments_that_share_nothing_with_others_keep_all() -> None:
    probe = RetentionProbe(fragments_of([[10, 11, 12], [12, 10, 11]]), 0.5, LAGS)
    found = {
        t.metric: t.values
        for t in probe.measure(bigrams(), fragments_of([[3, 5], [12, 10]]), [0, 1], batch=9).traces
    }
    assert found["left after 16"][0] == 1.0
    assert found["half-life"][0] == np.inf
    assert found["left after 16"][1] < found["left after 1"][1] < 1


def naive(
    model: LanguageModel, fragments: Fragments, row: int, further: Fragments, size: float
) -> list[float]:
    """The definition, with copies of whole models."""

    def loss(network: Any, of: Fragments, which: int) -> Any:
        ids = torch.from_numpy(of.tokens[which, : of.lengths[which]].astype(np.int64))[None]
        return network(input_ids=ids, labels=ids).loss  # mean over the predicted tokens

    def stepped(network: Any, of: Fragments, which: int) -> None:
        grads = torch.autograd.grad(loss(network, of, which), list(network.parameters()))
        with torch.no_grad():
            for parameter, g in zip(network.parameters(), grads, strict=True):
                parameter.sub_(size * g)

    without, with_own = copy.deepcopy(model.network), copy.deepcopy(model.network)
    stepped(with_own, fragments, row)
    gains = []
    for k in range(5):
        gains.append((loss(without, fragments, row) - loss(with_own, fragments, row)).item())
        if k < 4:
            stepped(without, further, k)
            stepped(with_own, further, k)
    return [gains[1] / gains[0], gains[4] / gains[0]]


def drawn(seed: int, n: int) -> Fragments:
    """Fragments over few tokens of their own, some of which they share."""
    rng = np.random.default_rng(seed)
    return fragments_of(
        [rng.choice(VOCABULARY, size=3 + i % 4)[rng.integers(0, 3, 10)].tolist() for i in range(n)]
    )


def test_exact_retention_is_the_definition(gpt2: LanguageModel) -> None:
    fragments, further = drawn(1, 3), drawn(2, 4)
    before = {name: value.clone() for name, value in gpt2.network.state_dict().items()}
    found = exact_retention(gpt2, fragments, [2, 0], further, 0.05, lags=(1, 4))
    for at, row in enumerate([2, 0]):
        np.testing.assert_allclose(found[:, at], naive(gpt2, fragments, row, further, 0.05), rtol=2e-3)
    for name, value in gpt2.network.state_dict().items():
        assert torch.equal(value, before[name])
    with pytest.raises(PlanError, match="too few"):
        exact_retention(gpt2, fragments, [0], further, 0.05, lags=(5,))


def test_the_estimate_ranks_fragments_as_the_steps_themselves_do() -> None:
    """Bigrams from a pool that the others use, or from one they do not, or from both in some share."""
    rng = np.random.default_rng(3)
    common, rare = np.arange(1, 6), np.arange(10, 30)

    def row(share: float) -> list[int]:
        pick = rng.random(12) < share
        return np.where(pick, rng.choice(common, 12), rng.choice(rare, 12)).tolist()

    fragments = fragments_of([row(share) for share in np.linspace(0, 1, 20)])
    others, further = (fragments_of([row(0.9) for _ in range(n)]) for n in (8, 16))
    model = bigrams()
    exact = exact_retention(model, fragments, range(20), further, 5.0)
    traces = RetentionProbe(others, 5.0).measure(model, fragments, range(20), batch=100).traces
    for trace, truth in zip(traces[1:3], exact[1:], strict=True):
        assert np.ptp(truth) > 0.2
        assert spearmanr(trace.values, truth).statistic > 0.85
        assert abs(np.mean(trace.values - truth)) < 0.12


def test_taken_along_by_the_step_probe_it_is_the_same(gpt2: LanguageModel) -> None:
    fragments, others, reference = drawn(4, 3), drawn(5, 3), drawn(6, 2)
    probe = RetentionProbe(others, 0.02)
    alone = probe.measure(gpt2, fragments, [1, 2], batch=20).traces
    for each in (reference, others):
        both = StepProbe(each, 0.02, retention=probe).measure(gpt2, fragments, [1, 2], batch=20).traces
        along = [trace for trace in both if trace.probe == "retention"]
        for a, b in zip(alone, along, strict=True):
            assert a.metric == b.metric
            np.testing.assert_allclose(a.values, b.values, rtol=1e-3)


def test_bad_settings_are_refused() -> None:
    for others, size, lags in ((drawn(0, 1), 0.1, LAGS), (drawn(0, 2), 0.0, LAGS), (drawn(0, 2), 0.1, (0,))):
        with pytest.raises(PlanError, match="retention needs"):
            RetentionProbe(others, size, lags)
