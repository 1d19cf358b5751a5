"""What an arm is worth in random rows, from the runs of the study."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from negspace.models import TextArm, TextTask
from negspace.proofs.plan import Ladder
from negspace.statistics import ExchangeRate, cluster_sums, exchange_rate
from negspace.study import StudyResult

__all__ = ["Worth", "measure_worth"]


@dataclass(frozen=True, eq=False)
class Worth:
    """Arms held against random rows, on one eval set.

    Attributes:
        on: Name of the eval set.
        per_seed: Accuracy of random rows.
        rates: For each arm, how many random rows reach its accuracy.
        as_good: For each arm, how many of the random draws of as many rows are at least as accurate as its
            mean; None where the pool has fewer rows.
    """

    on: str
    per_seed: Float[np.ndarray, "sizes seeds"]
    rates: dict[str, ExchangeRate]
    as_good: dict[str, int | None]


def measure_worth(
    result: StudyResult[TextTask, TextArm],
    arms: Sequence[str],
    ladder: Ladder,
    on: str,
    *,
    budget: int,
    seed: int,
) -> Worth:
    """Read the learning curve of random rows backwards at each arm's accuracy.

    Args:
        result: Of the study.
        arms: Names of the arms.
        ladder: The random rows.
        on: Name of the eval set.
        budget: Rows of an arm.
        seed: Of the resamples behind the intervals.
    """
    task = result.study.task
    rows = task.eval_sets[on].rows
    clusters = task.held_out_clusters[rows]

    def right(arm: str) -> Bool[np.ndarray, "seeds items"]:
        runs = result.of_arm(arm)
        return np.stack([run.values["label"][rows] == task.held_out_labels[rows] for run in runs])

    answers = np.stack([right(arm) for arm in ladder.arms.values()])
    curve, counts = cluster_sums(answers, clusters)
    per_seed = answers.mean(axis=2)
    rates: dict[str, ExchangeRate] = {}
    as_good: dict[str, int | None] = {}
    for arm in arms:
        own = right(arm)
        rates[arm] = exchange_rate(
            ladder.sizes,
            curve,
            cluster_sums(own, clusters)[0],
            counts,
            # The same resamples for every arm.
            rng=np.random.default_rng([seed, 4]),
            pool=ladder.pool,
        )
        as_good[arm] = None
        if budget in ladder.arms:
            draws = per_seed[list(ladder.arms).index(budget)]
            # Shares of the same items that are equal may differ in the last bit of their means.
            as_good[arm] = int(np.count_nonzero(draws >= own.mean() - 1e-12))
    return Worth(on, per_seed, rates, as_good)
