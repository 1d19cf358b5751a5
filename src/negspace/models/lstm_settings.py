"""What the `lstm` learner and its net tell each other; neither PyTorch nor the learner is needed for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

__all__ = ["Encoded", "LstmSettings"]


@dataclass(frozen=True, eq=False)
class Encoded:
    """Texts as word numbers, shared by every fit.

    Attributes:
        words: Number of each word, from 2; 0 pads, 1 stands for a word that a fit does not know.
        length: Words of each text, at least 1.
        labels: Label of each text.
        n_words: Numbers in use, 0 and 1 included.
        n_labels: Number of labels.
    """

    words: Int[np.ndarray, "texts tokens"]
    length: Int[np.ndarray, " texts"]
    labels: Int[np.ndarray, " texts"]
    n_words: int
    n_labels: int


@dataclass(frozen=True)
class LstmSettings:
    """Shape and training of the net.

    Attributes:
        embedding: Width of the word embedding.
        hidden: Width of the LSTM.
        tokens: Words of a text that are read, from its start.
        epochs: Passes over the training rows.
        batch: Texts a step.
        learning_rate: Of Adam.
        dropout: Share of embedded inputs and of pooled states that are dropped in training.
        min_df: Words that fewer training rows have are read as unknown.
    """

    embedding: int = 32
    hidden: int = 32
    tokens: int = 200
    epochs: int = 8
    batch: int = 32
    learning_rate: float = 5e-3
    dropout: float = 0.5
    min_df: int = 2
