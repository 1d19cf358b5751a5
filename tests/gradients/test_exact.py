"""Against a loop of autograd, one fragment at a time and in float64."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'hf'")

from negspace.gradients import (  # noqa: E402
    GradientMeter,
    gradient_scale,
    layer_of,
    losses_into_gradient,
    mean_gradient,
    outer_sums,
)
from negspace.language_models import take  # noqa: E402

from .conftest import LENGTHS, alone, as_model, build, dot, random_direction  # noqa: E402

ROWS = range(len(LENGTHS))


def test_norms_dots_and_losses_of_every_layer_are_autograds(network, fragments):
    directions = [random_direction(network, seed) for seed in (1, 2)]
    meter = GradientMeter(network, directions)
    assert meter.coverage.share == 1
    assert meter.coverage.warning() is None
    found = meter.measure(take(fragments, ROWS))
    norms_alone = GradientMeter(network).measure(take(fragments, ROWS))
    for b in ROWS:
        truth = alone(network, fragments, b)
        assert found.loss[b] == pytest.approx(truth.loss, rel=1e-5)
        whole = dot(truth.gradient, truth.gradient) ** 0.5
        for at, layer in enumerate(found.layers):
            names = [name for name in truth.gradient if layer_of(name) == layer]
            square = dot(truth.gradient, truth.gradient, names)
            assert found.squared_norm[b, at] == pytest.approx(square, rel=1e-5)
            # Without directions, norms may take another route.
            assert norms_alone.squared_norm[b, at] == pytest.approx(square, rel=1e-5)
            for k, direction in enumerate(directions):
                # A dot product of nearly orthogonal directions has no digits of its own.
                scale = whole * dot(direction, direction, names) ** 0.5
                assert found.dots[k, b, at] == pytest.approx(
                    dot(truth.gradient, direction, names), rel=1e-5, abs=1e-6 * scale
                )


def test_batch_size_order_neighbours_and_padding_change_nothing(gpt2, fragments):
    meter = GradientMeter(gpt2, [random_direction(gpt2, 1)])
    together = meter.measure(take(fragments, ROWS))
    for rows in ([0], [2], [2, 4], [4, 3, 2, 1, 0], [1, 1]):
        found = meter.measure(take(fragments, rows))
        np.testing.assert_allclose(found.squared_norm, together.squared_norm[rows], rtol=1e-5)
        np.testing.assert_allclose(found.dots, together.dots[:, rows], rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(found.loss, together.loss[rows], rtol=1e-6)


def test_what_stands_in_the_padding_does_not_matter(gpt2, fragments):
    meter = GradientMeter(gpt2)
    batch = take(fragments, ROWS)
    scribbled = batch.ids.masked_fill(torch.arange(batch.ids.shape[1]) >= torch.tensor(LENGTHS)[:, None], 17)
    found = meter.measure(dataclasses.replace(batch, ids=scribbled))
    np.testing.assert_allclose(found.squared_norm, meter.measure(batch).squared_norm, rtol=1e-6)


def test_weights_measure_a_part_of_a_fragment(gpt2, fragments):
    batch = take(fragments, [0, 0, 3])
    weights = torch.zeros(batch.ids.shape)
    weights[0, 1:5], weights[1, 5:] = 0.25, torch.linspace(0.0, 2.0, 8)
    weights[2, 12] = 1.0
    found = GradientMeter(gpt2).measure(batch, weights)
    for b, row in enumerate((0, 0, 3)):
        truth = alone(gpt2, fragments, row, weights[b])
        assert found.loss[b] == pytest.approx(truth.loss, rel=1e-5)
        square = dot(truth.gradient, truth.gradient)
        assert found.squared_norm[b].sum() == pytest.approx(square, rel=1e-5)


def test_wide_layers_are_formed_in_several_blocks(fragments):
    """Of 600 x 512 numbers and more, in the CPU's blocks and all fragments together."""
    generator = torch.Generator().manual_seed(0)
    left, right, directions = (
        torch.randn(shape, generator=generator) for shape in ((3, 40, 700), (3, 40, 512), (2, 700, 512))
    )
    formed = torch.einsum("bsm,bsn->bmn", left.double(), right.double()).flatten(1)
    wanted = torch.cat([(formed**2).sum(1)[None], directions.double().flatten(1) @ formed.T])
    for found in (outer_sums(left, right, directions), outer_sums(left, right, directions, one_by_one=False)):
        torch.testing.assert_close(found[0], wanted[0], rtol=1e-6, atol=0)
        torch.testing.assert_close(found[1:], wanted[1:], rtol=1e-5, atol=1e-1)
    torch.testing.assert_close(outer_sums(left, right, directions[:0]), wanted[:1], rtol=1e-6, atol=0)


def test_a_direction_of_another_shape_is_refused(gpt2):
    from negspace.errors import NegspaceError

    with pytest.raises(NegspaceError, match=r"transformer\.wpe\.weight"):
        GradientMeter(gpt2, [{"transformer.wpe.weight": torch.zeros(2, 2)}])


def test_float16_keeps_what_a_large_vocabulary_asks_of_each_word():
    """A share of 1 / 20,000 of the mean over 500 tokens is 1.7 times what float16 tells from 0."""
    logits, ids = torch.zeros(1, 2, 20_000, dtype=torch.float16), torch.tensor([[3, 4]])
    scale = gradient_scale(logits.dtype)
    losses_into_gradient(logits, ids, torch.full((1, 2), 1 / 500) * scale)
    found = logits[0, 0].double() / scale
    assert found[4].item() == pytest.approx((1 / 20_000 - 1) / 500, rel=1e-3)
    assert found[5].item() == pytest.approx(1 / 20_000 / 500, rel=1e-2)


def test_gradients_in_float16_are_autograds(fragments):
    network = build("gpt2, tied")
    truth = alone(network.half(), fragments, 0)  # of the rounded parameters
    network.half()
    meter = GradientMeter(network, [truth.gradient])
    found = meter.measure(take(fragments, [0]))
    mean = mean_gradient(as_model(network), fragments, [0], batch=100)
    assert found.loss[0] == pytest.approx(truth.loss, rel=1e-2)
    for at, layer in enumerate(found.layers):
        square = dot(truth.gradient, truth.gradient, [n for n in truth.gradient if layer_of(n) == layer])
        assert found.squared_norm[0, at] == pytest.approx(square, rel=2e-2), layer
        assert found.dots[0, 0, at] == pytest.approx(square, rel=2e-2), layer
        assert mean.squared_norm[at] == pytest.approx(square, rel=2e-2), layer
