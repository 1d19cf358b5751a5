"""The tfidf learner against scikit-learn's own pipeline, refitted for each seed."""

from __future__ import annotations

import random
import subprocess
import sys
import warnings
from collections.abc import Callable

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from negspace.models import RowsArm, TextTask, TfidfLearner
from negspace.records import Run

TalkMaker = Callable[[int], TextTask]


def pipeline(n_labels: int, seed: int, min_df: int = 2) -> object:
    multi = {"solver": "saga", "tol": 1e-2, "max_iter": 200, "random_state": seed}
    return make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=min_df),
        LogisticRegression(C=10, **(multi if n_labels > 2 else {"max_iter": 1000})),
    )


def jobs_of(task: TextTask, seeds: int = 4) -> list[tuple[RowsArm, int]]:
    arms = [RowsArm("all", np.arange(task.n_train)), RowsArm("half", np.arange(0, task.n_train, 2), 0.8)]
    return [(arm, seed) for arm in arms for seed in range(seeds)]


def fit(task: TextTask, jobs: list[tuple[RowsArm, int]], workers: int = 1) -> dict[tuple[str, int], Run]:
    return {(run.arm, run.seed): run for run in TfidfLearner().runs(task, jobs, workers=workers)}


@pytest.mark.parametrize("n_labels", [2, 3, 8])
def test_predictions_are_those_of_the_plain_pipeline(talk: TalkMaker, n_labels: int) -> None:
    task = talk(n_labels)
    jobs = jobs_of(task)
    got = fit(task, jobs)
    held_out = list(task.texts[task.n_train :])
    for arm, seed in jobs:
        rows = arm.draw(task, seed)
        plain = pipeline(n_labels, seed).fit([task.texts[row] for row in rows], task.labels[rows])
        expected = plain.predict_proba(held_out)
        found = got[arm.name, seed].values
        assert np.array_equal(plain.classes_, np.arange(n_labels))
        np.testing.assert_allclose(found["confidence"], expected.max(axis=1), atol=1e-6)
        np.testing.assert_allclose(
            found["truth"], expected[np.arange(len(held_out)), task.held_out_labels], atol=1e-6
        )
        assert np.array_equal(found["label"], plain.predict(held_out))
    # The comparison means something: the model neither knows all nor guesses.
    right = np.mean([run.values["label"] == task.held_out_labels for run in got.values()])
    assert 1.3 / n_labels < right < 0.99


@pytest.mark.parametrize("n_labels", [2, 4])
def test_neither_workers_nor_order_nor_global_seeds_matter(
    talk: TalkMaker, same: Callable[[Run, Run], bool], n_labels: int
) -> None:
    task = talk(n_labels)
    jobs = jobs_of(task)
    first = fit(task, jobs)
    np.random.seed(123)  # noqa: NPY002  (the global generator is what must not matter)
    random.seed(123)
    numpys = np.random.get_state()[1].copy()  # noqa: NPY002
    shuffled = [jobs[i] for i in np.random.default_rng(0).permutation(len(jobs))]
    for again in (fit(task, shuffled, workers=2), fit(task, shuffled[:3], workers=1)):
        assert all(same(run, first[key]) for key, run in again.items())
    assert np.array_equal(np.random.get_state()[1], numpys)  # noqa: NPY002


# In a process of its own: the type checks of these tests draw from Python's global generator themselves.
UNTOUCHED = """
import random
import numpy as np
from negspace.models import RowsArm, TfidfLearner
from negspace.models import TextTask

texts = tuple(f"w{i % 7} w{i % 5} w{i % 3}" for i in range(60))
labels = np.arange(60) % 7 % 3
task = TextTask(texts, labels, ("a", "b", "c"), np.arange(60), 40, {}, np.full(20, np.nan), "")
before = random.getstate(), np.random.get_state()[1].tobytes()
for workers in (1, 2):
    jobs = [(RowsArm("a", np.arange(40)), seed) for seed in range(3)]
    runs = list(TfidfLearner().runs(task, jobs, workers=workers))
    TfidfLearner().out_of_fold(texts, labels, 3, np.arange(60) % 4, seed=0, workers=workers)
assert len(runs) == 3
assert before == (random.getstate(), np.random.get_state()[1].tobytes())
"""


def test_global_generators_are_left_as_they_were() -> None:
    subprocess.run([sys.executable, "-W", "error", "-c", UNTOUCHED], check=True)


def test_seeds_differ(talk: TalkMaker) -> None:
    task = talk(2)
    runs = fit(task, jobs_of(task))
    assert len({run.values["truth"].tobytes() for run in runs.values()}) == len(runs)


@pytest.mark.parametrize("n_labels", [2, 4])
@pytest.mark.parametrize("workers", [1, 2])
def test_out_of_fold_is_a_loop_over_folds(talk: TalkMaker, n_labels: int, workers: int) -> None:
    task = talk(n_labels)
    texts, labels = np.array(task.texts), task.labels
    folds = np.random.default_rng(1).integers(0, 4, len(texts)) * 3
    got = TfidfLearner().out_of_fold(task.texts, labels, n_labels, folds, seed=5, workers=workers)
    expected = np.empty((len(texts), n_labels))
    for fold in np.unique(folds):
        inside = folds == fold
        plain = pipeline(n_labels, 5).fit(texts[~inside], labels[~inside])
        expected[inside] = plain.predict_proba(texts[inside])
    np.testing.assert_allclose(got, expected, atol=1e-6)


def test_a_label_that_only_one_fold_has_gets_no_probability_there(talk: TalkMaker) -> None:
    task = talk(2)
    labels = task.labels.copy()
    labels[:5] = 2
    folds = np.where(np.arange(len(labels)) < 5, 0, np.arange(len(labels)) % 3)
    got = TfidfLearner().out_of_fold(task.texts, labels, 3, folds, seed=0, workers=1)
    assert (got[folds == 0, 2] == 0).all()
    assert (got[folds != 0, 2] > 0).all()
    np.testing.assert_allclose(got.sum(axis=1), 1)


def test_labels_absent_from_the_draw_get_no_probability(talk: TalkMaker) -> None:
    task = talk(4)
    arm = RowsArm("two", np.flatnonzero(np.isin(task.labels[: task.n_train], [1, 3])), 1.0)
    (run,) = TfidfLearner().runs(task, [(arm, 0)], workers=1)
    assert set(run.values["label"]) == {1, 3}
    absent = np.isin(task.held_out_labels, [0, 2])
    assert (run.values["truth"][absent] == 0).all()
    rows = arm.draw(task, 0)
    plain = pipeline(2, 0).fit([task.texts[row] for row in rows], task.labels[rows])
    expected = plain.predict_proba(list(task.texts[task.n_train :])).max(axis=1)
    np.testing.assert_allclose(run.values["confidence"], expected, atol=1e-6)


def test_a_draw_of_a_single_label_is_certain_of_it(talk: TalkMaker) -> None:
    task = talk(3)
    arm = RowsArm("one", np.flatnonzero(task.labels[: task.n_train] == 1))
    (run,) = TfidfLearner().runs(task, [(arm, 0)], workers=1)
    assert set(run.values["label"]) == {1}
    assert set(run.values["confidence"]) == {1.0}
    assert np.array_equal(run.values["truth"], (task.held_out_labels == 1).astype(float))


def test_texts_without_words(make_task: Callable[..., TextTask]) -> None:
    task = make_task(["?!", "…", "!!", ".", "word", ""], [0, 0, 0, 1, 0, 1], held_out=2)
    (run,) = TfidfLearner().runs(task, [(RowsArm("a", np.arange(4), 1.0), 0)], workers=1)
    assert run.values["label"].tolist() == [0, 0]
    assert run.values["truth"].tolist() == [0.75, 0.25]


def test_no_text_of_the_task_has_words(make_task: Callable[..., TextTask]) -> None:
    task = make_task(["?", "!", ".", "…"], [0, 1, 0, 1], held_out=1)
    (run,) = TfidfLearner().runs(task, [(RowsArm("a", np.arange(3), 1.0), 0)], workers=1)
    assert run.values["confidence"].tolist() == [pytest.approx(2 / 3)]


def test_rows_that_share_no_word_keep_them_all(make_task: Callable[..., TextTask]) -> None:
    texts = ["red", "green", "blue", "red", "blue"]
    task = make_task(texts, [0, 1, 0, 0, 0], held_out=2)
    (run,) = TfidfLearner().runs(task, [(RowsArm("a", np.arange(3), 1.0), 0)], workers=1)
    plain = pipeline(2, 0, min_df=1).fit(texts[:3], [0, 1, 0])
    np.testing.assert_allclose(run.values["truth"], plain.predict_proba(texts[3:])[:, 0], atol=1e-6)


def test_no_warning_reaches_the_user(talk: TalkMaker) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        task = talk(8)
        assert len(fit(task, jobs_of(task, 2), workers=2)) == 4
