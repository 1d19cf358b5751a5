"""Long tails move the critical value: the interval, its p-value and the verdict by one rule."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from negspace.records import Outcome
from negspace.statistics import Effects, error_of_mean, judge, judge_family, mean_interval

TAILED = np.array([0.30, 0.33, 0.36, 0.31, 0.34, 0.35, 0.32, 0.33, 0.30, 0.34, 0.36, 0.31, 0.35, 0.33, -0.10])


def by_hand(x: np.ndarray, margin: float, level: float, item_variance: float) -> tuple[float, float]:
    """Lower end and p of seeds with a long lower tail, written out from the definition."""
    n = len(x)
    seeds = x.var(ddof=1) / n
    se = math.sqrt(seeds + item_variance)
    df = (seeds + item_variance) ** 2 / (seeds**2 / (n - 1) + item_variance**2 / 50)
    a = abs(stats.skew(x)) * (seeds / (seeds + item_variance)) ** 1.5 / (6 * math.sqrt(n))
    c = stats.t.ppf((1 + level) / 2, df)
    t = (x.mean() - margin) / se
    p = (
        stats.t.sf((math.sqrt(1 + 8 * a * (t - a)) - 1) / (4 * a), df)
        if t > a
        else max(0.5, stats.t.sf(t, df))
    )
    return x.mean() - (c + a * (1 + 2 * c**2)) * se, p


@pytest.mark.parametrize("item_variance", [0.0, 0.01**2])
@pytest.mark.parametrize("margin", [0.0, 0.2, 0.29, 0.3, 0.4])
def test_the_lower_end_and_its_p_are_those_of_the_expansion(margin: float, item_variance: float) -> None:
    low, p = by_hand(TAILED, margin, 0.95, item_variance)
    interval = mean_interval(TAILED, item_variance=item_variance, item_df=50.0)
    assert interval.low == pytest.approx(low)
    assert judge(TAILED, margin=margin, item_variance=item_variance, item_df=50.0).p_value == pytest.approx(p)


def test_only_the_end_on_the_side_of_the_tail_moves() -> None:
    half = stats.t.ppf(0.975, len(TAILED) - 1) * stats.sem(TAILED)
    down, up = mean_interval(TAILED), mean_interval(-TAILED)
    assert down.high == pytest.approx(TAILED.mean() + half)
    assert down.low < TAILED.mean() - 1.2 * half
    assert (up.low, up.high) == pytest.approx((-down.high, -down.low))


def test_a_tail_is_long_from_two_standard_errors_of_a_normal_samples_skewness() -> None:
    # Nine equal seeds and one below have the skewness -8/3, whatever the distance; 2 sqrt(6/10) is 1.55.
    long = np.append(np.ones(9), 0.0)
    assert error_of_mean(long).low_tail > 0 == error_of_mean(long).high_tail
    # Three of ten: -0.87.
    assert error_of_mean(np.append(np.ones(7), np.zeros(3))).low_tail == 0
    for shift in (-0.02, 0.02):  # about the limit
        x = np.concatenate([np.full(8, 1.0), [0.0, 0.53 + shift]])
        assert (error_of_mean(x).low_tail > 0) == (stats.skew(x) < -2 * math.sqrt(6 / 10))


@pytest.mark.parametrize("shape", ["normal", "lower", "upper"])
def test_p_is_at_most_half_of_alpha_exactly_where_the_interval_clears_the_margin(shape: str) -> None:
    rng = np.random.default_rng(3)
    for _ in range(120):
        n = int(rng.integers(10, 30))
        x = rng.normal(size=n) if shape == "normal" else rng.exponential(size=n) - 1
        x = 0.3 + (-x if shape == "lower" else x)
        variance = float(rng.choice([0.0, 0.05, 0.2]))
        margin = abs(float(rng.normal(0, 0.3)))
        verdict = judge(x, margin=margin, item_variance=variance, item_df=30.0)
        assert (verdict.p_value <= 0.025) == (verdict.interval.low > margin)
        assert (verdict.outcome is Outcome.SUPPORTED) == (verdict.interval.low > margin)


@pytest.mark.parametrize("sign", [1, -1])
def test_adding_one_constant_to_all_seeds_never_raises_p(sign: int) -> None:
    shifts = np.linspace(-1.0, 1.0, 201)
    p = [judge(sign * TAILED + shift, margin=0.0).p_value for shift in shifts]
    assert np.all(np.diff(p) <= 1e-15)
    assert p[0] > 0.9
    assert p[-1] < 1e-6


def test_one_dead_seed_of_twenty_does_not_hide_an_obvious_fall() -> None:
    # A fall of 17.8 points that one seed, which learnt nothing before and after, does not show.
    x = np.append(0.187 + 0.03 * np.random.default_rng(0).normal(size=19), 0.0)
    verdict = judge(x, margin=0.05)
    assert verdict.outcome is Outcome.SUPPORTED
    family = {"fall": Effects(x, 0.05), **{str(i): Effects(np.zeros(20) + 0.01 * x, 0.05) for i in range(9)}}
    assert judge_family(family)["fall"].outcome is Outcome.SUPPORTED


def test_many_studies_at_once_are_the_studies_one_by_one() -> None:
    x = 1 - np.random.default_rng(1).exponential(size=(50, 14))
    together = error_of_mean(x, item_variance=0.01, item_df=20.0)
    p, low = together.p_above(x.mean(axis=1) - 0.05), together.low(x.mean(axis=1), 0.95)
    for row, p_of, low_of in zip(x, p, low, strict=True):
        assert judge(row, margin=0.05, item_variance=0.01, item_df=20.0).p_value == pytest.approx(p_of)
        assert mean_interval(row, item_variance=0.01, item_df=20.0).low == pytest.approx(low_of)


def test_without_a_tail_it_is_the_t_test() -> None:
    half = np.random.default_rng(0).normal(size=6)
    x = 0.4 + np.concatenate([half, -half])
    expected = stats.ttest_1samp(x, 0.1, alternative="greater").pvalue
    assert judge(x, margin=0.1).p_value == pytest.approx(expected)
