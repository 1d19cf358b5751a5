"""What the small GPT is like."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["TinySettings"]


@dataclass(frozen=True)
class TinySettings:
    """Size and training of the small GPT.

    The defaults take about a minute of one core, and of the sizes tried gave the least loss per character of
    held-out text in that time: small batches, for in a minute the number of steps is what is short.

    Attributes:
        vocabulary: Tokens of its byte-pair encoding, at most.
        layers: Blocks.
        width: Of the hidden states.
        heads: Of attention.
        context: Longest sequence, in tokens.
        batch: Tokens of a training step, at most.
        steps: Of AdamW.
        learning_rate: Highest; warmed up over the first steps, then down along a cosine.
        weight_decay: Of matrices, as a share of the learning rate.
    """

    vocabulary: int = 1024
    layers: int = 3
    width: int = 96
    heads: int = 4
    context: int = 512
    batch: int = 512
    steps: int = 700
    learning_rate: float = 6e-3
    weight_decay: float = 0.1
