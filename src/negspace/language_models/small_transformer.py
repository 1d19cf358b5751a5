"""A very small causal transformer, made to learn from few tokens on one core.

Rotary positions (Su et al. 2021) and smeared keys (Olsson et al. 2022: each key mixed with the one before
it), with which one layer can copy. It learns rules of text in some hundred steps; a GPT-2 of its size, as
`build_network` makes one, knows few of them by then. Published numbers depend on both, so both stay.
"""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import cast

import torch
from jaxtyping import Complex, Float, Int
from torch import Tensor, nn
from torch.nn import functional

_ROTATION_BASE = 100.0  # fragments are read in windows of some hundred tokens


class SmallTransformer(nn.Module):
    """Predicts each next token; called as a ``PreTrainedModel`` is."""

    def __init__(
        self, vocabulary: int, width: int, layers: int, heads: int, window: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.net = _Stack(vocabulary, width, layers, heads, window, generator)
        text = SimpleNamespace(num_hidden_layers=layers)
        self.config = SimpleNamespace(get_text_config=lambda: text)

    @property
    def base_model(self) -> nn.Module:
        """The module whose output is the last hidden states, after the last norm."""
        return self.net.norm

    def forward(
        self,
        input_ids: Int[Tensor, "batch tokens"],
        position_ids: Int[Tensor, "batch tokens"] | None = None,  # noqa: ARG002  (always 0, 1, …)
        use_cache: bool = False,  # noqa: ARG002  (it has none)
    ) -> SimpleNamespace:
        """``logits`` of the token after each."""
        return SimpleNamespace(logits=self.net(input_ids))


class _Stack(nn.Module):
    """Embedding, blocks, norm and (tied) head."""

    def __init__(
        self, vocabulary: int, width: int, layers: int, heads: int, window: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.blocks = nn.ModuleList(_Block(width, heads) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        half = width // heads // 2
        speeds = _ROTATION_BASE ** (-torch.arange(half) / half)
        angles = torch.arange(window)[:, None] * speeds
        self.register_buffer("phases", torch.polar(torch.ones_like(angles), angles))
        residual = {id(block.out.weight) for block in self._blocks()}
        residual |= {id(block.down.weight) for block in self._blocks()}
        for parameter in self.parameters():
            if parameter.ndim == 2:
                scale = 0.5 / math.sqrt(2 * layers) if id(parameter) in residual else 1.0
                with torch.no_grad():
                    parameter.normal_(0.0, scale / math.sqrt(width), generator=generator)

    def _blocks(self) -> list[_Block]:
        return cast("list[_Block]", list(self.blocks))

    def forward(self, ids: Int[Tensor, "batch tokens"]) -> Float[Tensor, "batch tokens vocabulary"]:
        hidden = self.embedding(ids) * math.sqrt(self.embedding.embedding_dim)
        phases = cast(Tensor, self.phases)[: ids.shape[1]]
        for block in self._blocks():
            hidden = block(hidden, phases)
        return functional.linear(self.norm(hidden), self.embedding.weight)


class _Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm_in, self.norm_mid = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)
        for linear in (self.up, self.down):
            nn.init.zeros_(linear.bias)  # PyTorch would draw it from its global generator
        self.smear = nn.Parameter(torch.zeros(heads, 1, 1))

    def forward(
        self, hidden: Float[Tensor, "batch tokens width"], phases: Complex[Tensor, "tokens half"]
    ) -> Float[Tensor, "batch tokens width"]:
        batch, tokens, width = hidden.shape
        qkv = self.qkv(self.norm_in(hidden)).view(batch, tokens, 3, self.heads, -1)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        own = torch.sigmoid(self.smear)
        key = torch.cat([key[:, :, :1], torch.lerp(key[:, :, :-1], key[:, :, 1:], own)], dim=2)
        seen = functional.scaled_dot_product_attention(
            _rotate(query, phases), _rotate(key, phases), value, is_causal=True
        )
        hidden = hidden + self.out(seen.transpose(1, 2).reshape(batch, tokens, width))
        return cast(Tensor, hidden + self.down(functional.gelu(self.up(self.norm_mid(hidden)))))


def _rotate(
    states: Float[Tensor, "batch heads tokens part"], phases: Complex[Tensor, "tokens half"]
) -> Float[Tensor, "batch heads tokens part"]:
    pairs = torch.view_as_complex(states.reshape(*states.shape[:-1], -1, 2))
    return torch.view_as_real(pairs * phases).flatten(-2)
