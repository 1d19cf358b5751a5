"""The gradient probe against single gradients, taken one at a time by autograd."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'hf'")
transformers = pytest.importorskip("transformers", reason="needs the extra 'hf'")

from negspace.data import Fragments  # noqa: E402
from negspace.errors import DataError  # noqa: E402
from negspace.gradients import mean_gradient  # noqa: E402
from negspace.language_models import LanguageModel, take  # noqa: E402
from negspace.probes import GradientProbe, Probe, corpus_noise_scale  # noqa: E402

LENGTHS = np.array([12, 7, 2, 10])
LAYERS = ("embed", "0", "1", "final")


@pytest.fixture(scope="module", autouse=True)
def _one_thread() -> Iterator[None]:
    """Networks this small are slower on more."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    config = transformers.GPT2Config(
        vocab_size=31, n_positions=16, n_embd=16, n_layer=2, n_head=2, bos_token_id=None, eos_token_id=None
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        network = transformers.GPT2LMHeadModel(config).eval()
    return LanguageModel("random", network, None, "0" * 64, 16)


@pytest.fixture(scope="module")
def fragments() -> Fragments:
    tokens = np.random.default_rng(0).integers(1, 31, (4, 12)).astype(np.int32)
    return Fragments(("a", "b", "c", "d"), tokens, LENGTHS, ("1", "2", "3", "4"), "some")


@pytest.fixture(scope="module")
def truth(model: LanguageModel, fragments: Fragments) -> np.ndarray:
    """Every fragment's gradient, laid end to end."""
    return np.stack([_gradient(model, fragments, row, 1, int(LENGTHS[row])) for row in range(4)])


def _gradient(model: LanguageModel, fragments: Fragments, row: int, start: int, end: int) -> np.ndarray:
    """Of the mean loss of the tokens from ``start`` up to ``end``."""
    network = model.network.double()
    try:
        batch = take(fragments, [row])
        logits = network(**batch.inputs()).logits[0, start - 1 : end - 1]
        loss = torch.nn.functional.cross_entropy(logits, batch.ids[0, start:end])
        found = torch.autograd.grad(loss, list(network.parameters()))
        return torch.cat([each.flatten() for each in found]).numpy()
    finally:
        network.float()


def _values(probed: Any, measure: str, layer: str | None = None) -> np.ndarray:
    (found,) = [t.values for t in probed.traces if (t.metric, t.layer) == (measure, layer)]
    return found


def _cosine(a: np.ndarray, b: np.ndarray) -> float:
    return float(a @ b / np.sqrt((a @ a) * (b @ b)))


def test_measures_are_those_of_the_gradients_themselves(model, fragments, truth):
    mean = mean_gradient(model, fragments, [0, 1, 2], batch=100)
    reference = mean_gradient(model, fragments, [3], batch=100)
    probe = GradientProbe(mean, reference)
    assert isinstance(probe, Probe)
    found = probe.measure(model, fragments, [3, 0, 2, 1], batch=24)
    at = [3, 0, 2, 1]
    square = (truth**2).sum(1)
    np.testing.assert_allclose(_values(found, "norm"), np.sqrt(square[at]), rtol=1e-5)
    np.testing.assert_allclose(_values(found, "self-influence"), square[at], rtol=1e-5)
    np.testing.assert_allclose(_values(found, "transfer"), truth[at] @ truth[3], rtol=1e-5, atol=1e-7)
    by_layer = sum(_values(found, "norm", layer) ** 2 for layer in LAYERS)
    np.testing.assert_allclose(by_layer, square[at], rtol=1e-5)
    np.testing.assert_allclose(
        _values(found, "cosine to reference"), [_cosine(truth[r], truth[3]) for r in at], atol=1e-5
    )
    # A fragment that is part of the mean meets the mean of the others.
    others = {r: truth[[o for o in (0, 1, 2) if o != r]].mean(0) for r in range(4)}
    np.testing.assert_allclose(
        _values(found, "cosine to mean"), [_cosine(truth[r], others[r]) for r in at], atol=1e-5
    )


def test_a_mean_of_the_fragment_alone_has_no_others(model, fragments):
    probe = GradientProbe(mean=mean_gradient(model, fragments, [0], batch=100))
    found = _values(probe.measure(model, fragments, [0, 1], batch=100), "cosine to mean")
    assert np.isnan(found[0])
    assert np.isfinite(found[1])


def test_batch_and_other_rows_change_nothing(model, fragments):
    probe = GradientProbe(mean_gradient(model, fragments, [0, 1], batch=100), spans=3)
    whole = probe.measure(model, fragments, [0, 1, 2, 3], batch=1000)
    for rows, batch in (([0, 1, 2, 3], 1), ([3, 1], 30), ([2, 2], 1000)):
        found = probe.measure(model, fragments, rows, batch=batch)
        for a, b in zip(found.traces, whole.traces, strict=True):
            assert (a.metric, a.layer) == (b.metric, b.layer)
            np.testing.assert_allclose(a.values, b.values[rows], rtol=2e-4, atol=1e-6)


def test_noise_within_a_fragment_is_that_of_its_spans(model, fragments, truth):
    found = GradientProbe(spans=3).measure(model, fragments, [0, 1, 2], batch=30)
    for row, bounds in ((0, (1, 5, 8, 12)), (1, (1, 3, 5, 7))):
        cut = list(pairwise(bounds))
        parts = np.stack([_gradient(model, fragments, row, a, b) for a, b in cut])
        small = (parts**2).sum(1).mean()
        large = truth[row] @ truth[row]
        assert _values(found, "coherence")[row] == pytest.approx(large / small, rel=1e-4)
        # Two equations, |g|^2 = signal + noise / size, solved by a linear solver.
        sizes = np.array([[1, np.mean([1 / (b - a) for a, b in cut])], [1, 1 / (LENGTHS[row] - 1)]])
        signal, noise = np.linalg.solve(sizes, [small, large])
        wanted = noise / signal if min(signal, noise) > 0 else np.nan
        assert _values(found, "noise scale")[row] == pytest.approx(wanted, rel=1e-3, nan_ok=True)
    assert np.isnan(_values(found, "noise scale")[2])  # one scored token, one span
    assert np.isnan(_values(found, "coherence")[2])


def test_noise_across_the_corpus_is_the_unbiased_variance_of_gradients(model, fragments, truth):
    mean = mean_gradient(model, fragments, range(4), batch=100)
    found = corpus_noise_scale(GradientProbe(mean).measure(model, fragments, range(4), batch=50).traces, mean)
    assert set(found) == {None, *LAYERS}
    variance = truth.var(axis=0, ddof=1).sum()
    assert float(found[None].noise) == pytest.approx(variance, rel=1e-4)
    assert float(found[None].signal) == pytest.approx((truth.mean(0) ** 2).sum() - variance / 4, rel=1e-3)


def test_no_rows_give_nothing(model, fragments):
    assert GradientProbe().measure(model, fragments, [], batch=10).traces == ()


def test_a_loss_that_is_not_finite_names_its_fragment(model: LanguageModel, fragments: Fragments) -> None:
    broken = dataclasses.replace(model, network=copy.deepcopy(model.network))
    with torch.no_grad():
        broken.network.transformer.wpe.weight[11] = float("nan")  # fragment 0 alone is as long
    places = ("here", "2", "3", "4")
    placed = dataclasses.replace(fragments, places=places)
    # A token sees those before it, so one of 12 tokens needs no position 11; one of 13 does.
    longer = dataclasses.replace(
        placed,
        tokens=np.pad(fragments.tokens, ((0, 0), (0, 1)), constant_values=3),
        lengths=LENGTHS + np.array([1, 0, 0, 0]),
    )
    GradientProbe().measure(broken, longer, [1, 2, 3], batch=100)
    for run in (
        lambda: GradientProbe().measure(broken, longer, range(4), batch=100),
        lambda: mean_gradient(broken, longer, range(4), batch=100),
    ):
        with pytest.raises(DataError, match=r"^here: the loss of the model random is not finite"):
            run()
