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
    estimate,
    influence_variance,
    item_variance_of,
    mean_interval,
    seed_spread,
    standard_error,
)
from negspace.statistics.exchange_rate import ExchangeRate, cluster_sums, exchange_rate, in_brief, in_words
from negspace.statistics.learning_curve import IsotonicCurves, PowerLaws, fit_isotonic, fit_power_laws
from negspace.statistics.p_values import (
    EXACT_UP_TO,
    has_long_lower_tail,
    holm,
    sign_flip_p,
    skewness_corrected_p,
)
from negspace.statistics.power import minimum_detectable_effect, seeds_needed
from negspace.statistics.verdict import Effects, judge, judge_family

__all__ = [
    "EXACT_UP_TO",
    "BestOf",
    "Effects",
    "ExchangeRate",
    "GainSplit",
    "IsotonicCurves",
    "PowerLaws",
    "StandardError",
    "best_of",
    "cluster_sums",
    "difference",
    "estimate",
    "exchange_rate",
    "expected_best",
    "expected_chosen",
    "fit_isotonic",
    "fit_power_laws",
    "has_long_lower_tail",
    "holm",
    "in_brief",
    "in_words",
    "influence_variance",
    "item_variance_of",
    "judge",
    "judge_family",
    "mean_interval",
    "minimum_detectable_effect",
    "seed_spread",
    "seeds_needed",
    "sign_flip_p",
    "skewness_corrected_p",
    "split_gain",
    "standard_error",
]
