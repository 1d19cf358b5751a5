"""A small GPT: its tokenizer and its network, before training."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from negspace.embedders.quiet import one_thread, quiet
from negspace.language_models.settings import TinySettings
from negspace.language_models.training import train_network

__all__ = ["TinySettings", "build_network", "train_network", "train_tokenizer"]


def train_tokenizer(texts: Sequence[str], vocabulary: int, context: int) -> Any:
    """Learn a byte-level byte-pair encoding; every text can be written in it."""
    from tokenizers import ByteLevelBPETokenizer  # noqa: PLC0415  (an extra)

    with quiet():
        from transformers import PreTrainedTokenizerFast  # noqa: PLC0415  (an extra, and seconds to import)

        encoding = ByteLevelBPETokenizer()
        encoding.train_from_iterator(texts, vocab_size=vocabulary, show_progress=False)
        return PreTrainedTokenizerFast(
            tokenizer_object=encoding._tokenizer,
            model_max_length=context,
            clean_up_tokenization_spaces=False,
        )


def build_network(settings: TinySettings, vocabulary: int, seed: int) -> Any:
    """A GPT-2 (Radford et al. 2019) of the given size without dropout, its parameters drawn with the seed."""
    import torch  # noqa: PLC0415  (an extra)

    with quiet(), one_thread():
        from transformers import GPT2Config, GPT2LMHeadModel  # noqa: PLC0415  (an extra, and seconds to import)

        torch.manual_seed(seed)
        config = GPT2Config(
            vocab_size=vocabulary,
            n_positions=settings.context,
            n_embd=settings.width,
            n_layer=settings.layers,
            n_head=settings.heads,
            # GPT-2's own function, in one kernel instead of eight.
            activation_function="gelu_pytorch_tanh",
            resid_pdrop=0.0,
            embd_pdrop=0.0,
            attn_pdrop=0.0,
            bos_token_id=None,
            eos_token_id=None,
        )
        return GPT2LMHeadModel(config).eval()
