"""What a proof concludes of an arm: superior, worse, not shown to be either; and its worth in random rows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from jaxtyping import Bool, Float

from negspace.models import TextArm, TextTask
from negspace.proofs.plan import Ladder
from negspace.records import Outcome, Verdict
from negspace.statistics import ExchangeRate, cluster_sums, exchange_rate
from negspace.study import StudyResult


class Conclusion(StrEnum):
    """How the first arm of a proof stands to another."""

    SUPERIOR = "superior"
    MIXED = "mixed"
    WORSE = "worse"
    NOT_SHOWN = "not shown"


def conclude(near_miss: Verdict, easy: Verdict) -> Conclusion:
    """Join the verdicts on near misses ("more") and on easy rows ("no less").

    *Superior*: both are supported. *Mixed*: more accurate on near misses, and shown to fall short on easy
    rows by the margin or more. *Worse*: one of the two is shown to be lower, and near misses not to be
    higher. *Not shown*: all else. Both claims must hold for "superior", so that it is false no more
    often than either.
    """
    more = near_miss.outcome is Outcome.SUPPORTED
    short = easy.outcome is Outcome.REFUTED
    if more and easy.outcome is Outcome.SUPPORTED:
        return Conclusion.SUPERIOR
    if more and short:
        return Conclusion.MIXED
    if not more and (short or _lower(near_miss)):
        return Conclusion.WORSE
    return Conclusion.NOT_SHOWN


def conclusion_in_words(
    conclusion: Conclusion, arm: str, versus: str, near_miss: Verdict, easy: Verdict
) -> str:
    """One sentence with the two effects, in points."""
    head = {
        Conclusion.SUPERIOR: f"{arm} is superior to {versus}",
        Conclusion.MIXED: f"{arm} beats {versus} on near misses and loses to it on easy rows",
        Conclusion.WORSE: f"{arm} is worse than {versus}{_where(near_miss, easy)}",
        Conclusion.NOT_SHOWN: f"{arm} is not shown to be superior to {versus}, nor to be worse",
    }[conclusion]
    return f"{head}: {_effect(near_miss)} points on near misses, {_effect(easy)} on easy rows"


def _lower(verdict: Verdict) -> bool:
    """Whether the effect is shown to lie below 0 by the margin or more.

    Inside the margin the verdict is corrected for the family, and the interval that tells 0 is not.
    """
    return verdict.outcome is Outcome.REFUTED and verdict.interval.high < -verdict.margin


def _where(near_miss: Verdict, easy: Verdict) -> str:
    if _lower(near_miss) and easy.outcome is Outcome.REFUTED:
        return " on both tests"
    return " on near misses" if _lower(near_miss) else " on easy rows"


def _effect(verdict: Verdict) -> str:
    low, high = verdict.interval.low, verdict.interval.high
    interval = f" [{100 * low:.1f}, {100 * high:.1f}]" if math.isfinite(high - low) else ""
    return f"{100 * verdict.effect:+.1f}{interval}".replace("-", "−")


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
    """Read the learning curve of random rows backwards at each arm's accuracy."""
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
