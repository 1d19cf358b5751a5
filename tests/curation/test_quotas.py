"""Quotas that add up, and a budget that is never overspent."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from negspace.curation.strategies import RowBudget, RowPool, label_quotas
from negspace.errors import PlanError

COUNTS = st.lists(st.integers(0, 12), min_size=2, max_size=6).filter(any)


def labels_of(counts: list[int]) -> np.ndarray:
    return np.repeat(np.arange(len(counts)), counts)


@given(COUNTS, st.data())
@settings(max_examples=60, deadline=None)
def test_quotas_add_up_and_no_label_gets_more_than_there_is(counts: list[int], data: st.DataObject) -> None:
    budget = data.draw(st.integers(1, sum(counts)))
    for balance in ("pool", "even"):
        quota = label_quotas(
            labels_of(counts), budget, np.random.default_rng(0), n_labels=len(counts), balance=balance
        )
        assert quota.sum() == budget
        assert (quota >= 0).all()
        assert (quota <= counts).all()


@given(COUNTS, st.data())
@settings(max_examples=60, deadline=None)
def test_quotas_by_share_are_within_one_of_the_share(counts: list[int], data: st.DataObject) -> None:
    budget = data.draw(st.integers(1, sum(counts)))
    quota = label_quotas(
        labels_of(counts), budget, np.random.default_rng(0), n_labels=len(counts), balance="pool"
    )
    exact = budget * np.array(counts) / sum(counts)
    assert (np.abs(quota - exact) < 1).all()


@given(COUNTS, st.data())
@settings(max_examples=60, deadline=None)
def test_even_quotas_differ_by_one_unless_a_label_runs_out(counts: list[int], data: st.DataObject) -> None:
    budget = data.draw(st.integers(1, sum(counts)))
    quota = label_quotas(
        labels_of(counts), budget, np.random.default_rng(0), n_labels=len(counts), balance="even"
    )
    free = [n for n, there in zip(quota.tolist(), counts, strict=True) if n < there]
    if free:
        assert max(free) - min(free) <= 1
        assert max(quota) <= max(free) + 1  # a label that ran out has no more than one that did not


def test_worked_examples() -> None:
    found = [label_quotas(labels_of([6, 3, 1]), 5, np.random.default_rng(n)).tolist() for n in range(20)]
    assert {tuple(quota) for quota in found} == {(3, 2, 0), (3, 1, 1)}  # 3, 1.5, 0.5: either gets the half
    even = {"balance": "even", "n_labels": 3}
    assert label_quotas(labels_of([6, 3, 1]), 7, np.random.default_rng(0), **even).tolist() == [3, 3, 1]
    found = [
        label_quotas(labels_of([2, 0, 2]), 3, np.random.default_rng(n), **even).tolist() for n in range(20)
    ]
    assert {tuple(quota) for quota in found} == {(2, 0, 1), (1, 0, 2)}


@pytest.mark.parametrize("seed", range(6))
def test_a_budget_keeps_its_caps_and_can_be_spent(drawn_pool: Callable[..., RowPool], seed: int) -> None:
    rng = np.random.default_rng(seed)
    pool = drawn_pool(50, 10, seed=seed, real=rng.random(50) < 0.6)
    assert pool.real is not None
    eligible = rng.random(50) < 0.9
    share = float(rng.random() * 0.6)
    left = RowBudget(pool, 24, eligible, balance="even", real_share=share, rng=np.random.default_rng(9))
    quota = label_quotas(pool.labels[eligible], 24, np.random.default_rng(9), n_labels=2, balance="even")
    for any_label in (False, True):
        for row in rng.permutation(50):
            left.admit(np.array([row]), any_label=any_label)
            inside = np.flatnonzero(left.admitted)
            assert eligible[inside].all()
            assert len(inside) == 24 - left.left
            assert (~pool.real[inside]).sum() <= 24 - math.ceil(share * 24)
            if not any_label:
                assert (np.bincount(pool.labels[inside], minlength=2) <= quota).all()
    assert left.left == 0
    assert pool.real[left.admitted].sum() >= share * 24


def test_all_rows_are_let_in_or_none(drawn_pool: Callable[..., RowPool]) -> None:
    pool = drawn_pool(20, 5, suspected=np.arange(20) == 3)
    left = RowBudget(pool, 5, ~pool.suspected, balance="pool", real_share=0.0, rng=np.random.default_rng(0))
    assert not left.admit(np.array([2, 3]))  # 3 is not eligible
    assert left.admit(np.array([0, 1]))
    assert not left.admit(np.array([1, 4]))  # 1 is in already
    assert not left.admit(np.arange(4, 8), any_label=True)  # three places are left
    assert np.flatnonzero(left.admitted).tolist() == [0, 1]
    assert left.left == 3


def test_a_share_that_is_no_binary_fraction_asks_for_no_row_more(drawn_pool: Callable[..., RowPool]) -> None:
    pool = drawn_pool(120, 0, real=np.arange(120) < 7)
    left = RowBudget(
        pool, 100, np.ones(120, dtype=bool), balance="pool", real_share=0.07, rng=np.random.default_rng(0)
    )  # 7.000000000000001
    assert sum(left.admit(np.array([row]), any_label=True) for row in range(7, 120)) == 93


@pytest.mark.parametrize(
    ("budget", "given", "settings", "says"),
    [
        (0, {}, {}, "a budget of 0"),
        (21, {}, {}, "20 can be chosen"),
        (20, {"suspected": np.arange(20) < 3}, {}, r"17 can be chosen \(3 have a suspected label\)"),
        (5, {}, {"real_share": 0.5}, "nothing says which rows are true"),
        (5, {"real": np.arange(20) < 2}, {"real_share": 0.5}, "2 true rows"),
        (5, {"real": np.arange(20) < 2}, {"real_share": -0.5}, "from 0 to 1"),
    ],
)
def test_what_cannot_be_met_is_refused(
    drawn_pool: Callable[..., RowPool], budget: int, given: Any, settings: Any, says: str
) -> None:
    pool = drawn_pool(20, 5, **given)
    with pytest.raises(PlanError, match=says):
        RowBudget(
            pool,
            budget,
            ~pool.suspected,
            **{"balance": "pool", "real_share": 0.0, "rng": np.random.default_rng(0), **settings},
        )
