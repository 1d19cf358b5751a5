from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from negspace.errors import PlanError
from negspace.statistics import mean_interval, studentised_bootstrap


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
    x = np.array(values, dtype=float)
    bootstrap = studentised_bootstrap(x, rng=np.random.default_rng(0))
    for interval in (mean_interval(x), bootstrap):
        assert math.isnan(interval.low)
        assert math.isnan(interval.high)


def test_one_seed_leaves_the_interval_open() -> None:
    x = np.array([0.3])
    bootstrap = studentised_bootstrap(x, rng=np.random.default_rng(0))
    for interval in (mean_interval(x), bootstrap, mean_interval(x, item_variance=0.1, item_df=9.0)):
        assert (interval.low, interval.high) == (-math.inf, math.inf)


def test_an_unknown_item_variance_leaves_the_interval_open() -> None:
    interval = mean_interval(np.arange(10.0), item_variance=math.inf, item_df=0.0)
    assert (interval.low, interval.high) == (-math.inf, math.inf)


@pytest.mark.parametrize("level", [0.0, 1.0, 95.0])
def test_a_level_outside_its_range_is_refused(level: float) -> None:
    with pytest.raises(PlanError, match="between 0 and 1"):
        mean_interval(np.arange(10.0), level=level)
    with pytest.raises(PlanError, match="between 0 and 1"):
        studentised_bootstrap(np.arange(10.0), rng=np.random.default_rng(0), level=level)


def test_bootstrap_equals_a_plain_loop_over_all_resamples() -> None:
    # With 4 seeds, all 4**4 resamples can be listed; the drawn quantiles must come near theirs.
    x = np.array([0.0, 1.0, 3.0, 7.5])
    resamples = np.array(np.meshgrid(*[x] * 4)).reshape(4, -1)
    t = [
        math.copysign(math.inf, s.mean() - x.mean())
        if np.ptp(s) == 0
        else (s.mean() - x.mean()) / stats.sem(s)
        for s in resamples.T
    ]
    low, high = np.sort(t)[[int(0.1 * 256), int(0.9 * 256)]]
    got = studentised_bootstrap(x, rng=np.random.default_rng(0), level=0.8, resamples=200_000)
    assert got.low == pytest.approx(x.mean() - high * stats.sem(x), abs=1e-9)
    assert got.high == pytest.approx(x.mean() - low * stats.sem(x), abs=1e-9)


def test_bootstrap_of_three_seeds_admits_that_it_knows_nothing() -> None:
    # 3 of the 27 resamples are constant, more than the two tails of 2.5 % hold.
    got = studentised_bootstrap(np.array([0.1, 0.2, 0.4]), rng=np.random.default_rng(0))
    assert (got.low, got.high) == (-math.inf, math.inf)


def test_bootstrap_of_one_odd_seed_has_no_end_on_its_side() -> None:
    # 35 % of the resamples miss the odd seed: its mode may be more frequent than seen.
    got = studentised_bootstrap(np.array([0.9] * 9 + [0.1]), rng=np.random.default_rng(0))
    assert got.low == -math.inf
    assert math.isfinite(got.high)


def test_bootstrap_of_equal_values_is_a_point_whatever_their_rounding() -> None:
    x = np.array([0.1 + 0.2, 0.3] * 5)
    got = studentised_bootstrap(x, rng=np.random.default_rng(0))
    assert (got.low, got.high) == pytest.approx((0.3, 0.3))


def test_bootstrap_takes_its_randomness_from_its_argument_only() -> None:
    x = np.random.default_rng(3).normal(size=10)
    results = []
    for seed in (0, 0, 1):
        np.random.seed(len(results))  # noqa: NPY002 - perturbs the global state on purpose
        results.append(studentised_bootstrap(x, rng=np.random.default_rng(seed), resamples=999))
    assert results[0] == results[1] != results[2]


def test_too_few_resamples_are_refused() -> None:
    with pytest.raises(PlanError, match="do not reach the tails") as error:
        studentised_bootstrap(np.arange(10.0), rng=np.random.default_rng(0), resamples=20)
    assert "40" in str(error.value)
