from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from negspace.errors import PlanError
from negspace.statistics import mean_interval


def test_t_interval_is_scipys() -> None:
    x = np.random.default_rng(0).exponential(size=11)
    expected = stats.ttest_1samp(x, 0.0).confidence_interval(0.9)
    got = mean_interval(x, level=0.9)
    assert (got.low, got.high, got.level) == pytest.approx((expected.low, expected.high, 0.9))


def test_item_variance_widens_the_interval_as_welchs_does() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=10), rng.normal(size=25)
    expected = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    got = mean_interval(a - b.mean(), item_variance=float(b.var(ddof=1) / 25), item_df=24.0)
    assert (got.low, got.high) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize("values", [[], [0.1, math.nan, 0.2], [0.1, math.inf, 0.2]])
def test_a_seed_without_a_number_leaves_no_interval(values: list[float]) -> None:
    interval = mean_interval(np.array(values, dtype=float))
    assert math.isnan(interval.low)
    assert math.isnan(interval.high)


def test_one_seed_leaves_the_interval_open() -> None:
    x = np.array([0.3])
    for interval in (mean_interval(x), mean_interval(x, item_variance=0.1, item_df=9.0)):
        assert (interval.low, interval.high) == (-math.inf, math.inf)


def test_an_unknown_item_variance_leaves_the_interval_open() -> None:
    interval = mean_interval(np.arange(10.0), item_variance=math.inf, item_df=0.0)
    assert (interval.low, interval.high) == (-math.inf, math.inf)


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0])
def test_a_level_outside_its_range_is_refused(level: float) -> None:
    with pytest.raises(PlanError, match="between 0 and 1"):
        mean_interval(np.arange(10.0), level=level)
