"""The compiled arithmetic of `numba_engine`: forward, backward and Adam of one replica. Imports numba.

Everything is float32 and row-major, a batch's rows beside each other, so that matrix products go to BLAS
and every other loop runs over consecutive numbers and becomes vector instructions. The backward pass is
written by hand; tests hold it against PyTorch's.

All functions must stay in this file: numba's cache on disk does not notice a change in another one.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast, no_type_check

import numpy as np
from jaxtyping import Float32, Int32, Int64
from numba import njit

from negspace.lab.replicas.numba_cache import cached
from negspace.lab.replicas.numba_layout import Optimiser, Parameters, Workspace

_F = TypeVar("_F", bound=Callable[..., object])
_Gates = Float32[np.ndarray, " gates"]
_Hidden = Float32[np.ndarray, " hidden"]
_Labels = Float32[np.ndarray, " batch"]
_Table = Float32[np.ndarray, "rows columns"]
_Tokens = Int32[np.ndarray, "length batch"]
_Blocks = Int32[np.ndarray, "blocks length batch"]
_Settings = tuple[float, float, float, float, float]

# Without `fastmath`, sums and divisions do not become vector instructions. It lets the compiler assume that
# nothing is NaN, which is why `_finite` looks at bits. The interpreter's lock is free while a call runs.
_FAST: Mapping[str, Any] = {"nogil": True, "fastmath": True, "error_model": "numpy"}

_ZERO, _ONE = np.float32(0), np.float32(1)
_SIGN_OFF = 0x7FFFFFFF
_INFINITY = 0x7F800000
# OpenBLAS multiplies without packing, half again as fast, up to this many multiplications.
_SMALL_PRODUCT = 1_000_000

# tanh(x) = x P(x^2) / Q(x^2), as in Eigen and XLA. The coefficients are our own, from a least-squares fit of
# relative error on [-8, 8], reweighted towards its peaks until they are even (Lawson 1961), at 1.5e-7.
_TANH_END = np.float32(8)
_P0, _P1, _P2, _P3 = (np.float32(p) for p in (0.999999881, 0.129256606, 2.95102177e-3, 1.14284039e-5))
_Q1, _Q2, _Q3, _Q4 = (np.float32(q) for q in (0.462588757, 2.38155462e-2, 2.38668901e-4, 2.45920461e-7))


def _inner(function: _F) -> _F:
    """Compile at the first call, for calls from compiled code only: other wrappers take long to compile."""
    options = {**_FAST, "no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return cast(_F, njit(**options)(function))


def _outer(function: _F) -> _F:
    """Likewise, for calls from Python and cached on disk."""
    return cast(_F, cached(function, _FAST))


# `no_type_check` throughout: run-time type checkers would wrap the function in one that numba cannot compile.


@_inner
@no_type_check
def tanh(x: np.float32) -> np.float32:
    """Hyperbolic tangent to 5e-7, without a branch or a call, so that loops over it vectorise."""
    x = min(max(x, -_TANH_END), _TANH_END)
    s = x * x
    return x * (_P0 + s * (_P1 + s * (_P2 + s * _P3))) / (_ONE + s * (_Q1 + s * (_Q2 + s * (_Q3 + s * _Q4))))


@_inner
@no_type_check
def _finite(x: Float32[np.ndarray, " n"]) -> bool:
    """Whether no number is infinite or NaN: those have all bits of the exponent set."""
    bits = x.view(np.int32)
    largest = 0
    for i in range(bits.size):
        largest = max(largest, bits[i] & _SIGN_OFF)
    return largest < _INFINITY


@_inner
@no_type_check
def _product(a: _Table, b: _Table, out: _Table) -> None:
    np.dot(a, b, out)


@_inner
@no_type_check
def _fill_tables(p: Parameters, w: Workspace, delta: bool) -> None:
    vocabulary, width = p.embedding.shape
    gates, hidden = p.state_weight.shape
    for k in range(gates):
        for e in range(width):
            weight = p.input_weight[k, e]
            if delta:
                w.against_weight[k, e] = p.input_weight[k, width + e]
                weight += p.input_weight[k, width + e]
            w.token_weight[k, e] = weight
    _product(p.embedding, w.token_weight.T, w.token_table)
    for v in range(vocabulary):
        row = w.token_table[v]
        for k in range(gates):
            row[k] += p.input_bias[k] + p.state_bias[k]
    if delta:
        _product(p.embedding, w.against_weight.T, w.against_table[:vocabulary])
    for h in range(hidden):
        row = w.state_weight_t[h]
        for k in range(gates):
            row[k] = p.state_weight[k, h]


@_inner
@no_type_check
def _gates_forward(z: _Gates, slope: _Gates, fed: _Gates, recurrent: _Gates) -> None:
    """Activations: logistic(x) = 1/2 + 1/2 tanh(x/2), so that one loop serves all four gates."""
    for k in range(z.size):
        z[k] = slope[k] * tanh(slope[k] * (fed[k] + recurrent[k])) + (_ONE - slope[k])


@_inner
@no_type_check
def _cell_forward(z: _Gates, before: _Hidden, after: _Hidden, squashed: _Hidden, out: _Hidden) -> None:
    """One row at one position (Hochreiter & Schmidhuber 1997, with Gers et al.'s forget gate)."""
    size = out.size
    enter, keep, new, leave = z[:size], z[size : 2 * size], z[2 * size : 3 * size], z[3 * size :]
    for h in range(size):
        c = keep[h] * before[h] + enter[h] * new[h]
        u = tanh(c)
        after[h] = c
        squashed[h] = u
        out[h] = leave[h] * u


@_inner
@no_type_check
def _forward(p: Parameters, w: Workspace, tokens: _Tokens, against: _Tokens, delta: bool) -> None:
    length, batch = tokens.shape
    for t in range(length):
        if t > 0:
            _product(w.hidden[t], w.state_weight_t, w.recurrent)
        else:
            w.recurrent[:] = _ZERO
        for b in range(batch):
            if delta:
                recurrent, taken = w.recurrent[b], w.against_table[against[t, b]]
                for k in range(recurrent.size):
                    recurrent[k] -= taken[k]
            _gates_forward(w.gates[t, b], w.slope, w.token_table[tokens[t, b]], w.recurrent[b])
            _cell_forward(w.gates[t, b], w.cell[t, b], w.cell[t + 1, b], w.squashed[t, b], w.hidden[t + 1, b])
    weight = p.out_weight[0]
    for b in range(batch):
        state = w.hidden[length, b]
        logit = p.out_bias[0]
        for h in range(weight.size):
            logit += weight[h] * state[h]
        w.logits[b] = logit


@_inner
@no_type_check
def _loss(p: Parameters, g: Parameters, w: Workspace, length: int, labels: _Labels) -> float:
    """Mean binary cross-entropy; fills the linear layer's gradient and starts the backward pass."""
    weight, d_weight = p.out_weight[0], g.out_weight[0]
    d_weight[:] = _ZERO
    w.d_cell[:] = _ZERO
    loss, d_bias = 0.0, 0.0
    for b in range(labels.size):
        logit, label = np.float64(w.logits[b]), np.float64(labels[b])
        # Of exp(-|logit|) alone, so that nothing overflows.
        small = math.exp(-abs(logit))
        loss += max(logit, 0.0) - logit * label + math.log1p(small)
        probability = (1.0 if logit >= 0 else small) / (1.0 + small)
        d_logit = (probability - label) / labels.size
        d_bias += d_logit
        d, state, d_state = np.float32(d_logit), w.hidden[length, b], w.d_hidden[b]
        for h in range(weight.size):
            d_weight[h] += d * state[h]
            d_state[h] = d * weight[h]
    g.out_bias[0] = d_bias
    return loss / labels.size


@_inner
@no_type_check
def _cell_backward(z: _Gates, before: _Hidden, squashed: _Hidden, d_out: _Hidden, d_cell: _Hidden) -> None:
    """From the gradient of a row's state to that of its gates' inputs, in place of the gates."""
    size = d_out.size
    enter, keep, new, leave = z[:size], z[size : 2 * size], z[2 * size : 3 * size], z[3 * size :]
    # Three short loops: one long one has more arrays than the compiler will check for overlap.
    for h in range(size):
        o, u, d = leave[h], squashed[h], d_out[h]
        d_cell[h] += d * o * (_ONE - u * u)
        leave[h] = d * u * o * (_ONE - o)
    for h in range(size):
        i, n, d = enter[h], new[h], d_cell[h]
        enter[h] = d * n * i * (_ONE - i)
        new[h] = d * i * (_ONE - n * n)
    for h in range(size):
        f, d = keep[h], d_cell[h]
        keep[h] = d * before[h] * f * (_ONE - f)
        d_cell[h] = d * f


@_inner
@no_type_check
def _add_rows(sums: _Table, index: Int32[np.ndarray, " batch"], values: _Table) -> None:
    for b in range(index.size):
        total, row = sums[index[b]], values[b]
        for k in range(row.size):
            total[k] += row[k]


@_inner
@no_type_check
def _backward(
    p: Parameters, g: Parameters, w: Workspace, tokens: _Tokens, against: _Tokens, delta: bool
) -> None:
    length, batch = tokens.shape
    w.token_sum[:] = _ZERO
    if delta:
        w.against_sum[:] = _ZERO
    for t in range(length - 1, -1, -1):
        for b in range(batch):
            _cell_backward(w.gates[t, b], w.cell[t, b], w.squashed[t, b], w.d_hidden[b], w.d_cell[b])
        _add_rows(w.token_sum, tokens[t], w.gates[t])
        if delta:
            _add_rows(w.against_sum, against[t], w.gates[t])
        if t > 0:
            _product(w.gates[t], p.state_weight, w.d_hidden)
    # The state before the first position is zero.
    _state_gradient(g.state_weight, w.partial, w.gates[1:length], w.hidden[1:length])
    _input_gradient(p, g, w, delta)


@_inner
@no_type_check
def _state_gradient(
    total: _Table,
    partial: _Table,
    d_gates: Float32[np.ndarray, "length batch gates"],
    states: Float32[np.ndarray, "length batch hidden"],
) -> None:
    """Sum of the outer products of all positions and rows."""
    length, batch, gates = d_gates.shape
    hidden = states.shape[2]
    total[:] = _ZERO
    at_once = max(1, _SMALL_PRODUCT // (gates * hidden * batch))
    for start in range(0, length, at_once):
        stop = min(length, start + at_once)
        rows = (stop - start) * batch
        _product(
            d_gates[start:stop].reshape(rows, gates).T, states[start:stop].reshape(rows, hidden), partial
        )
        for k in range(gates):
            row, part = total[k], partial[k]
            for h in range(hidden):
                row[h] += part[h]


@_inner
@no_type_check
def _input_gradient(p: Parameters, g: Parameters, w: Workspace, delta: bool) -> None:
    """With D, D' the sums by token: dW2 = (D - D')' E, dW1 = D' E, dE = D (W1 + W2) - D' W2."""
    vocabulary, width = p.embedding.shape
    gates = w.slope.size
    g.input_bias[:] = _ZERO
    for v in range(vocabulary):
        row = w.token_sum[v]
        for k in range(gates):
            g.input_bias[k] += row[k]
    for k in range(gates):
        g.state_bias[k] = g.input_bias[k]
    _product(w.token_sum, w.token_weight, g.embedding)
    if delta:
        _product(w.against_sum[:vocabulary], w.against_weight, w.d_embedding)
        for v in range(vocabulary):
            for e in range(width):
                g.embedding[v, e] -= w.d_embedding[v, e]
    _product(w.token_sum.T, p.embedding, w.d_weight)
    for k in range(gates):
        for e in range(width):
            g.input_weight[k, e] = w.d_weight[k, e]
    if delta:
        _product(w.against_sum[:vocabulary].T, p.embedding, w.d_weight)
        for k in range(gates):
            for e in range(width):
                g.input_weight[k, width + e] = g.input_weight[k, e] - w.d_weight[k, e]


@_inner
@no_type_check
def loss_and_gradient(
    p: Parameters,
    g: Parameters,
    w: Workspace,
    tokens: _Tokens,
    against: _Tokens,
    labels: _Labels,
    delta: bool,
) -> float:
    """Mean binary cross-entropy of a batch, in nats; ``g`` takes its gradient. Arguments as in `train`."""
    _fill_tables(p, w, delta)
    _forward(p, w, tokens, against, delta)
    loss = _loss(p, g, w, len(tokens), labels)
    _backward(p, g, w, tokens, against, delta)
    return loss


@_inner
@no_type_check
def _adam(o: Optimiser, settings: _Settings, step: int) -> None:
    """Kingma & Ba 2015, algorithm 1, with L2 decay in the gradient and torch's place for epsilon."""
    lr, weight_decay, beta1, beta2, eps = settings
    rate = np.float32(lr / (1 - beta1**step))
    correction = np.float32(1 / math.sqrt(1 - beta2**step))
    decay, small = np.float32(weight_decay), np.float32(eps)
    keep1, add1 = np.float32(beta1), np.float32(1 - beta1)
    keep2, add2 = np.float32(beta2), np.float32(1 - beta2)
    for i in range(o.parameters.size):
        o.last[i] = o.parameters[i]
    for i in range(o.parameters.size):
        gradient = o.gradient[i] + decay * o.parameters[i]
        first = keep1 * o.first[i] + add1 * gradient
        second = keep2 * o.second[i] + add2 * gradient * gradient
        o.first[i] = first
        o.second[i] = second
        o.parameters[i] -= rate * first / (np.sqrt(second) * correction + small)


@_outer
@no_type_check
def train(
    p: Parameters,
    g: Parameters,
    w: Workspace,
    o: Optimiser,
    settings: _Settings,
    taken: int,
    tokens: _Blocks,
    against: _Blocks,
    labels: Float32[np.ndarray, "steps batch"],
    lengths: Int64[np.ndarray, " steps"],
    delta: bool,
    losses: Float32[np.ndarray, " steps"],
) -> int:
    """Take steps until one cannot be taken; arguments as in `Batches`, ``losses`` takes the loss before each.

    Returns:
        Number of steps taken; fewer than asked if the next one is not finite.
    """
    if not _finite(o.parameters):
        return 0
    for s in range(len(lengths)):
        n = lengths[s]
        losses[s] = loss_and_gradient(p, g, w, tokens[s, :n], against[s, :n], labels[s], delta)
        # The tables too: bounding in `tanh` turns NaN into a number, and past finite tables there is none.
        if not (
            _finite(losses[s : s + 1])
            and _finite(o.gradient)
            and _finite(w.token_table.reshape(-1))
            and _finite(w.against_table.reshape(-1))
        ):
            return s
        _adam(o, settings, taken + s + 1)
        if not _finite(o.parameters):
            for i in range(o.last.size):
                o.parameters[i] = o.last[i]
            return s
    return len(lengths)


@_outer
@no_type_check
def predict(
    p: Parameters, w: Workspace, tokens: _Blocks, against: _Blocks, delta: bool, logits: _Table
) -> None:
    """Logit of each sequence, block by block; arguments as in `train`."""
    _fill_tables(p, w, delta)
    for i in range(len(tokens)):
        _forward(p, w, tokens[i], against[i], delta)
        for b in range(w.logits.size):
            logits[i, b] = w.logits[b]
