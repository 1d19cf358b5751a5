"""What `numba_kernel` computes in: parameters as tensors, and the buffers of one step."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float32

from negspace.lab.replicas.nets import LstmNet, tensors


class Parameters(NamedTuple):
    """Views of one flat vector, of parameters or of their gradient, in PyTorch's layout."""

    embedding: Float32[np.ndarray, "vocabulary embedding"]
    input_weight: Float32[np.ndarray, "gates inputs"]
    state_weight: Float32[np.ndarray, "gates hidden"]
    input_bias: Float32[np.ndarray, " gates"]
    state_bias: Float32[np.ndarray, " gates"]
    out_weight: Float32[np.ndarray, "1 hidden"]
    out_bias: Float32[np.ndarray, " one"]


class Optimiser(NamedTuple):
    """The flat vectors of one replica: Adam's two running means, and the parameters before the last step."""

    parameters: Float32[np.ndarray, " parameters"]
    gradient: Float32[np.ndarray, " parameters"]
    first: Float32[np.ndarray, " parameters"]
    second: Float32[np.ndarray, " parameters"]
    last: Float32[np.ndarray, " parameters"]


class Workspace(NamedTuple):
    """Buffers of one step, kept between steps: small enough to stay in a core's cache.

    What a token feeds to the gates is the same at every position, so it is computed once a token and
    looked up, and the gradient is summed by token before it is multiplied out. With a delta the net
    feeds ``[e_t, e_t - e_a]`` under ``[W1, W2]``, that is ``(W1 + W2) e_t - W2 e_a``: two tables. The last
    row of the second is zero, for index -1 (`NOTHING`).

    ``d_`` is the gradient of a name; ``against_`` belongs to the tokens subtracted.

    Attributes:
        token_weight: W1 + W2, or W1 without a delta.
        against_weight: W2.
        token_table: What a token adds to the gates' inputs, biases included.
        token_sum: Gradient of the gates' inputs, summed by token.
        slope: Slope of each gate: 1/2 where it is logistic, 1 where it is tanh.
        gates: Activations at each position; in the backward pass, gradient of their inputs.
        recurrent: What the last state adds to the gates' inputs.
        hidden: Hidden state before each position, and after the last; ``cell`` likewise.
        squashed: tanh of the cell state after each position.
        partial: A part of the recurrent weight's gradient.
    """

    token_weight: Float32[np.ndarray, "gates embedding"]
    against_weight: Float32[np.ndarray, "gates embedding"]
    state_weight_t: Float32[np.ndarray, "hidden gates"]
    token_table: Float32[np.ndarray, "vocabulary gates"]
    against_table: Float32[np.ndarray, "vocabulary+1 gates"]
    token_sum: Float32[np.ndarray, "vocabulary gates"]
    against_sum: Float32[np.ndarray, "vocabulary+1 gates"]
    slope: Float32[np.ndarray, " gates"]
    gates: Float32[np.ndarray, "longest batch gates"]
    recurrent: Float32[np.ndarray, "batch gates"]
    hidden: Float32[np.ndarray, "longest+1 batch hidden"]
    cell: Float32[np.ndarray, "longest+1 batch hidden"]
    squashed: Float32[np.ndarray, "longest batch hidden"]
    d_hidden: Float32[np.ndarray, "batch hidden"]
    d_cell: Float32[np.ndarray, "batch hidden"]
    d_embedding: Float32[np.ndarray, "vocabulary embedding"]
    d_weight: Float32[np.ndarray, "gates embedding"]
    partial: Float32[np.ndarray, "gates hidden"]
    logits: Float32[np.ndarray, " batch"]


def view(net: LstmNet, vector: Float32[np.ndarray, " parameters"]) -> Parameters:
    """View a flat vector as the net's tensors; writing to one writes to the vector."""
    return Parameters(*tensors(net, vector).values())


def allocate(net: LstmNet, longest: int, batch: int) -> Workspace:
    """Buffers for batches of ``batch`` rows and up to ``longest`` positions."""
    hidden, gates = net.hidden, 4 * net.hidden

    def zeros(*shape: int) -> Float32[np.ndarray, "*shape"]:
        return np.zeros(shape, dtype=np.float32)

    return Workspace(
        token_weight=zeros(gates, net.embedding),
        against_weight=zeros(gates, net.embedding),
        state_weight_t=zeros(hidden, gates),
        token_table=zeros(net.vocabulary, gates),
        against_table=zeros(net.vocabulary + 1, gates),
        token_sum=zeros(net.vocabulary, gates),
        against_sum=zeros(net.vocabulary + 1, gates),
        slope=np.repeat(np.array([0.5, 0.5, 1, 0.5], dtype=np.float32), hidden),
        gates=zeros(longest, batch, gates),
        recurrent=zeros(batch, gates),
        hidden=zeros(longest + 1, batch, hidden),
        cell=zeros(longest + 1, batch, hidden),
        squashed=zeros(longest, batch, hidden),
        d_hidden=zeros(batch, hidden),
        d_cell=zeros(batch, hidden),
        d_embedding=zeros(net.vocabulary, net.embedding),
        d_weight=zeros(gates, net.embedding),
        partial=zeros(gates, hidden),
        logits=zeros(batch),
    )
