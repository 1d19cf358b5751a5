"""PyTorch modules that replicas can share; imports PyTorch.

All read ``(tokens, against, lengths)`` and give one logit a row, without data-dependent control flow, so
that `torch.func.vmap` can run many sets of parameters through one of them. ``torch.nn.LSTM`` and ``GRU``
have no batching rule there; the cells here compute the same.
"""

from __future__ import annotations

import math
from typing import TypeAlias

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from negspace.lab.replicas.nets import LstmNet

_WAVELENGTHS = 10_000.0

_Tokens: TypeAlias = Int[Tensor, "rows longest"]
_Lengths: TypeAlias = Int[Tensor, " rows"]
_Logits: TypeAlias = Float[Tensor, " rows"]


class _Cells(nn.Module):
    """The parameters of one recurrent layer, under PyTorch's names and with its initial values."""

    def __init__(self, gates: int, inputs: int, hidden: int) -> None:
        super().__init__()
        self.weight_ih_l0 = nn.Parameter(torch.empty(gates * hidden, inputs))
        self.weight_hh_l0 = nn.Parameter(torch.empty(gates * hidden, hidden))
        self.bias_ih_l0 = nn.Parameter(torch.empty(gates * hidden))
        self.bias_hh_l0 = nn.Parameter(torch.empty(gates * hidden))
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -1 / math.sqrt(hidden), 1 / math.sqrt(hidden))


class LstmModule(nn.Module):
    """The module of an `LstmNet`; its parameters lie as the net's shapes say.

    Equations: those of ``torch.nn.LSTM`` (Hochreiter & Schmidhuber 1997, with the forget gate of Gers,
    Schmidhuber & Cummins 2000).
    """

    def __init__(self, net: LstmNet) -> None:
        super().__init__()
        self.embedding = nn.Embedding(net.vocabulary, net.embedding)
        self.lstm = _Cells(4, net.inputs, net.hidden)
        self.linear = nn.Linear(net.hidden, 1)

    def forward(self, tokens: _Tokens, against: _Tokens | None, lengths: _Lengths) -> _Logits:
        """Compute the logit of each row; tokens past its length can be any known ones."""
        inputs = self.embedding(tokens.T)
        if against is not None:
            subtracted = self.embedding(against.T.clamp(min=0)) * (against.T >= 0)[..., None]
            inputs = torch.cat([inputs, inputs - subtracted], dim=-1)
        cells = self.lstm
        # All positions at once: what does not wait for the state is one matrix product.
        fed = functional.linear(inputs, cells.weight_ih_l0, cells.bias_ih_l0 + cells.bias_hh_l0)
        state = cell = torch.zeros_like(fed[0, :, : cells.weight_hh_l0.shape[1]])
        states = []
        for at in fed.unbind(0):
            gates = at + state @ cells.weight_hh_l0.T
            enter, forget, new, leave = gates.chunk(4, dim=-1)
            cell = forget.sigmoid() * cell + enter.sigmoid() * new.tanh()
            state = leave.sigmoid() * cell.tanh()
            states.append(state)
        logits: Tensor = self.linear(_last(states, lengths)).squeeze(-1)
        return logits


class GruModule(nn.Module):
    """Embedding, one GRU layer of so many hidden units, a linear layer on the last hidden state.

    Equations and initial values: those of ``torch.nn.GRU`` (Cho et al. 2014, with the reset gate after the
    matrix product).
    """

    def __init__(self, embedding: int, hidden: int, vocabulary: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, embedding)
        self.gru = _Cells(3, embedding, hidden)
        self.linear = nn.Linear(hidden, 1)

    def forward(self, tokens: _Tokens, against: _Tokens | None, lengths: _Lengths) -> _Logits:  # noqa: ARG002
        """Compute the logit of each row; ``against`` is not read."""
        cells = self.gru
        fed = functional.linear(self.embedding(tokens.T), cells.weight_ih_l0, cells.bias_ih_l0)
        state = torch.zeros_like(fed[0, :, : cells.weight_hh_l0.shape[1]])
        states = []
        for at in fed.unbind(0):
            kept = functional.linear(state, cells.weight_hh_l0, cells.bias_hh_l0)
            (reset, update, new), (reset_kept, update_kept, new_kept) = at.chunk(3, -1), kept.chunk(3, -1)
            proposed = (new + (reset + reset_kept).sigmoid() * new_kept).tanh()
            state = proposed + (update + update_kept).sigmoid() * (state - proposed)
            states.append(state)
        logits: Tensor = self.linear(_last(states, lengths)).squeeze(-1)
        return logits


class TransformerModule(nn.Module):
    """A transformer encoder of one layer, its states averaged over a row's positions, a linear layer.

    Self-attention and sinusoidal positions as in Vaswani et al. 2017, normalised before each part and once
    at the end (Xiong et al. 2020), GELU. Positions have no parameters, so that it reads rows longer than any
    it was trained on. No dropout. The width is even and a multiple of the heads.
    """

    def __init__(self, width: int, heads: int, feed_forward: int, vocabulary: int) -> None:
        super().__init__()
        self.heads = heads
        self.embedding = nn.Embedding(vocabulary, width)
        self.norm_attention = nn.LayerNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width)
        self.mix = nn.Linear(width, width)
        self.norm_feed_forward = nn.LayerNorm(width)
        self.widen = nn.Linear(width, feed_forward)
        self.narrow = nn.Linear(feed_forward, width)
        self.norm = nn.LayerNorm(width)
        self.linear = nn.Linear(width, 1)

    def forward(self, tokens: _Tokens, against: _Tokens | None, lengths: _Lengths) -> _Logits:  # noqa: ARG002
        """Compute the logit of each row; ``against`` is not read."""
        states = self.embedding(tokens)
        states = states + _sinusoids(states.shape[1], states.shape[2], states.device)
        read = torch.arange(states.shape[1], device=states.device) < lengths[:, None]
        states = states + self._attend(self.norm_attention(states), read)
        states = states + self.narrow(functional.gelu(self.widen(self.norm_feed_forward(states))))
        pooled = (self.norm(states) * read[..., None]).sum(1) / lengths[:, None]
        logits: Tensor = self.linear(pooled).squeeze(-1)
        return logits

    def _attend(
        self, states: Float[Tensor, "rows longest width"], read: Tensor
    ) -> Float[Tensor, "rows longest width"]:
        # In plain products: PyTorch's fused attention has no batching rule on every device.
        parts = self.query_key_value(states).unflatten(-1, (3, self.heads, -1)).movedim(1, 3)
        query, key, value = parts.unbind(1)
        scores = (query / math.sqrt(query.shape[-1])) @ key.mT
        ended = torch.zeros_like(scores[:, :1, :1]).masked_fill(~read[:, None, None, :], -math.inf)
        weights = (scores + ended).softmax(-1)
        mixed: Tensor = self.mix((weights @ value).transpose(1, 2).flatten(-2))
        return mixed


def _last(states: list[Tensor], lengths: Int[Tensor, " rows"]) -> Float[Tensor, "rows hidden"]:
    """The state at each row's last position."""
    stacked = torch.stack(states)
    at = (lengths.long() - 1)[None, :, None].expand(1, -1, stacked.shape[-1])
    return stacked.gather(0, at).squeeze(0)


def _sinusoids(length: int, width: int, device: torch.device) -> Float[Tensor, "length width"]:
    """Vaswani et al. 2017, section 3.5, sines before cosines."""
    half = torch.arange(width // 2, device=device)
    angles = torch.arange(length, device=device)[:, None] * _WAVELENGTHS ** (-2 * half / width)
    return torch.cat([angles.sin(), angles.cos()], dim=-1)
