"""Mean gradients, the noise scale, the check on the user's model, and the estimate of memory."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'hf'")

from negspace.gradients import GradientMeter, check, layer_of, mean_gradient  # noqa: E402
from negspace.language_models import memory_of  # noqa: E402
from negspace.probes import noise_scale, spans  # noqa: E402

from .conftest import alone, as_model, dot  # noqa: E402


def test_the_mean_gradient_is_the_mean_of_single_ones_whatever_the_batch(gpt2, fragments):
    rows = [4, 0, 1, 2]
    truths = [alone(gpt2, fragments, row).gradient for row in rows]
    for batch in (1, 20, 1000):
        found = mean_gradient(as_model(gpt2), fragments, rows, batch=batch)
        for name, tensor in found.tensors.items():
            wanted = sum(truth[name] for truth in truths) / len(rows)
            torch.testing.assert_close(tensor.double(), wanted, rtol=1e-4, atol=1e-6)
        for layer, square in zip(found.layers, found.squared_norm, strict=True):
            names = [name for name in found.tensors if layer_of(name) == layer]
            assert square == pytest.approx(dot(found.tensors, found.tensors, names), rel=1e-9)
    assert all(p.grad is None for p in gpt2.parameters())


def test_noise_scale_is_unbiased_at_sizes_that_differ():
    """A mean of known signal and noise, seen in parts of 3, 5 and 8 units and as a whole."""
    rng = np.random.default_rng(0)
    signal, sigma, sizes, trials = np.array([0.3, -0.2, 0.1]), 0.8, np.array([3, 5, 8]), 40_000
    parts = [signal + rng.normal(0, sigma / np.sqrt(n), (trials, 3)) for n in sizes]
    whole = sum(n * part for n, part in zip(sizes, parts, strict=True)) / sizes.sum()
    small = np.mean([(part**2).sum(1) for part in parts], axis=0)
    found = noise_scale(
        small,
        (whole**2).sum(1),
        small_size=float(1 / np.mean(1 / sizes)),
        large_size=float(sizes.sum()),
    )
    assert found.signal.mean() == pytest.approx((signal**2).sum(), abs=5 * found.signal.std() / trials**0.5)
    assert found.noise.mean() == pytest.approx(3 * sigma**2, abs=5 * found.noise.std() / trials**0.5)
    sure = (found.signal > 0) & (found.noise > 0)
    np.testing.assert_allclose(found.scale[sure], (found.noise / found.signal)[sure])
    assert np.isnan(found.scale[~sure]).all()
    assert (~sure).any()


def test_one_part_has_no_noise_scale():
    found = noise_scale(np.array([3.0]), np.array([2.0]), small_size=4.0, large_size=4.0)
    assert np.isnan([found.signal, found.noise, found.scale]).all()


@pytest.mark.parametrize(("scored", "n"), [(12, 4), (13, 4), (3, 4), (1, 4)])
def test_spans_cover_all_scored_tokens_and_are_nearly_equal(scored, n):
    sizes = np.diff(spans(scored, n))
    assert sizes.sum() == scored
    assert len(sizes) == min(n, scored)
    assert sizes.max() - sizes.min() <= 1


def test_the_check_finds_agreement_and_would_find_an_error(gpt2, fragments, monkeypatch):
    found = check(as_model(gpt2), fragments, [0, 1, 2], rounds=1)
    assert max(found.norm_error, found.dot_error, found.loss_error) < 1e-5
    assert (found.fragments, GradientMeter(gpt2).coverage.share) == (3, 1.0)
    assert found.overhead > 0
    # Without its cross term a tied embedding is wrong, and the check has to say so.
    monkeypatch.setattr(
        "negspace.gradients.module_functions.cross_sums", lambda x, *_: torch.zeros(len(x)).double()
    )
    assert check(as_model(gpt2), fragments, [0, 1, 2], rounds=1).norm_error > 1e-3


def test_the_estimate_covers_what_autograd_keeps(gpt2, fragments):
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        kept[storage.data_ptr()] = storage.nbytes()
        return tensor

    ids = torch.zeros(8, 32, dtype=torch.int64)
    own = {p.untyped_storage().data_ptr() for p in gpt2.parameters()}
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        logits = gpt2(input_ids=ids, use_cache=False).logits
    seen = sum(size for at, size in kept.items() if at not in own) + logits.nbytes
    found = memory_of(gpt2, batch=256, longest=32)
    assert seen <= found.activations + found.logits <= 4 * seen
