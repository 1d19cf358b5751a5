"""A small recurrent net, trained from scratch on the data's own words.

Embedding, one LSTM layer, the mean of its states, a linear layer. It shares nothing with the linear
model of `tfidf` (no counts, word order at every step), so that a finding both show is not a
property of one of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from negspace.errors import MissingExtraError
from negspace.execution import run_jobs
from negspace.models.learner import LEARNERS, Choice, Range
from negspace.models.text_task import TextArm, TextTask, summarise_probabilities
from negspace.quantities import PREDICTION
from negspace.records import Json, Run

if TYPE_CHECKING:
    from torch import Tensor

_WORD = re.compile(r"\w+|[^\w\s]")
_UNKNOWN = 1
# Batches are cut from this many batches' rows sorted by length, so that little is padding.
_SORTED_BATCHES = 8


@dataclass(frozen=True, eq=False)
class _Encoded:
    """Texts as word numbers, shared by every fit."""

    words: Int[np.ndarray, "texts tokens"]  # from 2; 0 pads, 1 is a word that a fit does not know
    length: Int[np.ndarray, " texts"]  # at least 1
    labels: Int[np.ndarray, " texts"]
    n_words: int  # 0 and 1 included
    n_labels: int


@LEARNERS.register("lstm")
@dataclass(frozen=True)
class LstmLearner:
    """A small LSTM classifier over the data's own words.

    Attributes:
        embedding: Width of the word embedding.
        hidden: Width of the LSTM.
        tokens: Words of a text that are read, from its start.
        epochs: Passes over the training rows.
        batch: Texts a step.
        learning_rate: Learning rate of Adam.
        dropout: Share of embedded inputs and of pooled states that are dropped in training.
        min_df: Words that fewer training rows have are read as unknown.

    Raises:
        MissingExtraError: If PyTorch is not installed.
    """

    embedding: int = 32
    hidden: int = 32
    tokens: int = 200
    epochs: int = 8
    batch: int = 32
    learning_rate: float = 5e-3
    dropout: float = 0.5
    min_df: int = 2

    name = "lstm"
    gives = PREDICTION
    space = {  # noqa: RUF012  (read, never written)
        "learning_rate": Range(1e-3, 2e-2, log=True),
        "dropout": Range(0.0, 0.7),
        "embedding": Choice((16, 32, 64)),
        "hidden": Choice((16, 32, 64)),
        "epochs": Choice((4, 8, 16)),
        "min_df": Choice((1, 2, 3)),
    }

    def __post_init__(self) -> None:
        if find_spec("torch") is None:
            raise MissingExtraError("the lstm learner", "torch")

    def describe(self) -> Mapping[str, Json]:
        """All settings that decide a result."""
        return {"name": self.name, **asdict(self), "torch": version("torch")}

    def runs(self, task: TextTask, jobs: Sequence[tuple[TextArm, int]], *, workers: int) -> Iterator[Run]:
        """Fit each (arm, seed) and yield it as it is done."""
        data = _encode(task, self.tokens)
        held_out = np.arange(task.n_train, len(task.texts))
        fits = ((self, data, arm.name, arm.draw(task, seed), held_out, seed) for arm, seed in jobs)
        for arm_name, seed, probabilities in run_jobs(_fit_predict, fits, workers=workers):
            yield Run(arm_name, seed, summarise_probabilities(probabilities, task.held_out_labels))


def _encode(task: TextTask, tokens: int) -> _Encoded:
    numbers: dict[str, int] = {}
    texts = [
        [numbers.setdefault(word, len(numbers) + 2) for word in _WORD.findall(text.lower())[:tokens]]
        for text in task.texts
    ]
    length = np.array([max(1, len(text)) for text in texts])
    words = np.zeros((len(texts), int(length.max())), dtype=np.int32)
    for row, text in enumerate(texts):
        words[row, : len(text)] = text
    return _Encoded(words, length, task.labels, len(numbers) + 2, len(task.label_names))


def _fit_predict(
    settings: LstmLearner,
    data: _Encoded,
    arm: str,
    train: Int[np.ndarray, " train"],
    test: Int[np.ndarray, " test"],
    seed: int,
) -> tuple[str, int, Float[np.ndarray, "test labels"]]:
    import torch
    from torch import nn

    torch.set_num_threads(1)
    known = _known_words(data, train, settings.min_df)
    words = torch.from_numpy(known[data.words])
    # Copies: joblib hands large arrays to its workers read-only, and PyTorch warns of sharing those.
    length, labels = torch.tensor(data.length), torch.tensor(data.labels)
    # Dropout takes its numbers from PyTorch's own generator, which is given back as it was found.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        embedding = nn.Embedding(int(known.max()) + 1, settings.embedding, padding_idx=0)
        lstm = nn.LSTM(settings.embedding, settings.hidden, batch_first=True)
        out = nn.Linear(settings.hidden, data.n_labels)
        dropout = nn.Dropout(settings.dropout)
        net = nn.ModuleList([embedding, lstm, out, dropout])

        def logits(rows: Int[np.ndarray, " batch"]) -> Tensor:
            longest = int(length[rows].max())
            states, _ = lstm(dropout(embedding(words[rows][:, :longest])))
            read = torch.arange(longest)[None, :] < length[rows][:, None]
            # The mean over the words read; the last state alone forgets the start of a 200-word review.
            pooled = (states * read[..., None]).sum(1) / length[rows][:, None]
            found: Tensor = out(dropout(pooled))
            return found

        optimiser = torch.optim.Adam(net.parameters(), lr=settings.learning_rate)
        rng = np.random.default_rng([seed, 1])
        for _ in range(settings.epochs):
            for rows in _batches(train, data.length, settings.batch, rng):
                loss = nn.functional.cross_entropy(logits(rows), labels[rows])
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]  # PyTorch leaves it untyped
                nn.utils.clip_grad_norm_(net.parameters(), 1.0)
                optimiser.step()
    net.eval()
    probabilities = np.zeros((len(test), data.n_labels))
    order = np.argsort(data.length[test], kind="stable")
    with torch.inference_mode():
        for at in np.array_split(order, max(1, len(order) // 256)):
            probabilities[at] = logits(test[at]).double().softmax(1).numpy()
    return arm, seed, probabilities


def _known_words(data: _Encoded, train: Int[np.ndarray, " train"], min_df: int) -> Int[np.ndarray, " words"]:
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
    rows: Int[np.ndarray, " rows"], length: Int[np.ndarray, " texts"], size: int, rng: np.random.Generator
) -> list[Int[np.ndarray, " batch"]]:
    order = rng.permutation(rows)
    batches: list[Int[np.ndarray, " batch"]] = []
    for start in range(0, len(order), size * _SORTED_BATCHES):
        pool = order[start : start + size * _SORTED_BATCHES]
        pool = pool[np.argsort(length[pool], kind="stable")]
        batches += [pool[i : i + size] for i in range(0, len(pool), size)]
    return [batches[i] for i in rng.permutation(len(batches))]
