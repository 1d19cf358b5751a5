"""A strategy as an arm: every seed sees another part of the pool, all arms the same one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from negspace.curation import Cover, RowPool, StrategyArm, Stratified
from negspace.errors import PlanError
from negspace.evaluation import assemble_task
from negspace.models import TextTask


def task_of(pool: RowPool, before: int = 0) -> TextTask:
    """A task that trains on ``before`` other rows and then on the pool."""
    texts = (*(f"other {i}" for i in range(before)), *pool.texts, "held out")
    return assemble_task(
        texts,
        np.concatenate([np.zeros(before, dtype=np.int64), pool.labels, [0]]),
        pool.label_names,
        np.arange(len(texts)),
        len(texts) - 1,
        [],
        np.array([np.nan]),
    )


def arm_of(pool: RowPool, strategy: Any, budget: int = 20, before: int = 0, **given: Any) -> StrategyArm:
    return StrategyArm("arm", strategy, {"name": "s"}, pool, np.arange(len(pool)) + before, budget, **given)


def test_a_seed_decides_the_draw(drawn_pool: Callable[..., RowPool]) -> None:
    pool = drawn_pool()
    task, arm = task_of(pool, 7), arm_of(pool, Stratified(), before=7)
    draws = [arm.draw(task, seed) for seed in range(6)]
    for seed, draw in enumerate(draws):
        assert len(draw) == len(set(draw.tolist())) == 20
        assert (draw >= 7).all() and (draw < 67).all() and (np.diff(draw) > 0).all()
        np.testing.assert_array_equal(arm.draw(task, seed), draw)
    assert len({tuple(draw.tolist()) for draw in draws}) == 6


def test_all_arms_see_the_same_nine_tenths_at_a_seed(drawn_pool: Callable[..., RowPool]) -> None:
    pool = drawn_pool(60, 12)
    seen: list[tuple[str, ...]] = []

    def spy(part: RowPool, budget: int, rng: np.random.Generator) -> np.ndarray:
        seen.append(part.texts)
        return rng.permutation(len(part))[:budget]

    task = task_of(pool)
    for budget, seed in ((10, 0), (20, 0), (10, 1)):
        arm_of(pool, spy, budget).draw(task, seed)
    assert seen[0] == seen[1] != seen[2]
    clusters = len(np.unique(pool.clusters))
    for texts in seen:
        rows = [pool.texts.index(text) for text in texts]
        kept = set(pool.clusters[rows].tolist())
        assert len(kept) == round(0.9 * clusters)
        assert sorted(rows) == np.flatnonzero(np.isin(pool.clusters, list(kept))).tolist()  # clusters whole


def test_of_a_budget_of_the_whole_pool_all_is_seen(drawn_pool: Callable[..., RowPool]) -> None:
    pool = drawn_pool(30, 5)
    np.testing.assert_array_equal(arm_of(pool, Stratified(), 30).draw(task_of(pool), 3), np.arange(30))


def test_the_plan_names_all_that_decides_a_draw(drawn_pool: Callable[..., RowPool]) -> None:
    pool, flags = drawn_pool(), np.arange(60) == 0
    plain = arm_of(pool, Cover()).describe()
    assert plain == arm_of(drawn_pool(), Cover()).describe()
    for changed in (
        drawn_pool(groups=np.arange(60)),
        drawn_pool(suspected=flags),
        drawn_pool(redundant=flags),
        drawn_pool(real=flags),
        drawn_pool(real=~flags),
    ):
        assert arm_of(changed, Cover()).describe() != plain
    assert (
        arm_of(drawn_pool(real=flags), Cover()).describe()
        != arm_of(drawn_pool(real=~flags), Cover()).describe()
    )
    assert arm_of(pool, Cover(), 21).describe() != plain
    assert arm_of(pool, Cover(), keep=0.8).describe() != plain


@pytest.mark.parametrize("given", [{"budget": 0}, {"budget": 61}, {"keep": 0.0}, {"keep": 1.1}])
def test_what_cannot_be_drawn_is_refused(drawn_pool: Callable[..., RowPool], given: dict[str, Any]) -> None:
    with pytest.raises(PlanError, match="arm 'arm'"):
        arm_of(drawn_pool(), Stratified(), **given)


def test_rows_that_are_held_out_are_refused(drawn_pool: Callable[..., RowPool]) -> None:
    pool = drawn_pool()
    with pytest.raises(PlanError, match="no training rows"):
        arm_of(pool, Stratified(), before=1).check(task_of(pool))
