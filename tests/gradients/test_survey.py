"""What is known of a network, what lands in the ledger, and that the network comes back as it was."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'hf'")

from negspace.errors import NegspaceError  # noqa: E402
from negspace.gradients import GradientMeter, layer_of, layers_of  # noqa: E402
from negspace.language_models import take  # noqa: E402

from .conftest import alone, build, dot  # noqa: E402


class Quantised(torch.nn.Linear):
    """A subclass whose forward is not its parent's."""

    def forward(self, x: Any) -> Any:
        return torch.nn.functional.linear(x, (self.weight * 4).round() / 4, self.bias)


class Experts(torch.nn.Module):
    """Fused: a parameter of its own, multiplied with."""

    def __init__(self) -> None:
        super().__init__()
        self.fused = torch.nn.Parameter(torch.randn(16, 16, generator=torch.Generator().manual_seed(0)) / 4)

    def forward(self, x: Any) -> Any:
        return x + x @ self.fused


class Outside(torch.nn.Module):
    """Uses the weight of a linear map that it also calls."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = torch.nn.Linear(16, 16)

    def forward(self, x: Any) -> Any:
        return self.inner(x) + x @ self.inner.weight


class Twice(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = torch.nn.Linear(16, 16)

    def forward(self, x: Any) -> Any:
        return self.inner(self.inner(x))


class Mixed(torch.nn.Module):
    """Looks like a scale, but mixes what it multiplies with."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.linspace(0.5, 1.5, 16))

    def forward(self, x: Any) -> Any:
        return x * torch.softmax(self.weight.flatten(), 0)[:16]


class Flattened(torch.nn.Module):
    """As experts are given tokens: without their fragments."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = torch.nn.Linear(16, 16)

    def forward(self, x: Any) -> Any:
        return self.inner(x.flatten(0, 1)).view(x.shape)


@pytest.fixture
def changed(gpt2) -> Any:
    """A GPT-2 whose last norm is followed by something else."""

    def change(module: Any) -> Any:
        network = copy.deepcopy(gpt2)
        network.transformer.ln_f = torch.nn.Sequential(network.transformer.ln_f, module)
        return network

    return change


@pytest.mark.parametrize(
    ("module", "name", "why"),
    [
        (Quantised(16, 16), "1.weight", "Quantised is a custom module"),
        (Experts(), "1.fused", "Experts is a custom module"),
        (Outside(), "1.inner.weight", "used outside its module too"),
        (Twice(), "1.inner.weight", "its module is called more than once"),
        (Mixed(), "1.weight", "Mixed is a custom module"),
        (Flattened(), "1.inner.weight", "a Linear whose input does not keep fragments apart"),
    ],
)
def test_what_cannot_be_measured_is_listed_and_the_rest_stays_exact(changed, fragments, module, name, why):
    network = changed(module)
    meter = GradientMeter(network)
    entries = {entry.name: entry for entry in meter.coverage.entries}
    entry = entries[f"transformer.ln_f.{name}"]
    assert (entry.status, entry.why) == ("not covered", why)
    left_out = {e.name for e in entries.values() if e.status != "measured"}
    assert all(each.startswith("transformer.ln_f.1.") for each in left_out)
    sizes = {n: p.numel() for n, p in network.named_parameters()}
    assert meter.coverage.share == pytest.approx(1 - sum(sizes[n] for n in left_out) / sum(sizes.values()))
    assert why in str(meter.coverage.warning())
    found = meter.measure(take(fragments, [0, 1]))
    for b in range(2):
        truth = alone(network, fragments, b).gradient
        names = [each for each in truth if each not in left_out]
        assert found.squared_norm[b].sum() == pytest.approx(dot(truth, truth, names), rel=1e-5)


def test_frozen_parameters_are_listed_and_left_out(gpt2, fragments):
    network = copy.deepcopy(gpt2)
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name.startswith("transformer.h.1."))
    meter = GradientMeter(network)
    assert meter.layers == ("1",)
    assert {e.status for e in meter.coverage.entries if not e.name.startswith("transformer.h.1.")} == {
        "frozen"
    }
    truth = alone(gpt2, fragments, 0).gradient
    names = [name for name in truth if layer_of(name) == "1"]
    found = meter.measure(take(fragments, [0]))
    assert found.squared_norm[0, 0] == pytest.approx(dot(truth, truth, names), rel=1e-5)
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    with pytest.raises(NegspaceError, match="no parameter"):
        GradientMeter(network)


def _state(network: Any) -> list[Any]:
    return [
        [sorted(module.__dict__) for module in network.modules()],
        [module.training for module in network.modules()],
        [(id(p), p.requires_grad, None if p.grad is None else id(p.grad)) for p in network.parameters()],
    ]


@pytest.mark.parametrize("architecture", ["gpt2, tied", "gemma3"])
def test_the_network_is_given_back_as_it_was_after_an_error_too(architecture, fragments, monkeypatch):
    network = build(architecture).train()
    first = next(network.parameters())
    first.grad = torch.ones_like(first)
    values = [p.detach().clone() for p in network.parameters()]
    before = _state(network)
    meter = GradientMeter(network)
    with torch.no_grad():
        meter.measure(take(fragments, [0, 1]))
    assert _state(network) == before

    def stop(*_: Any) -> None:
        raise RuntimeError("stop")

    monkeypatch.setattr("negspace.gradients.meter.losses_into_gradient", stop)
    with pytest.raises(RuntimeError, match="stop"):
        meter.measure(take(fragments, [0, 1]))
    assert _state(network) == before
    assert torch.equal(first.grad, torch.ones_like(first))
    for parameter, value in zip(network.parameters(), values, strict=True):
        assert torch.equal(parameter, value)


def test_dropout_is_off_while_measuring(fragments):
    network = build("gpt2, tied")
    quiet = GradientMeter(network).measure(take(fragments, [0]))
    loud = GradientMeter(network.train()).measure(take(fragments, [0]))
    np.testing.assert_array_equal(quiet.squared_norm, loud.squared_norm)


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("transformer.wte.weight", "embed"),
        ("transformer.wpe.weight", "embed"),
        ("transformer.h.11.attn.c_attn.bias", "11"),
        ("transformer.ln_f.weight", "final"),
        ("lm_head.weight", "head"),
        ("gpt_neox.embed_in.weight", "embed"),
        ("gpt_neox.layers.3.post_attention_layernorm.bias", "3"),
        ("gpt_neox.final_layer_norm.weight", "final"),
        ("embed_out.weight", "head"),
        ("model.embed_tokens.weight", "embed"),
        ("model.layers.2.mlp.experts.17.up_proj.weight", "2"),
        ("model.layers.0.self_attn.q_norm.weight", "0"),
        ("model.norm.weight", "final"),
        ("base_model.model.model.layers.5.self_attn.q_proj.lora_A.default.weight", "5"),
        ("model.rope_scale", "other"),
    ],
)
def test_layers_are_told_by_names(name, layer):
    assert layer_of(name) == layer


def test_layers_stand_in_the_order_of_the_forward_pass():
    names = ["lm_head.weight", "a.norm.weight", "a.10.b", "a.2.b", "a.wte.weight", "scale", "a.2.c"]
    assert layers_of(names) == ("embed", "2", "10", "final", "head", "other")
