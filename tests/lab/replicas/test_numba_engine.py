"""The compiled engine against PyTorch on the plain model, and against itself run in other ways."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib.machinery import ModuleSpec

import numpy as np
import pytest
from jaxtyping import Float32, Float64

from negspace.errors import MissingExtraError, PlanError
from negspace.lab.replicas import (
    DELTAS,
    NOTHING,
    Adam,
    Batches,
    Delta,
    LstmNet,
    LstmReplicas,
    Replicas,
    against,
    numba_engine,
    tensors,
)
from negspace.lab.replicas.numba_layout import allocate, view

pytest.importorskip("numba")

KINDS: tuple[Delta | None, ...] = (None, *DELTAS)
LONGEST, BATCH = 12, 7


def small_net(delta: Delta | None = None) -> LstmNet:
    # Sizes that are no multiples of a vector register's, and a row of the batch more than once by token.
    return LstmNet(embedding=5, delta=delta, hidden=11, vocabulary=9)


def draw(net: LstmNet, steps: int, seed: int, *, batch: int = BATCH, soft: bool = False) -> Batches:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(1, LONGEST + 1, steps)
    tokens = rng.integers(0, net.vocabulary, (steps, LONGEST, batch)).astype(np.int32)
    taken = None
    if net.delta is not None:
        taken = np.full_like(tokens, NOTHING)
        for s, n in enumerate(lengths):
            rows = against(np.ascontiguousarray(tokens[s, :n].T), net.delta, rng)
            assert rows is not None
            taken[s, :n] = rows.T
    labels = rng.random((steps, batch)) if soft else rng.integers(0, 2, (steps, batch))
    return Batches(tokens, taken, labels.astype(np.float32), lengths)


class Plain:
    """nn.Embedding, nn.LSTM, nn.Linear and torch's Adam, in float64."""

    def __init__(self, net: LstmNet, parameters: Float32[np.ndarray, " parameters"], adam: Adam) -> None:
        torch = pytest.importorskip("torch")
        self.torch, self.delta = torch, net.delta
        self.embedding = torch.nn.Embedding(net.vocabulary, net.embedding)
        self.lstm = torch.nn.LSTM(net.inputs, net.hidden)
        self.linear = torch.nn.Linear(net.hidden, 1)
        self.modules = torch.nn.ModuleDict(
            {"embedding": self.embedding, "lstm": self.lstm, "linear": self.linear}
        ).double()
        self.names = list(net.shapes())
        named = dict(self.modules.named_parameters())
        with torch.no_grad():
            for name, tensor in tensors(net, parameters).items():
                named[name].copy_(torch.tensor(tensor))
        self.named = named
        self.optimiser = torch.optim.Adam(
            self.modules.parameters(), lr=adam.lr, weight_decay=adam.weight_decay
        )

    def logits(self, tokens: np.ndarray, taken: np.ndarray | None):  # type: ignore[no-untyped-def]
        """Of tokens by position and row."""
        torch = self.torch
        fed = self.embedding(torch.tensor(tokens, dtype=torch.int64))
        if taken is not None:
            at = torch.tensor(taken, dtype=torch.int64)
            other = self.embedding(at.clamp(min=0)) * (at != NOTHING)[..., None]
            fed = torch.cat([fed, fed - other], dim=2)
        states, _ = self.lstm(fed)
        return self.linear(states[-1])[:, 0]

    def loss(self, batches: Batches, s: int):  # type: ignore[no-untyped-def]
        n = int(batches.lengths[s])
        taken = None if batches.against is None else batches.against[s, :n]
        labels = self.torch.tensor(batches.labels[s]).double()
        return self.torch.nn.functional.binary_cross_entropy_with_logits(
            self.logits(batches.tokens[s, :n], taken), labels
        )

    def train(self, batches: Batches) -> Float64[np.ndarray, " steps"]:
        losses = []
        for s in range(len(batches.lengths)):
            loss = self.loss(batches, s)
            self.optimiser.zero_grad()
            loss.backward()
            self.optimiser.step()
            losses.append(loss.item())
        return np.array(losses)

    def flat(self, gradient: bool = False) -> Float64[np.ndarray, " parameters"]:
        parts = [self.named[name].grad if gradient else self.named[name].detach() for name in self.names]
        return np.concatenate([part.numpy().ravel() for part in parts])


def train(net: LstmNet, batches: list[Batches]) -> LstmReplicas:
    trained = LstmReplicas(net, [net.initial(i) for i in range(len(batches))], Adam())
    trained.train(batches)
    return trained


@pytest.fixture(scope="module")
def loss_and_gradient() -> Callable[..., float]:
    """The compiled function, which is called from compiled code only."""
    from numba import njit

    from negspace.lab.replicas import numba_kernel

    numba_engine.load_engine()  # first: what is compiled in the process must not stand in for what is loaded
    inner = numba_kernel.loss_and_gradient

    @njit
    def call(p, g, w, tokens, against, labels, delta):  # type: ignore[no-untyped-def]
        return inner(p, g, w, tokens, against, labels, delta)

    called: Callable[..., float] = call
    return called


def test_tanh_is_numpys() -> None:
    from numba import njit

    from negspace.lab.replicas import numba_kernel

    numba_engine.load_engine()
    tanh = numba_kernel.tanh

    @njit
    def of_all(x):  # type: ignore[no-untyped-def]
        return np.array([tanh(value) for value in x])

    x = np.concatenate([np.linspace(-12, 12, 2001), np.geomspace(1e-30, 1e30, 61)]).astype(np.float32)
    got = of_all(x)
    np.testing.assert_allclose(got, np.tanh(x.astype(np.float64)), rtol=6e-7)
    assert np.abs(got).max() <= 1


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("delta", KINDS)
def test_gradient_is_autograds(
    delta: Delta | None, soft: bool, loss_and_gradient: Callable[..., float]
) -> None:
    net = small_net(delta)
    batches = draw(net, 6, seed=1, soft=soft)
    batches.lengths[:3] = 1, 2, LONGEST
    flat, gradient = net.initial(3), np.full(net.initial(3).size, 7, dtype=np.float32)
    plain = Plain(net, flat, Adam())
    for s, n in enumerate(batches.lengths):
        plain.modules.zero_grad()
        expected = plain.loss(batches, s)
        expected.backward()
        tokens = batches.tokens[s, :n]
        loss = loss_and_gradient(
            view(net, flat),
            view(net, gradient),
            allocate(net, LONGEST, BATCH),
            tokens,
            tokens if batches.against is None else batches.against[s, :n],
            batches.labels[s],
            delta is not None,
        )
        assert loss == pytest.approx(expected.item(), rel=1e-5)
        by_autograd = tensors(net, plain.flat(gradient=True).astype(np.float32))
        for name, ours in tensors(net, gradient).items():
            theirs = by_autograd[name]
            scale = np.abs(theirs).max()
            assert scale > 0 or (name == "lstm.weight_hh_l0" and n == 1)
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5 * scale, err_msg=name)


@pytest.mark.parametrize("delta", KINDS)
def test_ten_steps_are_torchs(delta: Delta | None) -> None:
    net, adam = small_net(delta), Adam(lr=0.02, weight_decay=0.01)
    batches = draw(net, 10, seed=2)
    trained = LstmReplicas(net, [net.initial(5)], adam)
    losses = trained.train([batches])
    plain = Plain(net, net.initial(5), adam)
    np.testing.assert_allclose(losses[0], plain.train(batches), rtol=2e-4)
    # Where a gradient is near zero its sign, and with it Adam's step, hangs on the last bits.
    moved = np.abs(plain.flat() - net.initial(5))
    off = np.abs(trained.parameters(0) - plain.flat())
    assert np.quantile(off, 0.99) < 1e-4 < np.quantile(moved, 0.5)
    assert off.max() < 0.02


@pytest.mark.parametrize("delta", KINDS)
@pytest.mark.parametrize("rows", [1, 64, 150])
def test_logits_are_torchs(delta: Delta | None, rows: int) -> None:
    net = small_net(delta)
    rng = np.random.default_rng(rows)
    tokens = rng.integers(0, net.vocabulary, (rows, 20)).astype(np.int32)
    taken = against(tokens, delta, rng)
    trained = train(net, [draw(net, 5, seed=3)])
    plain = Plain(net, trained.parameters(0), Adam())
    expected = plain.logits(tokens.T, None if taken is None else taken.T).detach().numpy()
    np.testing.assert_allclose(trained.logits(0, tokens, taken), expected, atol=2e-6)


def test_replica_is_the_same_alone_and_beside_others() -> None:
    net = small_net("neighbour")
    batches = [draw(net, 30, seed=i) for i in range(5)]
    together = LstmReplicas(net, [net.initial(i) for i in range(5)], Adam())
    assert isinstance(together, Replicas)
    losses = together.train(batches)
    for i in range(5):
        alone = LstmReplicas(net, [net.initial(i)], Adam())
        np.testing.assert_array_equal(alone.train([batches[i]])[0], losses[i])
        np.testing.assert_array_equal(alone.parameters(0), together.parameters(i))
    assert together.diverged_at == (None,) * 5


def test_steps_are_the_same_in_one_call_and_in_several() -> None:
    net = small_net()
    whole = draw(net, 20, seed=1)
    once = train(net, [whole])
    parts = LstmReplicas(net, [net.initial(0)], Adam())
    for s in range(0, 20, 5):
        at = slice(s, s + 5)
        parts.train([Batches(whole.tokens[at], None, whole.labels[at], whole.lengths[at])])
    np.testing.assert_array_equal(once.parameters(0), parts.parameters(0))


def test_threads_change_nothing() -> None:
    net = LstmNet()
    groups = [[draw(net, 40, seed=10 * g + i, batch=32) for i in range(3)] for g in range(2)]
    one_by_one = [train(net, group) for group in groups]
    with ThreadPoolExecutor(2) as pool:
        at_once = list(pool.map(lambda group: train(net, group), groups))
    for one, other in zip(one_by_one, at_once, strict=True):
        for i in range(3):
            np.testing.assert_array_equal(one.parameters(i), other.parameters(i))


def test_blas_threads_are_given_back() -> None:
    threadpoolctl = pytest.importorskip("threadpoolctl")
    net = small_net()
    train(net, [draw(net, 1, seed=0)])
    before = threadpoolctl.threadpool_info()
    with numba_engine.ONE_BLAS_THREAD:
        with numba_engine.ONE_BLAS_THREAD:
            pass
        held = threadpoolctl.threadpool_info()
        assert {pool["num_threads"] for pool in held if pool["user_api"] == "blas"} == {1}
    assert threadpoolctl.threadpool_info() == before


def test_positions_past_the_length_are_not_read() -> None:
    net = small_net("anchor")
    batches = draw(net, 15, seed=4)
    assert batches.against is not None
    past = np.arange(LONGEST)[:, None] >= batches.lengths[:, None, None]
    garbage = replace(
        batches,
        tokens=np.where(past, np.int32(10**9), batches.tokens),
        against=np.where(past, np.int32(-(10**9)), batches.against),
    )
    np.testing.assert_array_equal(train(net, [batches]).parameters(0), train(net, [garbage]).parameters(0))


@pytest.mark.parametrize("delta", [None, "neighbour"])
@pytest.mark.parametrize(
    "broken", ["embedding.weight", "lstm.weight_hh_l0", "lstm.bias_ih_l0", "linear.bias"]
)
@pytest.mark.parametrize("value", [np.nan, np.inf, 1e38])
def test_divergence_is_reported_and_harms_no_neighbour(
    broken: str, value: float, delta: Delta | None
) -> None:
    net = small_net(delta)
    batches = [draw(net, 8, seed=i) for i in range(3)]
    initial = [net.initial(i) for i in range(3)]
    tensors(net, initial[1])[broken][...] = value
    trained = LstmReplicas(net, initial, Adam())
    losses = trained.train(batches)
    finite = value == 1e38 and broken != "embedding.weight"  # the others saturate gates or logits
    assert trained.diverged_at[0::2] == (None, None)
    assert np.isfinite(losses[0::2]).all()
    if not finite:
        at = trained.diverged_at[1]
        assert at is not None
        assert np.isnan(losses[1, at:]).all()
        assert np.isfinite(losses[1, :at]).all()
        assert np.isnan(trained.train([draw(net, 2, seed=i) for i in range(3)])[1]).all()
        assert trained.diverged_at[1] == at
    if value == 1e38:
        assert np.isfinite(trained.parameters(1)).all()
    beside = LstmReplicas(net, initial[0::2], Adam())
    beside.train(batches[0::2])
    if not finite:
        beside.train([draw(net, 2, seed=i) for i in (0, 2)])
    for i in range(2):
        np.testing.assert_array_equal(beside.parameters(i), trained.parameters(2 * i))


def test_step_that_overflows_is_not_applied() -> None:
    net = small_net()
    batches = draw(net, 6, seed=0)
    trained = LstmReplicas(net, [net.initial(0)], Adam(lr=3e38))
    losses = trained.train([batches])
    at = trained.diverged_at[0]
    assert at is not None
    assert np.isnan(losses[0]).sum() == 6 - at
    assert np.isfinite(trained.parameters(0)).all()


def test_misfits_are_refused() -> None:
    net = small_net()
    trained, good = train(net, [draw(net, 2, seed=0)]), draw(net, 2, seed=0)
    high = np.where(good.tokens == 3, np.int32(net.vocabulary), good.tokens)
    for bad in (
        [good, good],
        [replace(good, against=good.tokens)],
        [replace(good, tokens=high)],
        [replace(good, lengths=good.lengths * 0)],
        [replace(good, lengths=good.lengths * 0 + LONGEST + 1)],
    ):
        with pytest.raises(PlanError):
            trained.train(bad)
    with pytest.raises(PlanError):
        trained.logits(0, high[0], None)
    with pytest.raises(PlanError):
        LstmReplicas(net, [net.initial(0)[:-1]], Adam())
    with pytest.raises(PlanError):
        LstmReplicas(net, [], Adam())


def test_without_numba_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> ModuleSpec | None:
        return None

    monkeypatch.setattr(numba_engine, "find_spec", missing)
    net = small_net()
    with pytest.raises(MissingExtraError, match="negspace\\[lab\\]"):
        LstmReplicas(net, [net.initial(0)], Adam())
