"""The cells compute what PyTorch's own compute; padding is not read; nets are data."""

from __future__ import annotations

import functools
import math
import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor, nn

from negspace.errors import MissingExtraError, PlanError
from negspace.lab.replicas import (
    DELTAS,
    Delta,
    LstmNet,
    ModuleNet,
    Net,
    against,
    count,
    gru_net,
    tensors,
    transformer_net,
)
from negspace.lab.replicas.torch_modules import GruModule, LstmModule, TransformerModule

LENGTHS = [1, 4, 6, 9, 9, 12]


class _Plain(nn.Module):
    """As anyone would write it, reading one row at its own length."""

    def __init__(self, layer: nn.LSTM | nn.GRU, embedding: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(50, embedding)
        name = "lstm" if isinstance(layer, nn.LSTM) else "gru"
        self.add_module(name, layer)
        self.layer = [layer]
        self.linear = nn.Linear(layer.hidden_size, 1)

    def forward(self, row: Tensor, subtracted: Tensor | None) -> Tensor:
        inputs = self.embedding(row)
        if subtracted is not None:
            taken = [self.embedding(a) if a >= 0 else torch.zeros_like(inputs[0]) for a in subtracted]
            inputs = torch.cat([inputs, inputs - torch.stack(taken)], dim=1)
        states, _ = self.layer[0](inputs[None])
        return self.linear(states[0, -1]).squeeze()


def _padded_rows(seed: int) -> tuple[Tensor, Tensor]:
    tokens = np.random.default_rng(seed).integers(0, 50, (len(LENGTHS), max(LENGTHS)))
    return torch.tensor(tokens, dtype=torch.int32), torch.tensor(LENGTHS)


@pytest.mark.parametrize("delta", [None, *DELTAS])
def test_lstm_is_torchs(delta: Delta | None) -> None:
    net = LstmNet(embedding=5, delta=delta, hidden=7)
    plain = _Plain(nn.LSTM(net.inputs, 7, batch_first=True), 5)
    ours = LstmModule(net)
    ours.load_state_dict(plain.state_dict())
    tokens, lengths = _padded_rows(0)
    rng = np.random.default_rng(1)
    found = against(tokens.numpy(), delta, rng)
    other = None if found is None else torch.tensor(found)
    expected = [
        plain(row[:n], None if other is None else other[i, :n])
        for i, (row, n) in enumerate(zip(tokens, LENGTHS, strict=True))
    ]
    torch.testing.assert_close(ours(tokens, other, lengths), torch.stack(expected), rtol=0, atol=1e-6)


def test_lstm_fits_the_flat_vector() -> None:
    net = LstmNet(embedding=3, delta="anchor", hidden=4, vocabulary=6)
    shapes = {name: tuple(p.shape) for name, p in LstmModule(net).named_parameters()}
    assert list(shapes.items()) == list(net.shapes().items())


def test_gru_is_torchs() -> None:
    plain = _Plain(nn.GRU(5, 7, batch_first=True), 5)
    ours = GruModule(5, 7, 50)
    ours.load_state_dict(plain.state_dict())
    tokens, lengths = _padded_rows(0)
    expected = [plain(row[:n], None) for row, n in zip(tokens, LENGTHS, strict=True)]
    torch.testing.assert_close(ours(tokens, None, lengths), torch.stack(expected), rtol=0, atol=1e-6)


def test_transformer_is_torchs() -> None:
    """Against torch's encoder layer, which packs the same tensors under other names."""
    ours = TransformerModule(8, 2, 12, 50)
    layer = nn.TransformerEncoderLayer(
        8, 2, 12, dropout=0, activation="gelu", batch_first=True, norm_first=True
    )
    names = {
        "self_attn.in_proj_": "query_key_value.",
        "self_attn.out_proj.": "mix.",
        "linear1.": "widen.",
        "linear2.": "narrow.",
        "norm1.": "norm_attention.",
        "norm2.": "norm_feed_forward.",
    }
    own = ours.state_dict()
    layer.load_state_dict({a + w: own[b + w] for a, b in names.items() for w in ("weight", "bias")})
    tokens, lengths = _padded_rows(0)
    expected = []
    for row, n in zip(tokens, LENGTHS, strict=True):
        place = torch.tensor([[t / 10_000 ** (2 * i / 8) for i in range(4)] for t in range(n)])
        inputs = ours.embedding(row[:n]) + torch.cat([place.sin(), place.cos()], dim=1)
        expected.append(ours.linear(ours.norm(layer(inputs[None])[0]).mean(0)).squeeze())
    torch.testing.assert_close(ours(tokens, None, lengths), torch.stack(expected), rtol=0, atol=1e-5)


@pytest.mark.parametrize("module", [LstmModule(LstmNet()), gru_net().build(), transformer_net().build()])
def test_padding_is_not_read_and_rows_stand_alone(module: nn.Module) -> None:
    tokens, lengths = _padded_rows(0)
    expected = module(tokens, None, lengths)
    ended = torch.arange(12) >= lengths[:, None]
    assert ended.any()
    other = torch.where(ended, (tokens + 17) % 50, tokens)
    torch.testing.assert_close(module(other, None, lengths), expected, rtol=0, atol=1e-6)
    wider = torch.cat([tokens, tokens], dim=1)
    torch.testing.assert_close(module(wider, None, lengths), expected, rtol=0, atol=1e-6)
    order = torch.tensor([3, 0, 5, 1, 4, 2])
    permuted = module(tokens[order], None, lengths[order])
    torch.testing.assert_close(permuted, expected[order], rtol=0, atol=1e-6)
    read = torch.where(ended, tokens, (tokens + 17) % 50)
    assert (module(read, None, lengths) - expected).abs().min() > 1e-4


def test_transformer_knows_order_and_reads_on() -> None:
    module = transformer_net().build()
    row = torch.arange(40)[None]
    both = module(torch.cat([row, row.flip(1)]), None, torch.tensor([40, 40]))
    assert both.isfinite().all()
    assert (both[0] - both[1]).abs() > 1e-3


def test_sizes_are_equal() -> None:
    lstm = count(LstmNet(embedding=16))
    assert lstm == 7233
    for net in (gru_net(), transformer_net()):
        assert abs(count(net) / lstm - 1) < 0.015
        assert count(net) == sum(p.numel() for p in net.build().parameters())


def test_initial_values_are_torchs_and_leave_its_state() -> None:
    before = torch.random.get_rng_state()
    net = gru_net(embedding=64, hidden=60)
    one, same, other = net.initial(3), net.initial(3), net.initial(4)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert one.dtype == np.float32
    np.testing.assert_array_equal(one, same)
    assert (one != other).mean() > 0.99
    views = tensors(net, one)
    assert abs(views["embedding.weight"].std() - 1) < 0.05
    bound = 1 / math.sqrt(60)
    recurrent = views["gru.weight_hh_l0"]
    assert np.abs(recurrent).max() <= bound
    assert abs(recurrent.std() - bound / math.sqrt(3)) < 0.02 * bound


def test_nets_are_data() -> None:
    for net in (gru_net(), transformer_net()):
        assert isinstance(net, Net)
        again = pickle.loads(pickle.dumps(net))
        assert again == net
        assert again.describe() == net.describe()
        np.testing.assert_array_equal(again.initial(5), net.initial(5))
        assert net.delta is None
    described = gru_net().describe()
    assert described["parameters"] == 7223
    assert described["settings"] == {"embedding": 16, "hidden": 38, "vocabulary": 50}
    assert described["source"] == gru_net(hidden=5).describe()["source"]
    assert described["source"] != _net(nn.Identity).describe()["source"]


class _Bag(nn.Module):
    """A user's own module."""

    def __init__(self, dtype: torch.dtype = torch.float32) -> None:
        super().__init__()
        self.scores = nn.Embedding(50, 1, dtype=dtype)

    def forward(self, tokens: Tensor, against: Tensor | None, lengths: Tensor) -> Tensor:
        read = torch.arange(tokens.shape[1]) < lengths[:, None]
        return (self.scores(tokens).squeeze(-1) * read).sum(1)


def _net(factory: Callable[[], nn.Module]) -> ModuleNet:
    return ModuleNet("bag", factory)


def test_a_users_module() -> None:
    net = _net(functools.partial(_Bag, dtype=torch.float32))
    assert net.shapes() == {"scores.weight": (50, 1)}
    assert pickle.loads(pickle.dumps(net)).shapes() == net.shapes()
    assert net.describe()["source"] == _net(_Bag).describe()["source"]


def test_refused() -> None:
    cases: list[Callable[[], Any]] = [
        lambda: gru_net(hidden=0),
        lambda: transformer_net(width=7, heads=1),
        lambda: transformer_net(width=10, heads=3),
        lambda: _net(functools.partial(_Bag, dtype=torch.float64)).initial(0),
    ]
    for case in cases:
        with pytest.raises(PlanError):
            case()


def test_without_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("negspace.lab.replicas.nets.find_spec", lambda _: None)
    with pytest.raises(MissingExtraError, match=r"negspace\[torch\]"):
        gru_net().shapes()
    code = "import sys; from negspace.lab.replicas import gru_net; gru_net(); "
    code += "sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
