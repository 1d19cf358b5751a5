from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from negspace.errors import PlanError
from negspace.statistics import influence_variance, seed_spread, standard_error


def test_without_item_variance_it_is_the_textbook_standard_error() -> None:
    values = np.random.default_rng(1).normal(size=12)
    error = standard_error(seed_spread(values), 12)
    assert error.value == pytest.approx(stats.sem(values))
    assert error.df == pytest.approx(11)


def test_degrees_of_freedom_are_those_of_welchs_test() -> None:
    # Welch's two-sample t-test is the same sum of two estimated variances.
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=9), rng.normal(0, 3, size=31)
    welch = stats.ttest_ind(a, b, equal_var=False)
    error = standard_error(seed_spread(a), 9, item_variance=float(b.var(ddof=1) / 31), item_df=30.0)
    assert error.df == pytest.approx(welch.df)
    assert (a.mean() - b.mean()) / error.value == pytest.approx(welch.statistic)


def test_tiny_variances_keep_their_degrees_of_freedom() -> None:
    error = standard_error(1e-120, 10, item_variance=1e-241, item_df=50.0)
    assert error.df == pytest.approx(1 / (0.25 / 9 + 0.25 / 50))


@pytest.mark.parametrize(
    ("sd", "seeds", "variance"), [(1.0, 1, 0.0), (1.0, 10, math.inf), (math.inf, 10, 0.0)]
)
def test_an_unknown_spread_is_an_infinite_error(sd: float, seeds: int, variance: float) -> None:
    assert standard_error(sd, seeds, item_variance=variance, item_df=3.0).value == math.inf


def test_negative_variances_are_refused() -> None:
    with pytest.raises(PlanError, match="negative"):
        standard_error(1.0, 10, item_variance=-0.1)


def test_item_variance_of_a_mean_is_its_squared_standard_error() -> None:
    x = np.random.default_rng(3).normal(size=40)
    influence = ((x - x.mean()) / 40)[None]
    variance, df = influence_variance(influence, np.arange(40))
    assert variance == pytest.approx(stats.sem(x) ** 2)
    assert df == 39


def test_items_of_one_cluster_count_as_one() -> None:
    # Ten items, each recorded three times, know no more than the ten.
    x = np.random.default_rng(4).normal(size=10)
    once = influence_variance(((x - x.mean()) / 10)[None], np.arange(10))
    thrice = np.repeat(x, 3)
    repeated = influence_variance(((thrice - x.mean()) / 30)[None], np.repeat(np.arange(10), 3) + 7)
    assert repeated == pytest.approx(once)


def test_seeds_that_disagree_on_an_item_average_out_over_items() -> None:
    opposite = np.array([[0.1, -0.1, 0.0], [-0.1, 0.1, 0.0]])
    assert influence_variance(opposite, np.arange(3)) == (0.0, 2.0)


def test_no_items_mean_no_item_variance_and_one_cluster_an_unknown_one() -> None:
    assert influence_variance(np.zeros((5, 0)), np.zeros(0, dtype=int)) == (0.0, math.inf)
    assert influence_variance(np.zeros((5, 3)), np.zeros(3, dtype=int)) == (math.inf, 0.0)
