"""Strategies: exactly the budget, whole groups, quotas, and what they never choose."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from negspace.curation import STRATEGIES, Cover, RowPool, Stratified, open_strategy
from negspace.curation.strategies import label_quotas
from negspace.errors import PlanError


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize("budget", [1, 17, 50])
def test_every_strategy_gives_the_budget_without_repeats(
    drawn_pool: Callable[..., RowPool], name: str, budget: int
) -> None:
    pool = drawn_pool(60, 12, 3, suspected=np.arange(60) % 15 == 0)
    chosen = open_strategy(name)(pool, budget, rng())
    assert len(chosen) == len(set(chosen.tolist())) == budget
    assert chosen.min() >= 0 and chosen.max() < 60
    np.testing.assert_array_equal(open_strategy(name)(pool, budget, rng()), chosen)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_cover_spends_its_share_on_whole_groups(
    drawn_pool: Callable[..., RowPool], share: float, seed: int
) -> None:
    pool = drawn_pool(80, 20, seed=seed)
    chosen = Cover(share)(pool, 24, rng(seed))
    first = chosen[: round(share * 24)]
    groups, sizes = np.unique(pool.groups[first], return_counts=True)
    assert (sizes == 2).sum() >= len(first) // 2 - 1  # quotas may leave one place
    assert all(len(set(pool.labels[pool.groups == group].tolist())) == 2 for group in groups[sizes == 2])


def test_a_group_without_its_suspected_side_is_no_group(made_pool: Callable[..., RowPool]) -> None:
    texts = ["a b c good", "a b c bad", "d e f good", "d e f bad", *(f"x{i} y{i}" for i in range(6))]
    suspected = np.arange(10) == 1
    pool = made_pool(
        texts, [1, 0, 1, 0, *[0, 1] * 3], groups=[0, 0, 2, 2, *range(4, 10)], suspected=suspected
    )
    chosen = Cover(1.0)(pool, 2, rng())
    assert sorted(chosen.tolist()) == [2, 3]
    assert 1 not in Cover(1.0)(pool, 9, rng())


def test_redundant_rows_come_last(drawn_pool: Callable[..., RowPool]) -> None:
    redundant = np.arange(60) % 3 == 0
    pool = drawn_pool(60, 0, redundant=redundant)
    quota = label_quotas(pool.labels, 30, np.random.default_rng(0))
    there = np.bincount(pool.labels[~redundant], minlength=2)
    assert (there >= quota).all()  # so that no quota asks for a redundant row
    assert not redundant[Cover(0.0)(pool, 30, rng())].any()
    assert redundant[Cover(0.0)(pool, 60, rng())].sum() == 20


def test_cover_takes_the_row_that_shows_most_and_then_what_is_missing(
    made_pool: Callable[..., RowPool],
) -> None:
    texts = ["aa bb cc", "aa bb cc dd", "ee ff", "aa bb", "ee ff gg", "cc dd"]
    pool = made_pool(texts, [0, 0, 0, 0, 0, 1])
    long = Cover(0.0, decay=0.0, length_power=0.0)
    # Rows that show each word of label 0: aa 3, bb 3, cc 2, dd 1, ee 2, ff 2, gg 1.
    assert long(pool, 6, rng())[:2].tolist() == [1, 4]  # 9 of "aa bb cc dd", then 5 of "ee ff gg"


def test_texts_without_words_can_be_chosen(made_pool: Callable[..., RowPool]) -> None:
    pool = made_pool(["!!!", "aa bb", "?", "cc dd"], [0, 1, 1, 0])
    chosen = Cover(0.0)(pool, 4, rng()).tolist()
    assert sorted(chosen) == [0, 1, 2, 3]
    assert set(chosen[:2]) == {1, 3}


def test_length_decides_between_long_and_short_rows(made_pool: Callable[..., RowPool]) -> None:
    frequent = ["aa bb"] * 4
    texts = [*frequent, "aa bb cc dd ee ff gg hh", "zz yy"]
    pool = made_pool(texts, [0, 0, 0, 0, 0, 1])
    assert Cover(0.0, length_power=0.0)(pool, 5, rng())[0] == 4
    assert Cover(0.0, length_power=1.0)(pool, 5, rng())[0] in range(4)


@pytest.mark.parametrize("strategy", [Cover(), Cover(0.0), Stratified()])
def test_labels_keep_their_quotas(drawn_pool: Callable[..., RowPool], strategy: Any) -> None:
    pool = drawn_pool(90, 15, 3)
    for balance in ("pool", "even"):
        asked = type(strategy)(**{**vars(strategy), "balance": balance})
        quota = label_quotas(pool.labels, 33, np.random.default_rng(0), balance=balance)
        assert np.bincount(pool.labels[asked(pool, 33, rng())], minlength=3).tolist() == quota.tolist()


def test_true_rows_go_before_the_balance_of_labels(made_pool: Callable[..., RowPool]) -> None:
    texts = [f"w{i} v{i}" for i in range(20)]
    pool = made_pool(texts, [0] * 10 + [1] * 10, real=[True] * 10 + [False] * 10)
    for strategy in (Cover(0.0, "even", 0.8), Stratified("even", 0.8)):
        chosen = strategy(pool, 10, rng())
        assert np.bincount(pool.labels[chosen]).tolist() == [8, 2]


def test_stratified_rows_are_drawn_evenly(drawn_pool: Callable[..., RowPool]) -> None:
    """Every row of a label is as likely as any other: 400 draws of 20 from 40, five standard errors."""
    pool = drawn_pool(40, 0)
    times = np.zeros(40)
    for seed in range(400):
        times[Stratified()(pool, 20, rng(seed))] += 1
    expected = (label_quotas(pool.labels, 20, np.random.default_rng(0)) / np.bincount(pool.labels))[
        pool.labels
    ]
    spread = np.sqrt(expected * (1 - expected) / 400)
    assert (np.abs(times / 400 - expected) < 5 * spread + 1e-9).all()


def test_a_mistyped_name_is_told() -> None:
    with pytest.raises(PlanError, match="did you mean 'near-miss-groups'"):
        open_strategy("near-miss-grups")


def test_names_take_balance_and_share_where_they_can() -> None:
    assert open_strategy("cover", balance="even", real_share=0.2) == Cover(0.0, "even", 0.2)
    assert open_strategy("stratified", balance="even") == Stratified("even")
    for settings in ({"balance": "even"}, {"real_share": 0.1}):
        with pytest.raises(PlanError, match="neither a balance of labels nor a share"):
            open_strategy("k-centre", **settings)


@pytest.mark.parametrize("settings", [{"share": 1.2}, {"share": -0.1}, {"decay": 1.0}, {"decay": -0.1}])
def test_settings_out_of_range_are_refused(settings: dict[str, float]) -> None:
    with pytest.raises(PlanError):
        Cover(**settings)
