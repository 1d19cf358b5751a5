from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from negspace.errors import PlanError
from negspace.statistics import equivalence_p


def test_is_the_larger_of_two_one_sided_t_tests() -> None:
    rng = np.random.default_rng(0)
    for centre in (-0.3, 0.0, 0.1, 2.0):
        x = rng.normal(centre, 1, size=15)
        lower = stats.ttest_1samp(x, -0.5, alternative="greater").pvalue
        upper = stats.ttest_1samp(x, 0.5, alternative="less").pvalue
        assert equivalence_p(x, margin=0.5) == pytest.approx(max(lower, upper))


def test_agrees_with_the_90_percent_interval_lying_inside() -> None:
    rng = np.random.default_rng(1)
    decided = set()
    for _ in range(100):
        x = rng.normal(0.2, 1, size=12)
        interval = stats.ttest_1samp(x, 0.0).confidence_interval(0.9)
        inside = interval.low > -0.8 and interval.high < 0.8
        assert (equivalence_p(x, margin=0.8) < 0.05) == inside
        decided.add(inside)
    assert decided == {True, False}


def test_item_variance_makes_it_harder() -> None:
    x = np.random.default_rng(2).normal(0, 0.1, size=12)
    assert (
        equivalence_p(x, margin=0.1) < 0.05 < equivalence_p(x, margin=0.1, item_variance=0.01, item_df=50.0)
    )


def test_zeros_without_spread_lie_inside() -> None:
    assert equivalence_p(np.zeros(10), margin=0.1) == 0.0
    assert equivalence_p(np.full(10, 0.2), margin=0.1) == 1.0


def test_undefined_differences_leave_no_p() -> None:
    assert math.isnan(equivalence_p(np.array([0.1, math.nan]), margin=0.1))
    assert math.isnan(equivalence_p(np.zeros(10), margin=0.1, item_variance=math.nan))


@pytest.mark.parametrize("margin", [0.0, -0.1, math.inf, math.nan])
def test_a_margin_of_nothing_is_refused(margin: float) -> None:
    with pytest.raises(PlanError, match="margin above 0"):
        equivalence_p(np.zeros(10), margin=margin)
