"""Criteria against brute force, and what a worklist says of its rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from negspace.curation import (
    CRITERIA,
    DEFAULT_CRITERION,
    RowPool,
    central,
    certain,
    certain_vocabulary,
    choose_worklist,
    coverage,
    uncertain,
    uncertain_coverage,
    vocabulary,
)
from negspace.errors import PlanError
from negspace.search import embed

WORDS = [f"word{i}" for i in range(40)]


def drawn_pool(rows: int, n_labels: int = 3, seed: int = 0) -> RowPool:
    rng = np.random.default_rng(seed)
    texts = tuple(" ".join(rng.choice(WORDS, size=rng.integers(2, 9))) for _ in range(rows))
    labels = np.concatenate([np.arange(n_labels), rng.integers(n_labels, size=rows - n_labels)])
    names = tuple(f"label{i}" for i in range(n_labels))
    said = rng.dirichlet(np.ones(n_labels), size=rows)
    place, none = np.arange(rows), np.zeros(rows, dtype=bool)
    return RowPool(texts, labels, names, embed(texts), place, place, said, none, none)


def cosines(pool: RowPool) -> np.ndarray:
    dense = pool.embedding.toarray().astype(float)
    return dense @ dense.T


def margins(pool: RowPool) -> np.ndarray:
    return np.array([sorted(row)[-1] - sorted(row)[-2] for row in pool.probabilities.tolist()])


@pytest.mark.parametrize("name", CRITERIA)
def test_every_criterion_gives_exactly_k_rows_in_the_labels_shares(name: str) -> None:
    pool = drawn_pool(90)
    counts = np.bincount(pool.labels)
    for k in (1, 10, 33, 90):
        rows = CRITERIA[name](pool, k, np.random.default_rng(0))
        assert len(rows) == len(set(rows.tolist())) == k
        assert np.abs(np.bincount(pool.labels[rows], minlength=3) - counts * k / 90).max() < 1


@pytest.mark.parametrize("name", CRITERIA)
def test_every_criterion_depends_on_its_generator_alone(name: str) -> None:
    pool = drawn_pool(60)
    np.random.seed(1)  # noqa: NPY002 (the state that must not matter)
    once = CRITERIA[name](pool, 20, np.random.default_rng(7))
    np.random.seed(2)  # noqa: NPY002
    np.testing.assert_array_equal(CRITERIA[name](pool, 20, np.random.default_rng(7)), once)


def test_the_default_is_a_criterion() -> None:
    assert DEFAULT_CRITERION in CRITERIA


def test_uncertain_and_certain_by_sorting() -> None:
    pool = drawn_pool(50)
    chosen = uncertain(pool, 12, np.random.default_rng(0))
    assert chosen.tolist() == np.argsort(margins(pool))[:12].tolist()
    own = [row[label] for row, label in zip(pool.probabilities, pool.labels, strict=True)]
    assert certain(pool, 12, np.random.default_rng(0)).tolist() == np.argsort(own)[::-1][:12].tolist()


def test_central_by_brute_force() -> None:
    pool = drawn_pool(70)
    near = cosines(pool)
    np.fill_diagonal(near, -1)
    density = np.sort(near, axis=1)[:, -10:].mean(axis=1)
    chosen = central(pool, 70, np.random.default_rng(0))
    assert (np.diff(density[chosen]) <= 1e-6).all()


def facility(pool: RowPool, weights: np.ndarray) -> Callable[[list[int]], float]:
    near = cosines(pool)
    return lambda rows: float(weights @ near[:, rows].max(axis=1, initial=0.0))


def covered(pool: RowPool, weights: np.ndarray) -> Callable[[list[int]], float]:
    dense = pool.embedding.toarray().astype(float) * weights[:, None]
    return lambda rows: float(dense.sum(axis=0) @ np.sqrt(dense[rows].sum(axis=0)))


def aims(pool: RowPool) -> dict[str, tuple[Callable[..., np.ndarray], Callable[[list[int]], float]]]:
    own = pool.probabilities[np.arange(len(pool)), pool.labels]
    return {
        "coverage": (coverage, facility(pool, np.ones(len(pool)))),
        "uncertain-coverage": (uncertain_coverage, facility(pool, 1 - margins(pool))),
        "vocabulary": (vocabulary, covered(pool, np.ones(len(pool)))),
        "certain-vocabulary": (certain_vocabulary, covered(pool, own)),
    }


AIMS = ["coverage", "uncertain-coverage", "vocabulary", "certain-vocabulary"]


@pytest.mark.parametrize("name", AIMS)
def test_each_greedy_choice_adds_most(name: str) -> None:
    pool = drawn_pool(60)
    criterion, aim = aims(pool)[name]
    chosen = criterion(pool, 20, np.random.default_rng(0)).tolist()
    for pick in range(20):
        before = chosen[:pick]
        best = max(aim([*before, row]) for row in range(60) if row not in before)
        assert aim(chosen[: pick + 1]) == pytest.approx(best, rel=1e-6)


@pytest.mark.parametrize("name", AIMS)
def test_greedy_choices_come_near_the_best(name: str) -> None:
    pool = drawn_pool(12, seed=3)
    criterion, aim = aims(pool)[name]
    best = max(aim(list(rows)) for rows in combinations(range(12), 4))
    assert aim(criterion(pool, 4, np.random.default_rng(0)).tolist()) >= (1 - 1 / np.e) * best


def test_a_worklist_names_the_label_to_write_and_the_nearest_row_of_it() -> None:
    pool = drawn_pool(80)
    pool = replace(pool, suspected=np.arange(80) % 9 == 0)
    near = cosines(pool)
    found = choose_worklist(pool, 25, np.random.default_rng(0))
    assert len(found) == len(found.reasons) == 25
    for row, other, nearest, distance in zip(
        found.rows, found.proposed, found.nearest, found.distance, strict=True
    ):
        said = pool.probabilities[row]
        assert other == max(set(range(3)) - {pool.labels[row]}, key=lambda label: said[label])
        of_label = [r for r in range(80) if pool.labels[r] == other and r % 9]
        best = max(near[row, r] for r in of_label)
        assert distance == pytest.approx(1 - best, abs=1e-6)
        assert nearest in of_label
        assert near[row, nearest] == pytest.approx(best, abs=1e-6)


def test_the_reason_says_what_the_models_gave() -> None:
    pool = drawn_pool(30)
    found = choose_worklist(pool, 4, np.random.default_rng(0))
    for rank, (row, other, reason) in enumerate(
        zip(found.rows, found.proposed, found.reasons, strict=True), 1
    ):
        assert f"choice {rank} of 4" in reason
        assert f"label{pool.labels[row]} {pool.probabilities[row, pool.labels[row]]:.2f}" in reason
        assert f"label{other} {pool.probabilities[row, other]:.2f}" in reason


def test_rows_that_need_no_rewrite_are_not_asked_for() -> None:
    pool = drawn_pool(40, n_labels=2)
    groups = np.arange(40)
    first, second = np.flatnonzero(pool.labels == 0)[-1], np.flatnonzero(pool.labels == 1)[-1]
    groups[second] = groups[first]  # a near miss and its counterpart
    suspected, redundant = np.arange(40) == 3, np.arange(40) == 5
    pool = replace(pool, groups=groups, suspected=suspected, redundant=redundant)
    left = set(range(40)) - {3, 5, int(first), int(second)}
    found = choose_worklist(pool, len(left), np.random.default_rng(0))
    assert set(found.rows.tolist()) == left
    with pytest.raises(PlanError, match=f"{len(left)} of 40 rows"):
        choose_worklist(pool, len(left) + 1, np.random.default_rng(0))


def test_a_row_that_shares_no_word_with_the_other_label_has_no_nearest_row() -> None:
    texts = ("a b", "a b c", "x y", "x z")
    rows, none = np.arange(4), np.zeros(4, dtype=bool)
    said = np.full((4, 2), 0.5)
    pool = RowPool(texts, np.array([0, 0, 1, 1]), ("n", "p"), embed(texts), rows, rows, said, none, none)
    found = choose_worklist(pool, 4, np.random.default_rng(0))
    assert (found.nearest == -1).all()
    assert (found.distance == 1).all()


def test_any_function_of_the_kind_is_a_criterion() -> None:
    pool = drawn_pool(20)
    found = choose_worklist(
        pool, 3, np.random.default_rng(0), criterion=lambda _pool, k, _rng: np.arange(k)[::-1].copy()
    )
    assert found.rows.tolist() == [2, 1, 0]
