"""Which held-out rows are near misses, and what is measured on which rows: on rows placed by hand."""

from __future__ import annotations

import numpy as np

from negspace.evaluation import (
    EASY,
    NEAR_MISS,
    PAIRS,
    EmbeddedRows,
    EvaluationPlan,
    Source,
    embed_rows,
    find_boundary,
    plan_evaluation,
    read_files,
    source_of,
)
from negspace.perturbations import VARIATIONS

TRAIN = [{"text": f"word{i} other{i}", "label": "ab"[i % 2]} for i in range(6)]
FAR = [{"text": f"far{i} away{i}", "label": "ab"[i % 2]} for i in range(45)]
NEAR = [
    {"text": f"the same words here {side} {i}", "label": label}
    for i in range(3)
    for side, label in (("left", "a"), ("right", "b"))
]


def embedded(test: list[dict[str, str]], near_miss: list[dict[str, str]] | None = None) -> EmbeddedRows:
    files = read_files(TRAIN, test, near_miss, text=None, label=None, group=None)
    return embed_rows(files, seed=0)


def planned(test: list[dict[str, str]], near_miss: list[dict[str, str]] | None = None) -> EvaluationPlan:
    rows = embedded(test, near_miss)
    boundary = find_boundary(rows, source_of(rows, grouped=False), np.zeros(len(rows.texts), dtype=bool))
    return plan_evaluation(rows, boundary, ("a", "b"), variations=VARIATIONS, seed=0)


def test_a_contrast_set_goes_before_groups_and_groups_before_mining() -> None:
    assert source_of(embedded(FAR, NEAR), grouped=True) is Source.GIVEN
    assert source_of(embedded(FAR), grouped=True) is Source.GROUP
    assert source_of(embedded(FAR), grouped=False) is Source.MINED


def test_mined_near_misses_are_those_beside_another_label_each_pair_once() -> None:
    sets = planned([*FAR, *NEAR]).task.eval_sets
    assert sets[EASY].rows.tolist() == list(range(45))
    assert sets[NEAR_MISS].rows.tolist() == list(range(45, 51))
    pairs = {frozenset(pair) for pair in zip(sets[PAIRS].rows.tolist(), sets[PAIRS].partner, strict=True)}
    assert len(pairs) == len(sets[PAIRS])


def test_a_near_miss_with_a_suspected_side_is_left_out() -> None:
    rows = embedded([*FAR, *NEAR])
    suspected = np.zeros(len(rows.texts), dtype=bool)
    suspected[len(TRAIN) + 45] = True  # the first of the near misses
    boundary = find_boundary(rows, Source.MINED, suspected)
    dropped = set((boundary.suspects - len(TRAIN)).tolist())
    assert 45 in dropped
    assert dropped <= set(range(45, 51))
    assert not dropped & set((boundary.near_miss - len(TRAIN)).tolist())


def test_bins_hold_every_row_once_in_ascending_order() -> None:
    plan = planned(FAR, NEAR)
    held = [plan.task.eval_sets[each.on].rows for each in plan.bins]
    assert sorted(np.concatenate(held).tolist()) == list(range(51))
    for each, rows in zip(plan.bins, held, strict=True):
        distance = plan.task.distance[rows]
        assert (each.low, each.high) == (distance.min(), distance.max())
    assert all(one.high < other.low for one, other in zip(plan.bins, plan.bins[1:], strict=False))


def test_varied_rows_follow_their_originals() -> None:
    plan = planned(FAR, NEAR)
    task, held_out = plan.task, plan.task.texts[plan.task.n_train :]
    for variation, on, why in plan.variations:
        assert (on is None) == (why is not None)
        if on is None:
            continue
        varied = task.eval_sets[on]
        assert varied.partner is not None
        assert len(varied)
        for row, original in zip(varied.rows.tolist(), varied.partner.tolist(), strict=True):
            assert held_out[row] != held_out[original]
            assert variation.apply(held_out[original], np.random.default_rng(0)) is not None
            assert task.held_out_labels[row] == task.held_out_labels[original]
            assert task.held_out_clusters[row] == task.held_out_clusters[original]
            assert plan.rows[row] == plan.rows[original]
