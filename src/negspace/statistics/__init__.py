"""Statistics: intervals, tests, power, the verdict they add up to, and what rows and tuning are worth.

Every function takes plain arrays, one value a seed, and says which assumptions its answer rests on. How often
the verdicts err is measured by simulation in ``tests/statistics/test_calibration.py``.
"""

from __future__ import annotations

from negspace.statistics.best_of import (
    BestOf,
    GainSplit,
    best_of,
    expected_best,
    expected_chosen,
    split_gain,
)
from negspace.statistics.estimates import (
    StandardError,
    difference,
    effective_clusters,
    error_of_mean,
    estimate,
    influence_variance,
    item_variance_of,
    mean_interval,
    seed_spread,
    standard_error,
)
from negspace.statistics.exchange_rate import ExchangeRate, cluster_sums, exchange_rate, in_brief, in_words
from negspace.statistics.intersection_union import better_without_loss
from negspace.statistics.learning_curve import IsotonicCurves, PowerLaws, fit_isotonic, fit_power_laws
from negspace.statistics.power import minimum_detectable_effect, seeds_needed
from negspace.statistics.training_sets import another_training_set
from negspace.statistics.verdict import (
    LARGE_FAMILY,
    MIN_SEEDS,
    SEEDS_OF_LARGE_FAMILY,
    Effects,
    holm,
    judge,
    judge_family,
    one_sided_level,
    unseen_failure,
)

__all__ = [
    "LARGE_FAMILY",
    "MIN_SEEDS",
    "SEEDS_OF_LARGE_FAMILY",
    "BestOf",
    "Effects",
    "ExchangeRate",
    "GainSplit",
    "IsotonicCurves",
    "PowerLaws",
    "StandardError",
    "another_training_set",
    "best_of",
    "better_without_loss",
    "cluster_sums",
    "difference",
    "effective_clusters",
    "error_of_mean",
    "estimate",
    "exchange_rate",
    "expected_best",
    "expected_chosen",
    "fit_isotonic",
    "fit_power_laws",
    "holm",
    "in_brief",
    "in_words",
    "influence_variance",
    "item_variance_of",
    "judge",
    "judge_family",
    "mean_interval",
    "minimum_detectable_effect",
    "one_sided_level",
    "seed_spread",
    "seeds_needed",
    "split_gain",
    "standard_error",
    "unseen_failure",
]
