"""Replicas that train together take the very steps each would take alone."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from negspace.errors import PlanError
from negspace.lab.replicas import (
    Adam,
    Batches,
    LstmNet,
    ModuleNet,
    Replicas,
    against,
    gru_net,
    transformer_net,
)
from negspace.lab.replicas.vmap_engine import ModuleReplicas

NETS = [
    LstmNet(embedding=4, hidden=6),
    LstmNet(embedding=4, hidden=6, delta="neighbour"),
    gru_net(4, 6),
    transformer_net(8, 2, 12),
]


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def _batches(net: LstmNet | ModuleNet, seed: int, steps: int, batch: int = 8) -> Batches:
    """Random tokens, some labels soft; nonsense where a row has ended."""
    rng = np.random.default_rng([seed, 7])
    tokens = rng.integers(0, 50, (steps, 12, batch), dtype=np.int32)
    rows = tokens.transpose(0, 2, 1).reshape(-1, 12)
    other = against(rows, net.delta, rng)
    if other is not None:
        other = np.ascontiguousarray(other.reshape(steps, batch, 12).transpose(0, 2, 1))
    lengths = rng.integers(6, 13, steps)
    for step, length in enumerate(lengths):
        tokens[step, length:] = 10**6
    labels = rng.choice([0.0, 1.0, 0.3], (steps, batch)).astype(np.float32)
    return Batches(tokens, other, labels, lengths)


def _alone(
    net: LstmNet | ModuleNet, initial: np.ndarray, adam: Adam, batches: Batches
) -> tuple[np.ndarray, np.ndarray]:
    """The plain loop: one module, autograd, torch's own Adam, nothing padded."""
    module = net.build()
    nn.utils.vector_to_parameters(torch.tensor(initial), module.parameters())
    optimiser = torch.optim.Adam(
        module.parameters(),
        lr=adam.lr,
        weight_decay=adam.weight_decay,
        betas=(adam.beta1, adam.beta2),
        eps=adam.eps,
    )
    losses = []
    for step, length in enumerate(batches.lengths):
        tokens = torch.tensor(batches.tokens[step, :length].T)
        other = None if batches.against is None else torch.tensor(batches.against[step, :length].T)
        logits = module(tokens, other, torch.full((len(tokens),), int(length)))
        loss = binary_cross_entropy_with_logits(logits, torch.tensor(batches.labels[step]))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    found = nn.utils.parameters_to_vector(module.parameters()).detach().numpy()
    return found, np.array(losses)


@pytest.mark.parametrize("net", NETS, ids=lambda net: f"{net.name}-{net.delta}")
def test_equals_the_plain_loop(net: LstmNet | ModuleNet) -> None:
    adams = [Adam(), Adam(lr=0.02, weight_decay=0.01), Adam(beta1=0.8, beta2=0.99, eps=1e-6)]
    initial = [net.initial(seed) for seed in range(3)]
    batches = [_batches(net, seed, 20) for seed in range(3)]
    together = ModuleReplicas(net, initial, adams)
    assert isinstance(together, Replicas)
    halves = [[_cut(b, part) for b in batches] for part in (slice(0, 7), slice(7, 20))]
    losses = np.concatenate([together.train(half) for half in halves], axis=1)
    assert losses.dtype == np.float32
    for replica in range(3):
        expected, plain_losses = _alone(net, initial[replica], adams[replica], batches[replica])
        # A gradient near eps makes Adam's step sensitive; most parameters agree far closer.
        np.testing.assert_allclose(together.parameters(replica), expected, rtol=0, atol=2e-5)
        np.testing.assert_allclose(losses[replica], plain_losses, rtol=0, atol=2e-6)
        assert np.abs(expected - initial[replica]).max() > 0.02
    assert together.diverged_at == (None, None, None)


def _cut(batches: Batches, part: slice) -> Batches:
    other = None if batches.against is None else batches.against[part]
    return Batches(batches.tokens[part], other, batches.labels[part], batches.lengths[part])


@pytest.mark.parametrize("net", NETS, ids=lambda net: f"{net.name}-{net.delta}")
def test_gradients_equal_autograd(net: LstmNet | ModuleNet) -> None:
    """The first step of Adam with a huge eps is lr / eps times the gradient."""
    eps = 1e4
    adam = Adam(lr=eps, weight_decay=0.0, eps=eps)
    initial = [net.initial(seed) for seed in range(4)]
    batches = [_batches(net, seed, 1) for seed in range(4)]
    together = ModuleReplicas(net, initial, adam)
    together.train(batches)
    module = net.build()
    for replica, data in enumerate(batches):
        nn.utils.vector_to_parameters(torch.tensor(initial[replica]), module.parameters())
        length = int(data.lengths[0])
        other = None if data.against is None else torch.tensor(data.against[0, :length].T)
        logits = module(torch.tensor(data.tokens[0, :length].T), other, torch.full((8,), length))
        loss = binary_cross_entropy_with_logits(logits, torch.tensor(data.labels[0]))
        gradient = torch.autograd.grad(loss, list(module.parameters()))
        expected = torch.cat([g.flatten() for g in gradient]).numpy()
        found = initial[replica] - together.parameters(replica)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)
        assert np.abs(expected).max() > 1e-2


@pytest.mark.parametrize("net", NETS, ids=lambda net: f"{net.name}-{net.delta}")
def test_neighbours_do_not_matter(net: LstmNet | ModuleNet) -> None:
    initial = [net.initial(seed) for seed in range(5)]
    batches = [_batches(net, seed, 20) for seed in range(5)]
    together = ModuleReplicas(net, initial, Adam())
    losses = together.train(batches)
    for replica in (0, 3):
        alone = ModuleReplicas(net, [initial[replica]], Adam())
        np.testing.assert_allclose(alone.train([batches[replica]])[0], losses[replica], rtol=0, atol=1e-6)
        np.testing.assert_allclose(alone.parameters(0), together.parameters(replica), rtol=0, atol=1e-5)


def test_many_run_in_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    net = NETS[1]
    initial = [net.initial(seed) for seed in range(5)]
    batches = [_batches(net, seed, 4) for seed in range(5)]
    at_once = ModuleReplicas(net, initial, Adam())
    losses = at_once.train(batches)
    monkeypatch.setattr("negspace.lab.replicas.vmap_engine._GROUP", 2)
    in_groups = ModuleReplicas(net, initial, Adam())
    np.testing.assert_allclose(in_groups.train(batches), losses, rtol=0, atol=1e-6)
    for replica in range(5):
        np.testing.assert_allclose(
            in_groups.parameters(replica), at_once.parameters(replica), rtol=0, atol=1e-5
        )


@pytest.mark.parametrize("net", [NETS[1], NETS[3]], ids=lambda net: net.name)
def test_a_replica_that_diverges_is_masked(net: LstmNet | ModuleNet) -> None:
    initial = [net.initial(seed) for seed in range(3)]
    batches = [_batches(net, seed, 8) for seed in range(3)]
    healthy = ModuleReplicas(net, initial, Adam())
    expected = healthy.train(batches)
    first = ModuleReplicas(net, [initial[1]], Adam())
    first.train([_cut(batches[1], slice(0, 5))])
    labels = batches[1].labels.copy()
    labels[5, 2] = np.nan
    ill = ModuleReplicas(net, initial, Adam())
    spoilt = [batches[0], replace(batches[1], labels=labels), batches[2]]
    parts = [[_cut(b, part) for b in spoilt] for part in (slice(0, 3), slice(3, 7), slice(7, 8))]
    losses = np.concatenate([ill.train(part) for part in parts], axis=1)
    assert ill.diverged_at == (None, 5, None)
    assert np.isnan(losses[1]).tolist() == [False] * 5 + [True] * 3
    np.testing.assert_allclose(ill.parameters(1), first.parameters(0), rtol=0, atol=1e-5)
    for replica in (0, 2):
        np.testing.assert_array_equal(losses[replica], expected[replica])
        np.testing.assert_array_equal(ill.parameters(replica), healthy.parameters(replica))


def test_infinite_from_the_start() -> None:
    net = NETS[0]
    initial = [net.initial(0), net.initial(1)]
    initial[0][-1] = np.inf
    ill = ModuleReplicas(net, initial, Adam())
    losses = ill.train([_batches(net, seed, 2) for seed in range(2)])
    assert ill.diverged_at == (0, None)
    assert np.isnan(losses[0]).all()
    np.testing.assert_array_equal(ill.parameters(0), initial[0])


@pytest.mark.parametrize("net", NETS, ids=lambda net: f"{net.name}-{net.delta}")
def test_logits(net: LstmNet | ModuleNet) -> None:
    initial = [net.initial(seed) for seed in range(2)]
    together = ModuleReplicas(net, initial, Adam())
    rng = np.random.default_rng(0)
    tokens = rng.integers(0, 50, (5000, 20), dtype=np.int32)
    other = against(tokens, net.delta, rng)
    module = net.build()
    nn.utils.vector_to_parameters(torch.tensor(initial[1]), module.parameters())
    given = None if other is None else torch.tensor(other)
    with torch.no_grad():
        expected = module(torch.tensor(tokens), given, torch.full((5000,), 20)).numpy()
    np.testing.assert_allclose(together.logits(1, tokens, other), expected, rtol=0, atol=1e-5)
    none = None if other is None else other[:0]
    assert together.logits(1, tokens[:0], none).shape == (0,)


def test_torchs_state_is_left_alone() -> None:
    before = torch.random.get_rng_state(), torch.get_num_threads(), torch.get_default_dtype()
    for net in NETS:
        ModuleReplicas(net, [net.initial(0)], Adam()).train([_batches(net, 0, 1)])
    assert torch.equal(torch.random.get_rng_state(), before[0])
    assert (torch.get_num_threads(), torch.get_default_dtype()) == before[1:]


def test_it_learns() -> None:
    """Whether the first token is below 25, from rows of every length at once."""
    net = NETS[0]
    rng = np.random.default_rng(0)

    def easy() -> Batches:
        tokens = rng.integers(0, 50, (150, 12, 16), dtype=np.int32)
        labels = (tokens[:, 0] < 25).astype(np.float32)
        return Batches(tokens[:, :4], None, labels, rng.integers(1, 5, 150))

    together = ModuleReplicas(net, [net.initial(s) for s in range(2)], Adam(lr=0.03))
    losses = together.train([easy(), easy()])
    assert losses[:, :5].mean() > 0.6
    assert losses[:, -20:].mean() < 0.2


class _Scores(nn.Module):
    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.scores = nn.Embedding(50, 1)
        self.dropout = nn.Dropout(dropout)

    def forward(self, tokens: Tensor, against: Tensor | None, lengths: Tensor) -> Tensor:
        read = torch.arange(tokens.shape[1]) < lengths[:, None]
        return (self.dropout(self.scores(tokens)).squeeze(-1) * read).sum(1)


def test_a_users_module() -> None:
    net = ModuleNet("scores", _Scores)
    initial = [net.initial(seed) for seed in range(2)]
    batches = [_batches(net, seed, 20) for seed in range(2)]
    together = ModuleReplicas(net, initial, Adam())
    together.train(batches)
    for replica in range(2):
        expected, _ = _alone(net, initial[replica], Adam(), batches[replica])
        np.testing.assert_allclose(together.parameters(replica), expected, rtol=0, atol=2e-5)


def _fit(net: LstmNet | ModuleNet, batches: Sequence[Batches], replicas: int = 2) -> None:
    ModuleReplicas(net, [net.initial(s) for s in range(replicas)], Adam()).train(batches)


def test_refused() -> None:
    lstm, with_delta, gru = NETS[0], NETS[1], NETS[2]
    good = _batches(lstm, 0, 2)
    unknown = replace(good, tokens=np.full_like(good.tokens, 50))
    negative = replace(good, tokens=np.full_like(good.tokens, -1))
    bad_delta = _batches(with_delta, 0, 2)
    assert bad_delta.against is not None
    bad_delta = replace(bad_delta, against=np.full_like(bad_delta.against, 50))
    dropout = ModuleNet("dropout", functools.partial(_Scores, dropout=0.1))
    for net, batches in (
        (lstm, [good]),
        (lstm, [good, _batches(lstm, 1, 3)]),
        (lstm, [good, unknown]),
        (gru, [unknown, good]),
        (lstm, [negative, good]),
        (with_delta, [good, good]),
        (with_delta, [bad_delta, bad_delta]),
        (lstm, [good, _batches(with_delta, 1, 2)]),
        (lstm, [good, replace(good, lengths=np.array([3, 0]))]),
        (lstm, [good, replace(good, lengths=np.array([3, 13]))]),
        (dropout, [good, good]),
    ):
        with pytest.raises(PlanError):
            _fit(net, batches)
    with pytest.raises(PlanError):
        ModuleReplicas(lstm, [], Adam())
    with pytest.raises(PlanError):
        ModuleReplicas(lstm, [lstm.initial(0)[:-1]], Adam())
    with pytest.raises(PlanError):
        ModuleReplicas(lstm, [lstm.initial(0)], [Adam(), Adam()])
    with pytest.raises(PlanError):
        ModuleReplicas(gru, [gru.initial(0)], Adam()).logits(0, unknown.tokens[0], None)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("net", NETS, ids=lambda net: f"{net.name}-{net.delta}")
def test_cuda_equals_cpu(net: LstmNet | ModuleNet) -> None:
    initial = [net.initial(seed) for seed in range(3)]
    batches = [_batches(net, seed, 20) for seed in range(3)]
    cpu = ModuleReplicas(net, initial, Adam()).train(batches)
    gpu = ModuleReplicas(net, initial, Adam(), "cuda").train(batches)
    np.testing.assert_allclose(gpu, cpu, rtol=0, atol=1e-4)
