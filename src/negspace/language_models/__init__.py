"""Causal language models: opened, or trained on the spot."""

from __future__ import annotations

from negspace.language_models.batches import Batch, batches, take
from negspace.language_models.memory import available_bytes, halving
from negspace.language_models.model import Checkpoint, LanguageModel
from negspace.language_models.opening import DEFAULT_CONTEXT, open_language_model
from negspace.language_models.saving import load_parameters
from negspace.language_models.scoring import check_finite, fragment_losses, token_losses
from negspace.language_models.settings import TinySettings
from negspace.language_models.tiny import build_network, train_tokenizer
from negspace.language_models.tiny_model import checkpoint_steps, tiny_cache_path, train_tiny
from negspace.language_models.training import make_optimiser, train_network

__all__ = [
    "DEFAULT_CONTEXT",
    "Batch",
    "Checkpoint",
    "LanguageModel",
    "TinySettings",
    "available_bytes",
    "batches",
    "build_network",
    "check_finite",
    "checkpoint_steps",
    "fragment_losses",
    "halving",
    "load_parameters",
    "make_optimiser",
    "open_language_model",
    "take",
    "tiny_cache_path",
    "token_losses",
    "train_network",
    "train_tiny",
    "train_tokenizer",
]
