"""A small GPT that is trained on the corpus itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int

from negspace.embedders.quiet import one_thread, quiet
from negspace.language_models.batches import take
from negspace.records import Fragments

__all__ = ["TinySettings", "build_network", "train_network", "train_tokenizer"]


@dataclass(frozen=True)
class TinySettings:
    """Size and training of the small GPT.

    Attributes:
        vocabulary: Tokens of its byte-pair encoding, at most.
        layers: Blocks.
        width: Of the hidden states.
        heads: Of attention.
        context: Longest sequence, in tokens.
        batch: Tokens of a training step, about.
        steps: Of AdamW.
        learning_rate: Highest; warmed up over a twentieth of the steps, then down along a cosine.
    """

    vocabulary: int = 2048
    layers: int = 4
    width: int = 128
    heads: int = 4
    context: int = 512
    batch: int = 2048
    steps: int = 400
    learning_rate: float = 3e-3


def train_tokenizer(texts: Sequence[str], vocabulary: int, context: int) -> Any:
    """Learn a byte-level byte-pair encoding; every text can be written in it."""
    from tokenizers import ByteLevelBPETokenizer  # noqa: PLC0415  (an extra)

    with quiet():
        from transformers import PreTrainedTokenizerFast  # noqa: PLC0415  (an extra, and seconds to import)

        encoding = ByteLevelBPETokenizer()
        encoding.train_from_iterator(texts, vocab_size=vocabulary, show_progress=False)
        return PreTrainedTokenizerFast(
            tokenizer_object=encoding._tokenizer,  # noqa: SLF001
            model_max_length=context,
            clean_up_tokenization_spaces=False,
        )


def build_network(settings: TinySettings, vocabulary: int, seed: int) -> Any:
    """A GPT-2 of the given size, its parameters drawn with the seed."""
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
            resid_pdrop=0.0,
            embd_pdrop=0.0,
            attn_pdrop=0.0,
            bos_token_id=None,
            eos_token_id=None,
        )
        return GPT2LMHeadModel(config).eval()


def train_network(
    network: Any,
    fragments: Fragments,
    rows: Int[np.ndarray, " rows"],
    settings: TinySettings,
    *,
    seed: int,
    on_step: Callable[[int], None] = lambda _step: None,
) -> None:
    """Train a network on some fragments, in place; each is seen once before any is seen twice.

    Args:
        network: What `build_network` made.
        fragments: All fragments.
        rows: Those to train on.
        settings: Of the training.
        seed: Of the order.
        on_step: Told the number of steps done, after each.
    """
    import torch  # noqa: PLC0415  (an extra)

    rng = np.random.default_rng(seed)
    size = max(1, settings.batch // int(fragments.lengths[rows].max()))
    order = np.zeros(0, dtype=np.int64)
    optimiser = torch.optim.AdamW(
        network.parameters(), lr=settings.learning_rate, betas=(0.9, 0.95), weight_decay=0.1
    )
    warm = max(1, settings.steps // 20)
    with one_thread():
        for step in range(settings.steps):
            while len(order) < size:
                order = np.concatenate([order, rng.permutation(rows)])
            batch, order = take(fragments, order[:size]), order[size:]
            done = (step - warm) / max(1, settings.steps - warm)
            rate = (step + 1) / warm if step < warm else 0.05 + 0.95 * 0.5 * (1 + np.cos(np.pi * done))
            for group in optimiser.param_groups:
                group["lr"] = settings.learning_rate * rate
            logits = network(**batch.inputs()).logits
            scored = batch.scored[:, 1:]
            loss = torch.nn.functional.cross_entropy(logits[:, :-1][scored], batch.ids[:, 1:][scored])
            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            on_step(step + 1)
