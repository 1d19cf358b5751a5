"""The net behind the `lstm` learner; imports PyTorch."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from negspace.models.lstm_settings import Encoded, LstmSettings

__all__ = ["fit_predict"]

_UNKNOWN = 1
# Batches are cut from this many batches' rows sorted by length, so that little is padding.
_SORTED_BATCHES = 8


class _Net(nn.Module):
    def __init__(self, words: int, labels: int, settings: LstmSettings) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, settings.embedding, padding_idx=0)
        self.lstm = nn.LSTM(settings.embedding, settings.hidden, batch_first=True)
        self.out = nn.Linear(settings.hidden, labels)
        self.dropout = nn.Dropout(settings.dropout)

    def forward(self, words: Int[Tensor, "batch tokens"], length: Int[Tensor, " batch"]) -> Tensor:
        longest = int(length.max())
        states, _ = self.lstm(self.dropout(self.embedding(words[:, :longest])))
        read = torch.arange(longest)[None, :] < length[:, None]
        # The mean over the words read; the last state alone forgets the start of a 200-word review.
        pooled = (states * read[..., None]).sum(1) / length[:, None]
        logits: Tensor = self.out(self.dropout(pooled))
        return logits


def fit_predict(
    settings: LstmSettings,
    data: Encoded,
    train: Int[np.ndarray, " train"],
    test: Int[np.ndarray, " test"],
    seed: int,
) -> Float[np.ndarray, "test labels"]:
    """Train the net on some rows and predict others.

    Args:
        settings: Of the net and its training.
        data: All texts.
        train: Positions of the training rows.
        test: Positions of the rows to predict.
        seed: Of initialisation, order and dropout.

    Returns:
        Probability of each label for each test row.
    """
    torch.set_num_threads(1)
    known = _known_words(data, train, settings.min_df)
    words = torch.from_numpy(known[data.words])
    # Copies: joblib hands large arrays to its workers read-only, and PyTorch warns of sharing those.
    length, labels = torch.tensor(data.length), torch.tensor(data.labels)
    # Dropout takes its numbers from PyTorch's own generator, which is given back as it was found.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = _Net(int(known.max()) + 1, data.n_labels, settings)
        optimiser = torch.optim.Adam(net.parameters(), lr=settings.learning_rate)
        rng = np.random.default_rng([seed, 1])
        for _ in range(settings.epochs):
            for rows in _batches(train, data.length, settings.batch, rng):
                loss = nn.functional.cross_entropy(net(words[rows], length[rows]), labels[rows])
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]  # PyTorch leaves it untyped
                nn.utils.clip_grad_norm_(net.parameters(), 1.0)
                optimiser.step()
    net.eval()
    probabilities = np.zeros((len(test), data.n_labels))
    order = np.argsort(data.length[test], kind="stable")
    with torch.inference_mode():
        for at in np.array_split(order, max(1, len(order) // 256)):
            rows = test[at]
            probabilities[at] = net(words[rows], length[rows]).double().softmax(1).numpy()
    return probabilities


def _known_words(data: Encoded, train: Int[np.ndarray, " train"], min_df: int) -> Int[np.ndarray, " words"]:
    """Renumber words densely by whether enough training rows have them."""
    rows = np.broadcast_to(np.arange(len(train))[:, None], data.words[train].shape)
    pairs = np.unique(np.stack([rows.ravel(), data.words[train].ravel()]), axis=1)
    frequency = np.bincount(pairs[1], minlength=data.n_words)
    known = np.full(data.n_words, _UNKNOWN, dtype=np.int64)
    kept = np.flatnonzero(frequency >= min_df)
    kept = kept[kept > _UNKNOWN]
    known[kept] = np.arange(len(kept)) + _UNKNOWN + 1
    known[0] = 0
    return known


def _batches(
    rows: Int[np.ndarray, " rows"],
    length: Int[np.ndarray, " texts"],
    size: int,
    rng: np.random.Generator,
) -> list[Int[np.ndarray, " batch"]]:
    order = rng.permutation(rows)
    batches: list[Int[np.ndarray, " batch"]] = []
    for start in range(0, len(order), size * _SORTED_BATCHES):
        pool = order[start : start + size * _SORTED_BATCHES]
        pool = pool[np.argsort(length[pool], kind="stable")]
        batches += [pool[i : i + size] for i in range(0, len(pool), size)]
    return [batches[i] for i in rng.permutation(len(batches))]
