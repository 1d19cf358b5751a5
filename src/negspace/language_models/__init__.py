"""Causal language models: opened, or trained on the spot; scored token by token."""

from __future__ import annotations

from typing import TYPE_CHECKING

from negspace.language_models.memory import available_bytes, halving, memory_of
from negspace.language_models.model import (
    Batch,
    Checkpoint,
    LanguageModel,
    Rows,
    batches,
    check_finite,
    take,
    token_losses,
)
from negspace.language_models.opening import DEFAULT_CONTEXT, Device, Dtype, open_language_model, placed
from negspace.language_models.tiny_model import (
    build_network,
    checkpoint_steps,
    load_parameters,
    tiny_cache_path,
    train_tiny,
    train_tokenizer,
)
from negspace.language_models.training import TinySettings, cosine_rate, optimised, train_network

if TYPE_CHECKING:
    from negspace.language_models.small_transformer import SmallTransformer

__all__ = [
    "DEFAULT_CONTEXT",
    "Batch",
    "Checkpoint",
    "Device",
    "Dtype",
    "LanguageModel",
    "Rows",
    "SmallTransformer",
    "TinySettings",
    "available_bytes",
    "batches",
    "build_network",
    "check_finite",
    "checkpoint_steps",
    "cosine_rate",
    "halving",
    "load_parameters",
    "memory_of",
    "open_language_model",
    "optimised",
    "placed",
    "take",
    "tiny_cache_path",
    "token_losses",
    "train_network",
    "train_tiny",
    "train_tokenizer",
]


def __getattr__(name: str) -> object:
    if name != "SmallTransformer":
        raise AttributeError(f"module 'negspace.language_models' has no attribute '{name}'")
    # It needs PyTorch, an extra that takes seconds to import.
    from negspace.language_models.small_transformer import SmallTransformer

    return SmallTransformer
