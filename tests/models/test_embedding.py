"""The embedding learner against scikit-learn's logistic regression on the drawn rows' vectors."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from negspace.embedders import EmbeddingCache, MatrixEmbedder, cached
from negspace.errors import PlanError
from negspace.models import EmbeddingLearner, RowsArm, TextTask
from negspace.records import Run

TalkMaker = Callable[[int], TextTask]


class Counting:
    """A word is a direction; and a list of the texts that were embedded."""

    name = "words"
    frozen = True

    def __init__(self) -> None:
        self.embedded: list[str] = []

    def describe(self) -> dict[str, Any]:
        return {"embedder": self.name}

    def embed(self, texts: Sequence[str], *, progress: Any = None) -> np.ndarray:
        self.embedded += texts
        vectors = np.zeros((len(texts), 60), dtype=np.float32)
        for row, text in enumerate(texts):
            for word in text.split():
                vectors[row, int(word[1:])] += 1
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def jobs_of(task: TextTask, seeds: int = 3) -> list[tuple[RowsArm, int]]:
    arms = [RowsArm("all", np.arange(task.n_train)), RowsArm("half", np.arange(0, task.n_train, 2), 0.8)]
    return [(arm, seed) for arm in arms for seed in range(seeds)]


def fit(
    learner: EmbeddingLearner, task: TextTask, jobs: list[tuple[RowsArm, int]], workers: int = 1
) -> dict[tuple[str, int], Run]:
    return {(run.arm, run.seed): run for run in learner.runs(task, jobs, workers=workers)}


@pytest.mark.parametrize("n_labels", [2, 3, 8])
@pytest.mark.parametrize("c", [0.3, 10.0])
def test_predictions_are_those_of_scikit_learn(talk: TalkMaker, n_labels: int, c: float) -> None:
    task = talk(n_labels)
    vectors = Counting().embed(task.texts)
    jobs = jobs_of(task)
    got = fit(EmbeddingLearner(Counting(), c=c), task, jobs)
    for arm, seed in jobs:
        rows = arm.draw(task, seed)
        plain = LogisticRegression(C=c, max_iter=1000).fit(vectors[rows], task.labels[rows])
        expected = plain.predict_proba(vectors[task.n_train :])
        found = got[arm.name, seed].values
        np.testing.assert_allclose(found["confidence"], expected.max(axis=1), atol=1e-4)
        np.testing.assert_allclose(
            found["truth"], expected[np.arange(len(expected)), task.held_out_labels], atol=1e-4
        )
        assert np.array_equal(found["label"], expected.argmax(axis=1))
    # The comparison means something: the model neither knows all nor guesses.
    right = np.mean([run.values["label"] == task.held_out_labels for run in got.values()])
    assert 1.3 / n_labels < right < 0.99


@pytest.mark.parametrize("n_labels", [2, 4])
def test_neither_workers_nor_order_nor_other_jobs_matter(
    talk: TalkMaker, same: Callable[[Run, Run], bool], n_labels: int
) -> None:
    task = talk(n_labels)
    jobs = jobs_of(task)
    learner = EmbeddingLearner(Counting())
    first = fit(learner, task, jobs)
    np.random.seed(5)  # noqa: NPY002  (the global generator is what must not matter)
    shuffled = [jobs[i] for i in np.random.default_rng(0).permutation(len(jobs))]
    for again in (fit(learner, task, shuffled, workers=2), fit(learner, task, shuffled[:2])):
        assert all(same(run, first[key]) for key, run in again.items())


def test_only_rows_that_are_read_are_embedded(talk: TalkMaker) -> None:
    task = talk(2)
    embedder = Counting()
    arm = RowsArm("few", np.arange(20), 1.0)
    fit(EmbeddingLearner(embedder), task, [(arm, 0), (arm, 1)])
    assert embedder.embedded == [*task.texts[:20], *task.texts[task.n_train :]]


def test_with_a_cache_each_text_is_embedded_once_and_for_all(
    talk: TalkMaker, tmp_path: Path, same: Callable[[Run, Run], bool]
) -> None:
    task = talk(3)
    cache = EmbeddingCache(tmp_path / "vectors.sqlite")
    first, second = Counting(), Counting()
    runs = fit(EmbeddingLearner(cached(first, cache)), task, jobs_of(task))
    again = fit(EmbeddingLearner(cached(second, cache)), task, jobs_of(task))
    assert len(first.embedded) == len(set(first.embedded)) > 0
    assert second.embedded == []
    plain = fit(EmbeddingLearner(Counting()), task, jobs_of(task))
    assert all(same(runs[key], again[key]) and same(runs[key], plain[key]) for key in runs)


class Fitted(Counting):
    """The same, said to be fitted on the texts of each call."""

    frozen = False


def test_an_embedder_of_all_texts_is_given_them_all(
    talk: TalkMaker, same: Callable[[Run, Run], bool]
) -> None:
    task = talk(3)
    arm = RowsArm("few", np.arange(0, task.n_train, 3), 1.0)
    embedder = Fitted()
    (run,) = EmbeddingLearner(embedder).runs(task, [(arm, 0)], workers=1)
    assert embedder.embedded == list(task.texts)
    (frozen,) = EmbeddingLearner(Counting()).runs(task, [(arm, 0)], workers=1)
    assert same(run, frozen)


def test_a_matrix_is_read_by_position(talk: TalkMaker) -> None:
    task = talk(3)
    truth = np.eye(3, dtype=np.float32)[task.labels]
    (run,) = EmbeddingLearner(MatrixEmbedder(truth)).runs(
        task, [(RowsArm("few", np.arange(0, 90), 1.0), 0)], workers=2
    )
    assert np.array_equal(run.values["label"], task.held_out_labels)


def test_labels_absent_from_the_draw_get_no_probability(talk: TalkMaker) -> None:
    task = talk(4)
    arm = RowsArm("two", np.flatnonzero(np.isin(task.labels[: task.n_train], [1, 3])), 1.0)
    (run,) = EmbeddingLearner(Counting()).runs(task, [(arm, 0)], workers=1)
    assert set(run.values["label"]) == {1, 3}
    assert (run.values["truth"][np.isin(task.held_out_labels, [0, 2])] == 0).all()


def test_a_draw_of_a_single_label_is_certain_of_it(talk: TalkMaker) -> None:
    task = talk(3)
    arm = RowsArm("one", np.flatnonzero(task.labels[: task.n_train] == 1))
    (run,) = EmbeddingLearner(Counting()).runs(task, [(arm, 0)], workers=1)
    assert set(run.values["label"]) == {1}
    assert np.array_equal(run.values["truth"], (task.held_out_labels == 1).astype(float))


def test_no_warning_reaches_the_user(make_task: Callable[..., TextTask]) -> None:
    task = make_task([f"w{i}" for i in range(30)], [*range(20), *range(10)], held_out=8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(fit(EmbeddingLearner(Counting()), task, jobs_of(task, 1), workers=2)) == 2


def test_description_names_weights_and_penalty() -> None:
    learner = EmbeddingLearner(Counting(), c=3.0)
    assert learner.name == "words"
    assert learner.describe()["embedder"] == Counting().describe()
    assert learner.describe() != EmbeddingLearner(Counting(), c=4.0).describe()
    with pytest.raises(PlanError, match="above 0"):
        EmbeddingLearner(Counting(), c=0.0)
