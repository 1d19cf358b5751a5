"""A causal language model, opened: its network, its tokenizer, and what decides its answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Checkpoint", "LanguageModel"]


@dataclass(frozen=True)
class Checkpoint:
    """The parameters of a model at an earlier step of its training.

    Attributes:
        step: Steps of the optimiser taken before it.
        file: A safetensors file with every parameter, by name.
    """

    step: int
    file: Path


@dataclass(frozen=True, eq=False)
class LanguageModel:
    """A causal language model of transformers, in evaluation mode.

    Attributes:
        name: For results: ``tiny``, ``hf:NAME``.
        network: The ``PreTrainedModel``; called with ``input_ids`` and ``position_ids`` it gives ``logits``.
        tokenizer: Its tokenizer. It needs no padding token: fragments are padded here, and never read there.
        fingerprint: SHA-256 (hex) of all that decides its answers: weights, tokenizer, settings, versions.
        context: Longest sequence it reads, in tokens.
        device: Where it runs, as PyTorch names it.
        checkpoints: Earlier states, in order of training; empty where none were kept.
    """

    name: str
    network: Any
    tokenizer: Any
    fingerprint: str
    context: int
    device: str = "cpu"
    checkpoints: tuple[Checkpoint, ...] = field(default=())

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of texts, whatever their length, with the special tokens that its training had."""
        if not texts:
            return []
        found: list[list[int]] = self.tokenizer(
            list(texts), truncation=False, padding=False, return_attention_mask=False, verbose=False
        )["input_ids"]
        return found

    def token_texts(self, ids: Sequence[int]) -> list[str]:
        """What each token stands for, for people to read."""
        return [str(self.tokenizer.decode([int(i)])) for i in ids]
