"""Evidence: intervals, tests, power, and the verdict they add up to.

Every function takes plain arrays, one value a seed, and says which assumptions its answer rests on. The
room's calibration by simulation is in ``tests/evidence/test_calibration.py``.
"""

from __future__ import annotations

from negspace.statistics.equivalence import equivalence_p
from negspace.statistics.estimates import difference, estimate, item_variance_of
from negspace.statistics.holm import holm
from negspace.statistics.intervals import mean_interval, studentised_bootstrap
from negspace.statistics.power import minimum_detectable_effect, seeds_needed
from negspace.statistics.signflip import sign_flip_p
from negspace.statistics.standard_error import StandardError, influence_variance, seed_spread, standard_error
from negspace.statistics.verdict import Hypothesis, judge, judge_family

__all__ = [
    "Hypothesis",
    "StandardError",
    "difference",
    "equivalence_p",
    "estimate",
    "holm",
    "influence_variance",
    "item_variance_of",
    "judge",
    "judge_family",
    "mean_interval",
    "minimum_detectable_effect",
    "seed_spread",
    "seeds_needed",
    "sign_flip_p",
    "standard_error",
    "studentised_bootstrap",
]
