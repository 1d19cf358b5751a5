from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy import stats

from negspace.statistics import has_long_lower_tail, skewness_corrected_p


def test_without_skewness_it_is_the_t_test() -> None:
    half = np.random.default_rng(0).normal(size=6)
    x = 0.4 + np.concatenate([half, -half])
    expected = stats.ttest_1samp(x, 0.1, alternative="greater").pvalue
    assert skewness_corrected_p(x, margin=0.1) == pytest.approx(expected)


def test_it_takes_the_skewness_out_of_the_error_rate() -> None:
    # Lower tail of an exponential: the t-test errs at three times its level.
    x = 1 - np.random.default_rng(1).exponential(size=(4000, 20))
    t = np.mean(stats.ttest_1samp(x, 0.0, axis=1, alternative="greater").pvalue <= 0.025)
    corrected = np.mean([skewness_corrected_p(row) <= 0.025 for row in x])
    assert t > 0.065
    assert corrected < 0.05


def test_its_p_falls_as_the_margin_falls_whatever_the_skewness() -> None:
    x = np.array([1.0] * 9 + [0.0]) + np.linspace(0, 1e-3, 10)
    p = [skewness_corrected_p(x, margin=m) for m in np.linspace(1.5, -3, 40)]
    assert all(later <= earlier + 1e-12 for earlier, later in itertools.pairwise(p))
    assert p[0] > 0.9
    assert p[-1] < 1e-4


def test_a_tail_is_long_on_its_own_side_only() -> None:
    x = np.array([1.0] * 9 + [0.0])
    assert has_long_lower_tail(x)
    assert not has_long_lower_tail(-x)
    assert not has_long_lower_tail(np.array([1.0, 0.0] * 5))
    assert not has_long_lower_tail(np.full(10, 0.3))


def test_few_normal_samples_count_as_long_tailed() -> None:
    x = np.random.default_rng(2).normal(size=(4000, 12))
    assert np.mean([has_long_lower_tail(row) for row in x]) < 0.03
