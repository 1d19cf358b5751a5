"""Causal language models: opened, or trained on the spot."""

from __future__ import annotations

from negspace.language_models.batches import Batch, batches, take
from negspace.language_models.model import Checkpoint, LanguageModel
from negspace.language_models.tiny import TinySettings, build_network, train_network, train_tokenizer

__all__ = [
    "Batch",
    "Checkpoint",
    "LanguageModel",
    "TinySettings",
    "batches",
    "build_network",
    "take",
    "train_network",
    "train_tokenizer",
]
