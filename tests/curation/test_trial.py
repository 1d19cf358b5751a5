"""The trial of a choice is fair: what it tests on, what a seed sees, and what it may ask of a pool."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from negspace.curation import HELD_OUT, Cover, RowPool, StrategyArm, Stratified, trial_task
from negspace.errors import PlanError
from negspace.evaluation import NEAR_MISS
from negspace.models import TextTask
from negspace.search import embed


def made_pool(rows: int = 200, **given: Any) -> RowPool:
    rng = np.random.default_rng(0)
    words = [f"word{i}" for i in range(60)]
    texts = [" ".join(rng.choice(words, size=6)) for _ in range(rows)]
    for row in range(0, 120, 2):
        texts[row + 1] = f"{texts[row]} x{row}"
    labels = np.arange(rows) % 2
    fields: dict[str, Any] = {
        "clusters": np.arange(rows) // 2,
        "groups": np.arange(rows) // 2,
        "probabilities": np.full((rows, 2), 0.5),
        "suspected": np.zeros(rows, dtype=bool),
        "redundant": np.zeros(rows, dtype=bool),
        **given,
    }
    return RowPool(tuple(texts), labels, ("no", "yes"), embed(tuple(texts)), **fields)


def test_suspected_rows_stay_in_the_test_of_all_rows_and_are_no_near_misses() -> None:
    # A strategy that never chooses them would else be tried on a test without them, and seem better.
    suspected = np.arange(200) % 5 == 0
    pool, held_out = made_pool(suspected=suspected), np.arange(200) >= 100
    task, near_misses = trial_task(pool, held_out)
    assert near_misses
    everything, near = task.eval_sets[HELD_OUT].rows, task.eval_sets[NEAR_MISS].rows
    assert [task.texts[task.n_train + row] for row in everything] == list(pool.texts[100:])
    assert not suspected[100:][near].any()


@pytest.mark.parametrize(("held", "enough"), [(28, False), (30, True)])
def test_thirty_held_out_near_misses_decide_and_fewer_do_not(held: int, enough: bool) -> None:
    # The first rows are pairs of near misses, so that all that is held out of them counts.
    task, near_misses = trial_task(made_pool(), np.arange(200) < held)
    assert near_misses is enough
    assert (NEAR_MISS in task.eval_sets) is enough


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(
    ("strategy", "budget"),
    [(Cover(1.0, real_share=0.5), 20), (Stratified(real_share=0.5), 20), (Cover(0.0), 130)],
)
def test_every_seed_sees_enough_rows_for_what_is_asked(
    strategy: Cover | Stratified, budget: int, seed: int
) -> None:
    # Ten true rows, all needed; 140 rows without a suspected label, 130 of them asked for.
    real, suspected = np.zeros(200, dtype=bool), np.arange(200) >= 140
    real[np.random.default_rng(1).choice(140, 10, replace=False)] = True
    pool = made_pool(real=real, suspected=suspected)
    arm = StrategyArm("a", strategy, {}, pool, np.arange(200), budget)
    drawn = arm.draw(_no_task(), seed)
    assert len(np.unique(drawn)) == budget
    assert real[drawn].sum() >= strategy.real_share * budget


def test_an_arm_refuses_a_budget_that_its_strategy_cannot_meet() -> None:
    pool = made_pool(suspected=np.arange(200) >= 140)
    with pytest.raises(PlanError, match="it can choose 140 of the 200 rows"):
        StrategyArm("a", Cover(), {}, pool, np.arange(200), 141)
    StrategyArm("a", Stratified(), {}, pool, np.arange(200), 141)


def _no_task() -> TextTask:
    none = np.empty(0, dtype=np.int64)
    return TextTask((), none, ("no", "yes"), none, 0, {}, np.empty(0), "")
