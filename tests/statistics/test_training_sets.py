"""The second line: what another training set of this size might give, on learners whose truth is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import special, stats

from negspace.errors import PlanError
from negspace.statistics import another_training_set


def test_for_a_mean_of_the_training_rows_it_is_the_interval_of_another_mean() -> None:
    # Leaving out a tenth of 50 rows, one group after another; the seeds agree.
    x = np.random.default_rng(0).normal(size=50)
    groups = x.reshape(10, 5)
    left_out = np.array([np.delete(groups, g, axis=0).mean() for g in range(10)])
    got = another_training_set(np.full(20, x.mean()), left_out)
    # Without a spread over seeds: twice the squared error of a mean of ten group means.
    half = stats.t.ppf(0.975, 9) * math.sqrt(2) * stats.sem(groups.mean(axis=1))
    assert (got.low, got.high) == pytest.approx((x.mean() - half, x.mean() + half))


def test_seeds_and_test_rows_come_on_top() -> None:
    rng = np.random.default_rng(1)
    seeds, left_out = rng.normal(0.3, 0.02, 20), rng.normal(0.3, 0.01, 10)
    a, b, c = seeds.var(ddof=1) / 20, 0.02**2, 2 * 81 / 10 * left_out.var(ddof=1)
    df = (a + b + c) ** 2 / (a**2 / 19 + b**2 / 40 + c**2 / 9)
    half = stats.t.ppf(0.95, df) * math.sqrt(a + b + c)
    got = another_training_set(seeds, left_out, item_variance=b, item_df=40.0, level=0.9)
    assert (got.low, got.high, got.level) == pytest.approx((seeds.mean() - half, seeds.mean() + half, 0.9))


def accuracy(rows: np.ndarray, labels: np.ndarray) -> float:
    """True accuracy, by the normal distribution, of the nearest of two centroids; labels are at ±1."""
    centre = (rows[labels == 1].mean(axis=0) + rows[labels == 0].mean(axis=0)) / 2
    normal = rows[labels == 1].mean(axis=0) - rows[labels == 0].mean(axis=0)
    normal /= np.linalg.norm(normal)
    truth = np.zeros(rows.shape[1])
    truth[0] = 1.0
    sides = special.ndtr((truth - centre) @ normal), special.ndtr((truth + centre) @ normal)
    return float(np.mean(sides))


def training_set(rng: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    labels = np.arange(size) % 2
    rows = rng.normal(size=(size, 5))
    rows[:, 0] += 2 * labels - 1
    return rows, labels


@pytest.mark.parametrize("size", [60, 200])
def test_the_next_training_set_is_covered(size: int) -> None:
    rng = np.random.default_rng(size)
    covered = naive = 0
    for _ in range(250):
        rows, labels = training_set(rng, size)
        tenths = rng.permutation(np.repeat(np.arange(10), size // 10))
        left_out = np.array([accuracy(rows[tenths != g], labels[tenths != g]) for g in range(10)])
        fits = []
        for _ in range(20):  # as an audit's seeds do, each leaves out a tenth of its own
            kept = rng.permutation(size)[: 9 * size // 10]
            fits.append(accuracy(rows[kept], labels[kept]))
        seeds = np.array(fits)
        another = accuracy(*training_set(rng, size))
        interval = another_training_set(seeds, left_out)
        covered += interval.low <= another <= interval.high
        half = stats.t.ppf(0.975, 19) * stats.sem(seeds)
        naive += abs(another - seeds.mean()) <= half
    assert covered / 250 >= 0.92
    assert naive / 250 < 0.5  # what the interval over seeds is worth for this question


def test_what_is_undefined_has_no_interval() -> None:
    got = another_training_set(np.array([0.1, math.nan]), np.zeros(10))
    assert math.isnan(got.low)
    for left_out in ([0.1], []):
        with pytest.raises(PlanError, match="two groups"):
            another_training_set(np.ones(3), np.array(left_out))
