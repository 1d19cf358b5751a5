"""Folds and splits: balanced, reproducible, clusters whole; against brute force and scikit-learn."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from negspace.data import Examples, grouped_folds, split_rows
from negspace.errors import DataError, PlanError


def examples(labels: np.ndarray) -> Examples:
    names = tuple(f"label {i:04d}" for i in range(int(labels.max()) + 1))
    return Examples(tuple(f"t{i}" for i in range(len(labels))), labels, names)


def counts(folds: np.ndarray, labels: np.ndarray) -> np.ndarray:
    table = np.zeros((folds.max() + 1, labels.max() + 1), dtype=int)
    np.add.at(table, (folds, labels), 1)
    return table


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    st.lists(st.integers(0, 4), min_size=7, max_size=60),
    st.integers(2, 7),
    st.integers(0, 3),
)
def test_single_rows_are_dealt_exactly(labels: list[int], n_folds: int, seed: int) -> None:
    label = np.array(labels)
    folds = grouped_folds(label, np.arange(len(label)), n_folds, seed)
    table = np.array([[np.sum((folds == f) & (label == v)) for v in range(5)] for f in range(n_folds)])
    assert np.ptp(table, axis=0).max() <= 1
    assert np.ptp(table.sum(axis=1)) <= 1


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 12)), min_size=1, max_size=60), st.integers(2, 5))
def test_clusters_are_never_divided(rows: list[tuple[int, int]], n_folds: int) -> None:
    label, cluster = np.array(rows).T
    if len(set(cluster.tolist())) < n_folds:
        with pytest.raises(DataError, match=f"do not make {n_folds} parts"):
            grouped_folds(label, cluster, n_folds, 0)
        return
    folds = grouped_folds(label, cluster, n_folds, 0)
    assert set(folds.tolist()) <= set(range(n_folds))
    for identity in set(cluster.tolist()):
        assert len(set(folds[cluster == identity].tolist())) == 1


def test_as_balanced_as_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    for labels_n in (2, 8):
        label = rng.integers(0, labels_n, 600)
        cluster = rng.integers(0, 250, 600)
        theirs = np.empty(600, dtype=int)
        splitter = StratifiedGroupKFold(5, shuffle=True, random_state=0)
        for fold, (_, rows) in enumerate(splitter.split(label, label, cluster)):
            theirs[rows] = fold
        ours = grouped_folds(label, cluster, 5, 0)
        spread = [counts(folds, label).std(axis=0).mean() for folds in (ours, theirs)]
        assert spread[0] <= spread[1]


def test_seed_decides_and_the_global_generator_does_not() -> None:
    label, cluster = np.arange(200) % 3, np.arange(200) // 2
    first = grouped_folds(label, cluster, 5, 1)
    np.random.seed(0)  # noqa: NPY002 - the global generator must not matter
    assert np.array_equal(grouped_folds(label, cluster, 5, 1), first)
    assert not np.array_equal(grouped_folds(label, cluster, 5, 2), first)


def test_identities_and_labels_may_be_any_integers() -> None:
    label, cluster = np.arange(40) % 2, np.arange(40) // 2
    folds = grouped_folds(label, cluster, 4, 0)
    assert np.array_equal(grouped_folds(label * 7 - 3, cluster * 1000 - 9, 4, 0), folds)


@pytest.mark.parametrize("size", [1, 2])
def test_a_hundred_thousand_rows_of_150_labels_take_seconds(size: int) -> None:
    label = np.random.default_rng(0).integers(0, 150, 100_000)
    start = time.perf_counter()
    folds = grouped_folds(label, np.arange(100_000) // size, 5, 0)
    assert time.perf_counter() - start < 15  # about 1.5 s on a quiet core
    table = counts(folds, label)
    assert np.ptp(table, axis=0).max() <= 4


@pytest.mark.parametrize("share", [0.1, 0.2, 0.25, 0.33, 0.5, 0.8])
def test_split_takes_its_share_of_each_label(share: float) -> None:
    label = np.repeat([0, 1, 2], [600, 300, 100])
    split = split_rows(examples(label), test_share=share, clusters=np.arange(1000), seed=0)
    assert sorted([*split.train, *split.test]) == list(range(1000))
    assert len(split.test) == pytest.approx(1000 * share, abs=1)
    held_out = np.bincount(label[split.test])
    assert np.abs(held_out - share * np.array([600, 300, 100])).max() <= 100 * share
    assert held_out[0] == pytest.approx(600 * share, rel=0.05)
    assert split.notes == ()


def test_split_keeps_clusters_whole_on_pairs() -> None:
    label, cluster = np.arange(1000) % 2, np.arange(1000) // 2
    split = split_rows(examples(label), clusters=cluster, seed=3)
    assert not set(cluster[split.train].tolist()) & set(cluster[split.test].tolist())
    assert np.bincount(label[split.test]).tolist() == [100, 100]


def test_a_label_of_one_row_stays_in_training() -> None:
    label = np.array([0] * 20 + [1] * 20 + list(range(2, 22)))
    for seed in range(5):
        split = split_rows(examples(label), test_share=0.5, clusters=np.arange(60), seed=seed)
        assert set(label[split.train].tolist()) == set(range(22))
        assert set(label[split.test].tolist()) == {0, 1}
        assert split.notes[0].startswith("20 of 22 labels are not tested")
        assert "'label 0002', 'label 0003'" in split.notes[0]
        assert "and 15 more" in split.notes[0]


def test_a_label_of_one_cluster_stays_in_training() -> None:
    label = np.array([0, 1] * 20 + [2, 2, 0])
    cluster = np.array([*range(40), 99, 99, 99])
    for seed in range(5):
        split = split_rows(examples(label), test_share=0.5, clusters=cluster, seed=seed)
        assert {40, 41, 42} <= set(split.train.tolist())
        assert "'label 0002'" in split.notes[0]


def test_splits_that_cannot_be() -> None:
    two = examples(np.array([0, 1]))
    with pytest.raises(DataError, match="too few rows or groups of a label"):
        split_rows(two, clusters=np.arange(2), seed=0)
    with pytest.raises(DataError, match="2 rows in 1 groups"):
        split_rows(two, clusters=np.zeros(2, dtype=int), seed=0)
    for share in (0.0, 1.0, -1.0, float("nan")):
        with pytest.raises(PlanError, match="between 0 and 1"):
            split_rows(two, test_share=share, clusters=np.arange(2), seed=0)
    with pytest.raises(PlanError, match="at least two folds"):
        grouped_folds(np.array([0, 1]), np.arange(2), 1, 0)


def test_the_smallest_set_that_can_be_split() -> None:
    split = split_rows(examples(np.array([0, 0, 1])), clusters=np.arange(3), seed=0)
    assert split.test.tolist() in ([0], [1])
    extreme = split_rows(examples(np.arange(40) % 2), test_share=0.999, clusters=np.arange(40), seed=0)
    assert set((extreme.train % 2).tolist()) == {0, 1}
