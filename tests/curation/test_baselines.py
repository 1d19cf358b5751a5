"""Choices from the literature, against brute force and sets where the answer is planted."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import combinations

import numpy as np
import pytest

from negspace.curation.strategies import BASELINES, Dynamics, RowPool, label_quotas
from negspace.errors import PlanError
from negspace.search import embed

WORDS = [f"word{i}" for i in range(60)]


def pool_of(texts: list[str], labels: list[int]) -> RowPool:
    rows, none = np.arange(len(texts)), np.zeros(len(texts), dtype=bool)
    names = tuple(f"label{i}" for i in range(max(labels) + 1))
    even = np.full((len(texts), len(names)), 1 / len(names))
    embedding = embed(tuple(texts))
    return RowPool(tuple(texts), np.array(labels), names, embedding, rows, rows, even, none, none)


def drawn_pool(rows: int, n_labels: int = 3, seed: int = 0) -> RowPool:
    rng = np.random.default_rng(seed)
    texts = [" ".join(rng.choice(WORDS, size=rng.integers(2, 9))) for _ in range(rows)]
    return pool_of(texts, [*range(n_labels), *rng.integers(n_labels, size=rows - n_labels).tolist()])


def test_the_table_names_every_baseline() -> None:
    assert list(BASELINES) == [
        "random",
        "stratified",
        "k-centre",
        "cartography",
        "el2n",
        "forgetting",
        "semdedup",
    ]


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize(("rows", "budget"), [(80, 1), (80, 23), (80, 80), (4, 2)])
def test_every_choice_has_the_budget_without_repeats(name: str, rows: int, budget: int) -> None:
    chosen = BASELINES[name](drawn_pool(rows), budget, np.random.default_rng(1))
    assert len(chosen) == len(set(chosen.tolist())) == budget
    assert set(chosen.tolist()) <= set(range(rows))


@pytest.mark.parametrize("name", BASELINES)
def test_every_choice_depends_on_its_generator_alone(name: str) -> None:
    pool = drawn_pool(80)
    np.random.seed(1)  # noqa: NPY002 (the state that must not matter)
    once = BASELINES[name](pool, 30, np.random.default_rng(7))
    np.random.seed(2)  # noqa: NPY002
    np.testing.assert_array_equal(BASELINES[name](pool, 30, np.random.default_rng(7)), once)


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize("budget", [0, 21])
def test_no_choice_gives_more_than_there_is(name: str, budget: int) -> None:
    with pytest.raises(PlanError, match="1 to 20"):
        BASELINES[name](drawn_pool(20), budget, np.random.default_rng(0))


@pytest.mark.parametrize("name", BASELINES)
def test_texts_without_words_are_rows_too(name: str) -> None:
    chosen = BASELINES[name](pool_of(["!", "?", "a b", "c d"], [0, 1, 0, 1]), 3, np.random.default_rng(0))
    assert len(set(chosen.tolist())) == 3


def test_random_rows_are_equally_likely() -> None:
    pool, rng = drawn_pool(10), np.random.default_rng(0)
    counts = sum(np.bincount(BASELINES["random"](pool, 3, rng), minlength=10) for _ in range(2000))
    assert np.abs(counts - 600).max() < 5 * np.sqrt(2000 * 0.3 * 0.7)


def largest_remainder(counts: list[int], budget: int) -> tuple[list[int], set[int]]:
    """Whole parts, and the labels that the largest remainders may round up, by exact fractions."""
    shares = [Fraction(count * budget, sum(counts)) for count in counts]
    whole = [int(share) for share in shares]
    left = budget - sum(whole)
    remainders = [share - part for share, part in zip(shares, whole, strict=True)]
    least = sorted(remainders, reverse=True)[left - 1] if left else Fraction(1)
    return whole, {i for i, r in enumerate(remainders) if r >= least}


@pytest.mark.parametrize("counts", [[7, 2, 1], [5, 5, 5], [100, 3, 0, 11], [1, 1, 1, 1, 1, 1, 1]])
def test_stratified_keeps_shares_by_largest_remainder(counts: list[int]) -> None:
    labels = np.repeat(np.arange(len(counts)), counts)
    for budget in range(1, len(labels) + 1):
        whole, may_gain = largest_remainder(counts, budget)
        got = label_quotas(labels, budget, np.random.default_rng(budget))
        assert got.sum() == budget
        assert set(np.flatnonzero(got - whole).tolist()) <= may_gain
        assert ((got - whole) <= 1).all()


def test_stratified_takes_labels_in_turn() -> None:
    pool = pool_of([f"word{i}" for i in range(90)], [i % 3 for i in range(90)])
    chosen = BASELINES["stratified"](pool, 30, np.random.default_rng(0))
    for start in range(0, 30, 3):
        assert sorted(pool.labels[chosen[start : start + 3]].tolist()) == [0, 1, 2]


def euclidean(pool: RowPool) -> np.ndarray:
    dense = pool.embedding.toarray().astype(float)
    return np.sqrt(((dense[:, None] - dense[None]) ** 2).sum(axis=2))


def test_k_centre_takes_the_farthest_each_time() -> None:
    pool = drawn_pool(60)
    apart = euclidean(pool)
    chosen = BASELINES["k-centre"](pool, 25, np.random.default_rng(3)).tolist()
    for pick in range(1, len(chosen)):
        gaps = apart[:, chosen[:pick]].min(axis=1)
        assert gaps[chosen[pick]] == pytest.approx(gaps.max(), abs=1e-6)


@pytest.mark.parametrize("seed", range(5))
def test_k_centre_is_within_twice_the_best_radius(seed: int) -> None:
    pool = drawn_pool(10, seed=seed)
    apart = euclidean(pool)
    best = min(apart[:, list(centres)].min(axis=1).max() for centres in combinations(range(10), 3))
    chosen = BASELINES["k-centre"](pool, 3, np.random.default_rng(seed))
    assert apart[:, chosen].min(axis=1).max() <= 2 * best + 1e-9


def dynamics_of(right: list[list[int]], gold: list[list[float]] | None = None) -> Dynamics:
    shown = np.array(right, dtype=bool)
    said = np.where(shown, 0.75, 0.25) if gold is None else np.array(gold)
    return Dynamics(said, shown, np.sqrt(2) * (1 - said))


def as_trained(monkeypatch: pytest.MonkeyPatch, *dynamics: Dynamics) -> Iterator[Dynamics]:
    """Train nothing: give these dynamics, one after the other."""
    given: Iterator[Dynamics] = iter(dynamics)
    monkeypatch.setattr(
        "negspace.curation.strategies.literature.train_dynamics", lambda *_, **__: next(given)
    )
    return given


def test_forgetting_counts_the_falls_from_right_to_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    # Columns are rows: never forgotten, forgotten twice, never learnt, forgotten once, learnt at last.
    epochs = [[1, 1, 0, 0, 0], [1, 0, 0, 1, 0], [1, 1, 0, 0, 0], [1, 0, 0, 0, 1]]
    as_trained(monkeypatch, dynamics_of(epochs))
    chosen = BASELINES["forgetting"](drawn_pool(5), 5, np.random.default_rng(0))
    assert chosen[:3].tolist() == [2, 1, 3]
    assert set(chosen[3:].tolist()) == {0, 4}


def test_cartography_takes_what_varies_most(monkeypatch: pytest.MonkeyPatch) -> None:
    # Means are equal, so that only the spread can decide: 0.0, 0.4 and 0.1.
    gold = [[0.5, 0.1, 0.6], [0.5, 0.9, 0.4]]
    as_trained(monkeypatch, dynamics_of([[1, 0, 1], [1, 1, 0]], gold))
    assert BASELINES["cartography"](drawn_pool(3), 2, np.random.default_rng(0)).tolist() == [1, 2]


def test_el2n_takes_the_mean_over_models_after_the_last_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    # After the last epoch row 0 is wrong for all, row 1 for two of five, row 2 for none.
    models = [[[1, 1, 0], [0, 1, 1]]] * 3 + [[[1, 0, 0], [0, 0, 1]]] * 2
    left = as_trained(monkeypatch, *(dynamics_of(model) for model in models))
    assert BASELINES["el2n"](drawn_pool(3), 3, np.random.default_rng(0)).tolist() == [0, 1, 2]
    assert list(left) == []


def planted(flipped: int) -> RowPool:
    """Rows that two words give away, the first of them under the wrong label."""
    rng = np.random.default_rng(0)
    labels = [i % 2 for i in range(200)]
    tell = {0: ["awful", "dull"], 1: ["superb", "lovely"]}
    texts = [" ".join([*rng.choice(WORDS, size=4), *tell[label]]) for label in labels]
    return pool_of(texts, [1 - label if i < flipped else label for i, label in enumerate(labels)])


@pytest.mark.parametrize("name", ["el2n", "forgetting"])
def test_wrong_labels_are_hardest(name: str) -> None:
    chosen = BASELINES[name](planted(10), 10, np.random.default_rng(0))
    assert set(chosen.tolist()) == set(range(10))


def test_semdedup_keeps_one_of_each_family_first() -> None:
    rng = np.random.default_rng(0)
    families = [" ".join(rng.choice(WORDS, size=8, replace=False)) for _ in range(12)]
    pool = pool_of([family for family in families for _ in range(5)], [i % 2 for i in range(60)])
    chosen = BASELINES["semdedup"](pool, 12, np.random.default_rng(0))
    assert sorted((chosen // 5).tolist()) == list(range(12))
