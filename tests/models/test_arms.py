"""What a seed trains on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from negspace.errors import PlanError
from negspace.models import RowsArm, TextTask


def task_of(labels: list[int], clusters: list[int]) -> TextTask:
    return TextTask(
        texts=("a",) * len(labels),
        labels=np.array(labels),
        label_names=("x", "y", "z", "w"),
        clusters=np.array(clusters),
        n_train=len(labels),
        eval_sets={},
        distance=np.empty(0),
        fingerprint="",
    )


rows = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9)), min_size=1, max_size=30)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(rows, st.floats(0.05, 1), st.integers(0, 2**32 - 1), st.data())
def test_a_draw_keeps_clusters_whole_and_labels_all(
    drawn_from: list[tuple[int, int]], keep: float, seed: int, data: st.DataObject
) -> None:
    task = task_of([label for label, _ in drawn_from], [cluster for _, cluster in drawn_from])
    chosen = np.array(
        sorted(data.draw(st.sets(st.integers(0, len(drawn_from) - 1), min_size=1))), dtype=np.int64
    )
    got = RowsArm("a", chosen, keep).draw(task, seed)
    assert np.array_equal(got, np.unique(got))
    assert set(got) <= set(chosen)
    assert set(task.labels[got]) == set(task.labels[chosen])
    kept = set(task.clusters[got])
    assert set(got) == {row for row in chosen if task.clusters[row] in kept}
    share = max(1, round(keep * len(set(task.clusters[chosen]))))
    lost_at_most = len(set(task.labels[chosen])) - 1
    assert share <= len(kept) <= share + lost_at_most
    # The same rows in another arm, in another order, are drawn alike.
    again = RowsArm("b", np.random.default_rng(0).permutation(chosen), keep).draw(task, seed)
    assert np.array_equal(got, again)


def test_all_rows_where_all_are_kept() -> None:
    task = task_of([0, 1, 2, 3] * 5, list(range(20)))
    assert RowsArm("a", np.arange(20), keep=1.0).draw(task, 3).tolist() == list(range(20))


def test_the_share_is_that_of_clusters_and_seeds_differ() -> None:
    task = task_of([0, 1] * 500, list(np.repeat(np.arange(500), 2)))
    arm = RowsArm("a", np.arange(1000), keep=0.9)
    draws = [frozenset(arm.draw(task, seed).tolist()) for seed in range(20)]
    assert {len(draw) for draw in draws} == {900}
    assert len(set(draws)) == 20
    # Each row is left out by about a tenth of the seeds.
    left_out = np.mean([[row not in draw for row in range(1000)] for draw in draws])
    assert left_out == pytest.approx(0.1)


def test_a_lost_label_brings_back_one_cluster_and_not_all() -> None:
    labels = [0] * 90 + [1] * 10
    task = task_of(labels, list(range(100)))
    sizes = [RowsArm("a", np.arange(100), keep=0.02).draw(task, seed).size for seed in range(50)]
    assert set(sizes) == {2, 3}


def test_a_row_given_twice_is_drawn_twice() -> None:
    task = task_of([0, 1], [0, 1])
    assert RowsArm("a", np.array([0, 0, 1]), keep=1.0).draw(task, 0).tolist() == [0, 0, 1]


@pytest.mark.parametrize("keep", [0.0, -0.1, 1.01, float("nan")])
def test_a_share_out_of_range(keep: float) -> None:
    with pytest.raises(PlanError, match="arm 'a': keep"):
        RowsArm("a", np.arange(3), keep)


def test_what_is_described_is_what_decides() -> None:
    arm = RowsArm("a", np.arange(5), 0.9)
    assert arm.describe() == RowsArm("a", np.arange(5, dtype=np.int32), 0.9).describe()
    for other in (
        RowsArm("b", np.arange(5), 0.9),
        RowsArm("a", np.arange(6), 0.9),
        RowsArm("a", np.arange(5), 0.8),
    ):
        assert other.describe() != arm.describe()
