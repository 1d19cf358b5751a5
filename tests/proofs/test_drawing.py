"""Equal rows: every arm draws exactly its budget, in the way it says."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from negspace.curation.strategies import DrawnArm, whole_clusters
from negspace.errors import PlanError
from negspace.evaluation import assemble_task
from negspace.models import TextTask
from negspace.proofs import ladder_sizes


def _task(labels: list[int], clusters: list[int]) -> TextTask:
    n = len(labels)
    return assemble_task(
        tuple(f"text {i}" for i in range(n)),
        np.array(labels),
        tuple(f"label {i:02}" for i in range(max(labels) + 1)),
        np.array(clusters),
        n,
        [],
        np.empty(0),
    )


@settings(max_examples=150, deadline=None)
@given(st.lists(st.integers(0, 12), min_size=1, max_size=60), st.data())
def test_whole_clusters_gives_exactly_the_budget_and_breaks_none_that_fits(
    clusters: list[int], data: st.DataObject
) -> None:
    budget = data.draw(st.integers(1, len(clusters)))
    chosen = whole_clusters(np.array(clusters), budget, np.random.default_rng(budget))
    assert len(set(chosen.tolist())) == len(chosen) == budget
    sizes, taken = Counter(clusters), Counter(clusters[row] for row in chosen)
    whole = sum(count for cluster, count in taken.items() if count == sizes[cluster])
    untaken = [sizes[cluster] for cluster in sizes if taken[cluster] < sizes[cluster]]
    # What is of broken clusters is less than any of them has: else one more had fitted whole.
    assert all(budget - whole < size for size in untaken)


def test_pairs_stay_whole_where_the_budget_is_even() -> None:
    task = _task([0, 1] * 50, [i // 2 for i in range(100)])
    arm = DrawnArm("pairs", np.arange(100), 30, "clusters")
    for seed in range(5):
        counts = Counter((row // 2) for row in arm.draw(task, seed).tolist())
        assert set(counts.values()) == {2}
        assert len(counts) == 15


def test_random_draws_of_a_seed_are_nested_and_those_of_two_seeds_differ() -> None:
    task = _task([0, 1] * 50, list(range(100)))
    small, large = (DrawnArm(f"{n}", np.arange(100), n, "random") for n in (20, 60))
    for seed in range(5):
        assert set(small.draw(task, seed).tolist()) < set(large.draw(task, seed).tolist())
    assert set(small.draw(task, 0).tolist()) != set(small.draw(task, 1).tolist())


def test_every_row_is_as_likely_to_be_drawn() -> None:
    task = _task([0, 1] * 10, list(range(20)))
    arm = DrawnArm("random", np.arange(20), 5, "random")
    times = Counter(row for seed in range(2000) for row in arm.draw(task, seed).tolist())
    # 500 expected of each, standard deviation 19.4.
    assert all(abs(times[row] - 500) < 5 * 19.4 for row in range(20))


def test_stratified_draws_have_each_label_in_its_share() -> None:
    labels = [0] * 75 + [1] * 25
    arm = DrawnArm("stratified", np.arange(100), 40, "stratified")
    for seed in range(5):
        drawn = arm.draw(_task(labels, list(range(100))), seed)
        assert Counter(labels[row] for row in drawn.tolist()) == {0: 30, 1: 10}


def test_stratified_draws_of_a_seed_are_nested_and_never_off_a_label_s_share_by_two() -> None:
    rng = np.random.default_rng(0)
    labels = rng.choice(30, 600, p=np.arange(1, 31) / 465)
    task, there = _task(labels.tolist(), list(range(600))), np.bincount(labels, minlength=30)
    before: set[int] = set()
    for size in (1, 20, 77, 150, 333, 599, 600):
        drawn = DrawnArm("rung", np.arange(600), size, "stratified").draw(task, 3)
        assert len(set(drawn.tolist())) == size
        assert before <= set(drawn.tolist())
        before = set(drawn.tolist())
        assert np.abs(np.bincount(labels[drawn], minlength=30) - size * there / 600).max() < 2
    every = DrawnArm("rung", np.arange(600), 60, "stratified")
    times = Counter(row for seed in range(1000) for row in every.draw(task, seed).tolist())
    assert max(abs(times[row] - 100) for row in range(600)) < 5 * 9.5  # each row as likely: 100 of 1,000


@pytest.mark.parametrize("size", [77, 231])
def test_a_curve_of_many_labels_is_drawn_with_all_of_them(size: int) -> None:
    # Single random rows lack 28 and 4 of 77 labels, on which whatever they teach is wrong.
    labels = np.arange(770) % 77
    task = _task(labels.tolist(), list(range(770)))
    seen = [
        len(set(labels[DrawnArm("rung", np.arange(770), size, "stratified").draw(task, s)])) for s in range(9)
    ]
    single = [
        len(set(labels[DrawnArm("rung", np.arange(770), size, "random").draw(task, s)])) for s in range(9)
    ]
    assert seen == [77] * 9
    assert max(single) < 77 - 10 * (size == 77)


def test_a_file_of_just_the_budget_is_taken_whole() -> None:
    arm = DrawnArm("file", np.arange(10, 20), 10, "clusters")
    assert arm.draw(_task([0, 1] * 10, list(range(20))), 3).tolist() == list(range(10, 20))
    assert arm.fixed


def test_copies_drawn_by_clusters_draw_independently() -> None:
    task = _task([0, 1] * 100, list(range(200)))
    one, two = (DrawnArm("x", np.arange(start, start + 100), 50, "clusters") for start in (0, 100))
    shared = [
        len(set(one.draw(task, s).tolist()) & {r - 100 for r in two.draw(task, s).tolist()})
        for s in range(20)
    ]
    # Hypergeometric: 25 expected, standard deviation 2.5; identical draws would share 50.
    assert abs(np.mean(shared) - 25) < 5 * 2.5 / np.sqrt(20)


def test_more_rows_than_there_are_is_refused() -> None:
    with pytest.raises(PlanError, match="10 rows"):
        DrawnArm("file", np.arange(10), 11, "random")


@given(st.integers(2, 40_000), st.integers(2, 40_000), st.integers(2, 300))
def test_the_ladder_climbs_by_factors_of_at_most_two_to_the_whole_pool(
    pool: int, budget: int, n_labels: int
) -> None:
    sizes = ladder_sizes(pool, budget, n_labels).tolist()
    assert sizes == sorted(set(sizes))
    assert sizes[-1] == pool
    assert min(budget, pool) in sizes
    assert sizes[0] == min(max(20, n_labels), budget, pool)
    assert all(high <= 2 * low for low, high in itertools.pairwise(sizes))
