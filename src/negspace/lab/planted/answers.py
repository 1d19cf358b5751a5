"""Answers that a rule decides, in fresh fragments: what a model must predict to know the rule."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from negspace.data import Fragments
from negspace.embedders import one_thread
from negspace.execution import run_jobs
from negspace.lab.planted.corpus import PlantedRecipe, planted_corpus, vocabulary
from negspace.lab.planted.rules import RULES, answers_of
from negspace.lab.planted.training import PlantedTraining, require_torch, torch_version
from negspace.language_models import LanguageModel, batches
from negspace.quantities import PREDICTION
from negspace.records import EvalSet, Json, Run, Values

_BATCH = 4000


@dataclass(frozen=True, eq=False)
class AnswerTask:
    """Held-out answers: words that rules decide, in fragments that no model was trained on.

    Attributes:
        fragments: The fragments.
        held_out_clusters: The fragment that each answer stands in; answers of one fragment are one cluster.
        places: Position of each in it.
        held_out_labels: Position of each in ``label_names``.
        label_names: All words.
        eval_sets: ``rules`` has all answers; the others are those of a family.
        fingerprint: SHA-256 (hex) of all of the above.
    """

    fragments: Fragments
    held_out_clusters: Int[np.ndarray, " held_out"]
    places: Int[np.ndarray, " held_out"]
    held_out_labels: Int[np.ndarray, " held_out"]
    label_names: tuple[str, ...]
    eval_sets: Mapping[str, EvalSet]
    fingerprint: str


def answer_task(fragments: int, *, seed: int) -> AnswerTask:
    """Draw fragments of all rules in equal parts, and find their answers."""
    corpus = planted_corpus(PlantedRecipe(fragments=fragments, shares=(1.0, 0.0, 0.0)), seed)
    read = corpus.fragments(vocabulary())
    found = [
        (row, place)
        for row, (family, text) in enumerate(zip(corpus.families, corpus.texts, strict=True))
        for place in answers_of(family, text.split())
    ]
    rows, places = np.array(found, dtype=np.int64).T
    families = np.array(corpus.families)[rows]
    sets = {"rules": np.arange(len(rows))}
    sets |= {family: np.flatnonzero(families == family) for family in RULES}
    digest = hashlib.sha256(read.fingerprint.encode() + rows.tobytes() + places.tobytes()).hexdigest()
    return AnswerTask(
        read,
        rows,
        places,
        read.tokens[rows, places].astype(np.int64),
        vocabulary(),
        {name: EvalSet(name, of) for name, of in sets.items()},
        digest,
    )


@dataclass(frozen=True)
class AnswerArm:
    """A model that is asked for the answers.

    Attributes:
        name: Name in results.
        training: What it is trained on.
    """

    name: str
    training: PlantedTraining

    @property
    def code(self) -> tuple[object, ...]:
        """Whose code decides the model."""
        return self.training.code

    def describe(self) -> Mapping[str, Json]:
        """Name and training."""
        return {"name": self.name, **self.training.describe()}

    def outline(self) -> str:
        """The training in a line."""
        return self.training.outline()

    def check(self, task: AnswerTask) -> None:
        """Every model can be asked for answers."""


@dataclass(frozen=True)
class AnswerLearner:
    """Train small language models; each predicts the answers, given all words before them."""

    name = "planted answers"
    gives = PREDICTION

    def describe(self) -> Mapping[str, Json]:
        """PyTorch's version; another one may round differently."""
        return {"name": self.name, **torch_version()}

    def runs(self, task: AnswerTask, jobs: Sequence[tuple[AnswerArm, int]], *, workers: int) -> Iterator[Run]:
        """Train each (arm, seed) and yield it as it is done.

        Raises:
            MissingExtraError: If PyTorch is not installed.
        """
        require_torch()
        yield from run_jobs(_answered, ((task, arm, seed) for arm, seed in jobs), workers=workers)


def _answered(task: AnswerTask, arm: AnswerArm, seed: int) -> Run:
    return Run(arm.name, seed, _values(arm.training.train(seed), task))


def _values(model: LanguageModel, task: AnswerTask) -> Values:
    import torch

    label = np.zeros(len(task.places), dtype=np.int64)
    confidence, truth = np.zeros(len(label)), np.zeros(len(label))
    asked = np.unique(task.held_out_clusters)
    with one_thread(), torch.inference_mode():
        for batch in batches(task.fragments, asked, tokens=_BATCH, device=model.device):
            chances = torch.softmax(model.network(**batch.inputs()).logits.double(), -1).numpy()
            for at, row in enumerate(batch.rows):
                items = np.flatnonzero(task.held_out_clusters == row)
                said = chances[at, task.places[items] - 1]
                label[items] = said.argmax(1)
                confidence[items] = said.max(1)
                truth[items] = said[np.arange(len(items)), task.held_out_labels[items]]
    return {"label": label, "confidence": confidence, "truth": truth}
