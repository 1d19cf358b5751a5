"""A small recurrent net, trained from scratch on the data's own words.

Embedding, one LSTM layer, the mean of its states, a linear layer. It shares nothing with the linear
model of `tfidf` (no counts, word order at every step), so that a finding both show is not a
property of one of them. PyTorch itself is imported by `lstm_net` alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from importlib.util import find_spec

import numpy as np
from jaxtyping import Float, Int

from negspace.errors import MissingExtraError
from negspace.execution import in_processes
from negspace.models.arms import TextArm, TextTask
from negspace.models.lstm_settings import Encoded, LstmSettings
from negspace.models.predictions import summarise_probabilities
from negspace.quantities import PREDICTION
from negspace.records import Json, Run

__all__ = ["LstmLearner"]

_WORD = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True)
class LstmLearner(LstmSettings):
    """A small LSTM classifier over the data's own words; `LstmSettings` has its settings.

    Raises:
        MissingExtraError: If PyTorch is not installed.
    """

    name = "lstm"
    gives = PREDICTION

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
        for arm_name, seed, probabilities in in_processes(_fit_predict, fits, workers=workers):
            yield Run(arm_name, seed, summarise_probabilities(probabilities, task.held_out_labels))


def _encode(task: TextTask, tokens: int) -> Encoded:
    numbers: dict[str, int] = {}
    texts = [
        [numbers.setdefault(word, len(numbers) + 2) for word in _WORD.findall(text.lower())[:tokens]]
        for text in task.texts
    ]
    length = np.array([max(1, len(text)) for text in texts])
    words = np.zeros((len(texts), int(length.max())), dtype=np.int32)
    for row, text in enumerate(texts):
        words[row, : len(text)] = text
    return Encoded(words, length, task.labels, len(numbers) + 2, len(task.label_names))


def _fit_predict(
    settings: LstmLearner,
    data: Encoded,
    arm: str,
    train: Int[np.ndarray, " train"],
    test: Int[np.ndarray, " test"],
    seed: int,
) -> tuple[str, int, Float[np.ndarray, "test labels"]]:
    from negspace.models.lstm_net import fit_predict  # noqa: PLC0415  (PyTorch is an extra, and slow to import)

    return arm, seed, fit_predict(settings, data, train, test, seed)
