"""Frozen embeddings and logistic regression: what a pretrained encoder makes of the training rows.

The encoder is not trained, so each text is embedded once, whatever the number of arms and seeds; a fit is
scikit-learn's ``LogisticRegression`` on the vectors of the drawn rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from typing import Any

import numpy as np
from jaxtyping import Float, Float32, Int

from negspace.embedders import Embedder, EmbeddingCache, EmbeddingProgress, cached, open_embedder
from negspace.errors import PlanError
from negspace.execution import run_jobs
from negspace.models.learner import LEARNERS, Range
from negspace.models.text_task import TextArm, TextTask, one_thread_each, summarise_probabilities
from negspace.quantities import PREDICTION
from negspace.records import Json, Run


@dataclass(frozen=True)
class EmbeddingLearner:
    """Logistic regression on the vectors of a frozen embedder.

    Attributes:
        embedder: What embeds the texts; with `negspace.embedders.cached`, each text once and for all.
        c: Inverse strength of the L2 penalty.

    Raises:
        PlanError: If ``c`` is not above 0.
    """

    embedder: Embedder
    c: float = 10.0
    progress: EmbeddingProgress | None = field(default=None, compare=False)

    gives = PREDICTION
    space = {"c": Range(1e-2, 1e3, log=True)}  # noqa: RUF012  (read, never written)

    def __post_init__(self) -> None:
        if not self.c > 0:
            raise PlanError("the inverse strength of a penalty lies above 0", got=self.c)

    @property
    def name(self) -> str:
        """Name of the embedder."""
        return self.embedder.name

    def with_progress(self, progress: EmbeddingProgress) -> EmbeddingLearner:
        """Have someone told how far the embedding is."""
        return replace(self, progress=progress)

    def describe(self) -> Mapping[str, Json]:
        """All settings that decide a result; what the embedder is called decides nothing."""
        return {
            "name": "embedding",
            "embedder": self.embedder.describe(),
            "c": self.c,
            "scikit-learn": version("scikit-learn"),
        }

    def runs(self, task: TextTask, jobs: Sequence[tuple[TextArm, int]], *, workers: int) -> Iterator[Run]:
        """Fit each (arm, seed) and yield it as it is done."""
        drawn = [(arm.name, seed, arm.draw(task, seed)) for arm, seed in jobs]
        vectors = self._embed(task, [rows for _, _, rows in drawn])
        held_out = np.arange(task.n_train, len(task.texts))

        def run(arm: str, seed: int, rows: Int[np.ndarray, " rows"]) -> Run:
            probabilities = self._fit_predict(vectors, task, rows, held_out)
            return Run(arm, seed, summarise_probabilities(probabilities, task.held_out_labels))

        # Threads, not processes: the solver spends its time in BLAS, and the vectors stay unshared.
        with one_thread_each():
            yield from run_jobs(run, drawn, workers=workers, threads=True)

    def _embed(
        self, task: TextTask, drawn: Sequence[Int[np.ndarray, " _"]]
    ) -> Float32[np.ndarray, "texts dims"]:
        """Vectors of all rows that a job reads; of a frozen embedder, no others are asked for."""
        if not self.embedder.frozen:
            return self.embedder.embed(task.texts, progress=self.progress)
        read = np.unique(np.concatenate([*drawn, np.arange(task.n_train, len(task.texts))]))
        found = self.embedder.embed([task.texts[row] for row in read.tolist()], progress=self.progress)
        vectors = np.zeros((len(task.texts), found.shape[1]), dtype=np.float32)
        vectors[read] = found
        return vectors

    def _fit_predict(
        self,
        vectors: Float32[np.ndarray, "texts dims"],
        task: TextTask,
        train: Int[np.ndarray, " train"],
        test: Int[np.ndarray, " test"],
    ) -> Float[np.ndarray, "test labels"]:
        from sklearn.linear_model import LogisticRegression

        present, target = np.unique(task.labels[train], return_inverse=True)
        probabilities = np.zeros((len(test), len(task.label_names)))
        if len(present) == 1:
            probabilities[:, present] = 1
            return probabilities
        model: Any = LogisticRegression(C=self.c, solver="lbfgs", max_iter=1000)
        model.fit(vectors[train], target)
        probabilities[:, present] = model.predict_proba(vectors[test])
        return probabilities


@LEARNERS.register("st", argument="PATH")
def sentence_transformer_learner(path: str) -> EmbeddingLearner:
    """Logistic regression on the frozen embeddings of a sentence-transformers model."""
    return _cached(f"st:{path}")


@LEARNERS.register("hf", argument="PATH")
def hugging_face_learner(path: str) -> EmbeddingLearner:
    """Logistic regression on the frozen embeddings of a transformers encoder."""
    return _cached(f"hf:{path}")


def _cached(embedder: str) -> EmbeddingLearner:
    return EmbeddingLearner(cached(open_embedder(embedder), EmbeddingCache()))
