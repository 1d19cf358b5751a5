"""The very small transformer of the cross-fitted probe, called as language models are."""

from __future__ import annotations

from types import SimpleNamespace

import torch
from jaxtyping import Int
from torch import Tensor, nn

from negspace.probes.cross_net import CrossNet

__all__ = ["PlantedNetwork"]


class PlantedNetwork(nn.Module):
    """A `CrossNet` with the parts of a ``PreTrainedModel`` that training and the step probe ask for.

    It learns the planted rules in some hundred steps; a GPT-2 of its size knows few of them by then.

    Args:
        vocabulary: Number of distinct tokens.
        width: Of the hidden states.
        layers: Blocks.
        heads: Of attention.
        window: Longest input, in tokens.
        generator: Where the parameters are drawn from.
    """

    def __init__(
        self, vocabulary: int, width: int, layers: int, heads: int, window: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        self.net = CrossNet(vocabulary, width, layers, heads, window, generator)
        text = SimpleNamespace(num_hidden_layers=layers)
        self.config = SimpleNamespace(get_text_config=lambda: text)

    @property
    def base_model(self) -> nn.Module:
        """What gives the last hidden states, after the last norm."""
        return self.net.norm

    def forward(
        self,
        input_ids: Int[Tensor, "batch tokens"],
        position_ids: Int[Tensor, "batch tokens"] | None = None,  # noqa: ARG002  (always 0, 1, …)
        use_cache: bool = False,  # noqa: ARG002  (it has none)
    ) -> SimpleNamespace:
        """``logits`` of the token after each."""
        return SimpleNamespace(logits=self.net(input_ids))
