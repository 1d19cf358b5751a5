from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from negspace.errors import PlanError
from negspace.metrics import share_of
from negspace.records import Measurement
from negspace.statistics import difference, effective_clusters, estimate, item_variance_of


def mean_of(items: np.ndarray, clusters: np.ndarray | None = None) -> Measurement:
    mean = float(items.mean())
    clusters = np.arange(len(items)) if clusters is None else clusters
    return Measurement(mean, (items - mean) / len(items), clusters)


UNDEFINED = Measurement(math.nan, np.zeros(0), np.zeros(0, dtype=int))


def test_estimate_adds_the_variance_over_seeds_and_over_items() -> None:
    scores = np.random.default_rng(0).normal(0.8, 0.1, size=(10, 50))
    got = estimate("accuracy", [mean_of(row) for row in scores])
    per_seed = scores.mean(axis=1)
    a, b = per_seed.var(ddof=1) / 10, stats.sem(scores.mean(axis=0)) ** 2
    df = (a + b) ** 2 / (a**2 / 9 + b**2 / 49)
    half = stats.t.ppf(0.975, df) * math.sqrt(a + b)
    assert got.metric == "accuracy"
    assert got.n == 50
    assert got.per_seed == pytest.approx(per_seed)
    assert got.mean == pytest.approx(scores.mean())
    assert (got.interval.low, got.interval.high) == pytest.approx((got.mean - half, got.mean + half))


def test_a_seed_without_a_value_is_not_dropped() -> None:
    got = estimate("f1", [mean_of(np.arange(5.0)), UNDEFINED, mean_of(np.arange(5.0))])
    assert math.isnan(got.mean)
    assert math.isnan(got.interval.low)
    assert got.per_seed[0] == 2.0
    assert math.isnan(got.per_seed[1])
    assert got.n == 5


def test_no_value_at_all_leaves_no_variance() -> None:
    assert all(math.isnan(x) for x in item_variance_of([UNDEFINED, UNDEFINED]))
    assert estimate("f1", [UNDEFINED]).n == 0


def test_a_measure_without_influence_speaks_about_seeds_only() -> None:
    values = np.random.default_rng(1).normal(size=10)
    empty = [Measurement(float(v), np.zeros(0), np.zeros(0, dtype=int)) for v in values]
    expected = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    got = estimate("loss", empty).interval
    assert (got.low, got.high) == pytest.approx((expected.low, expected.high))


def test_difference_of_two_arms_on_the_same_rows_is_the_paired_one() -> None:
    rng = np.random.default_rng(2)
    shared = rng.normal(size=60)
    a, b = shared + rng.normal(0, 0.1, 60), shared + rng.normal(0, 0.1, 60)
    got = difference(mean_of(a), mean_of(b))
    variance, df = item_variance_of([got])
    assert got.value == pytest.approx((a - b).mean())
    assert variance == pytest.approx(stats.sem(a - b) ** 2)
    assert df == 59


def test_difference_of_two_test_sets_that_share_pairs_counts_their_covariance() -> None:
    # Each row of the second set is the rewritten partner (same cluster) of a row of the first.
    rng = np.random.default_rng(3)
    original, rewritten = rng.normal(size=40), rng.normal(size=40)
    rewritten = 0.7 * original + rewritten
    order = rng.permutation(40)
    got = difference(mean_of(original), mean_of(rewritten[order], clusters=order))
    assert item_variance_of([got])[0] == pytest.approx(stats.sem(original - rewritten) ** 2)


def test_difference_of_unrelated_test_sets_adds_their_variances() -> None:
    rng = np.random.default_rng(4)
    a, b = rng.normal(size=300), rng.normal(size=500)
    got = difference(mean_of(a), mean_of(b, clusters=np.arange(300, 800)))
    expected = stats.sem(a) ** 2 + stats.sem(b) ** 2
    assert item_variance_of([got])[0] == pytest.approx(expected, rel=0.005)


def test_seeds_that_looked_at_different_items_are_refused() -> None:
    with pytest.raises(PlanError, match="same test items"):
        estimate("accuracy", [mean_of(np.arange(5.0)), mean_of(np.arange(6.0))])


def test_an_estimate_of_nothing_is_refused() -> None:
    with pytest.raises(PlanError, match="accuracy"):
        estimate("accuracy", [])


def test_rows_that_are_all_right_do_not_make_a_share_exact() -> None:
    perfect = replace(mean_of(np.ones(50)), resolution=0.03)
    assert item_variance_of([perfect] * 10) == pytest.approx((0.03**2, 49))
    same = difference(perfect, replace(perfect, resolution=0.04))
    assert item_variance_of([same])[0] == pytest.approx(0.04**2)
    other = replace(perfect, resolution=0.04, clusters=np.arange(50, 100))
    assert item_variance_of([difference(perfect, other)])[0] == pytest.approx(0.05**2)


def test_a_resolution_is_a_floor_of_the_error_of_the_rows_and_adds_nothing() -> None:
    plain = mean_of(np.random.default_rng(5).normal(size=50))
    error = stats.sem(plain.influence * 50)
    for resolution in (0.0, 0.5 * error, 2 * error):
        variance, df = item_variance_of([replace(plain, resolution=resolution)])
        assert (math.sqrt(variance), df) == pytest.approx((max(error, resolution), 49))


def test_clusters_count_by_the_size_that_one_of_equal_ones_would_have() -> None:
    sizes = (87, 2, 1, 1, 1, 1, 1, 1)
    clusters = np.repeat(np.arange(8), sizes)
    got = mean_of(np.random.default_rng(6).normal(size=95), clusters=clusters)
    effective = 95**2 / (87**2 + 2**2 + 6)
    assert effective_clusters(got) == pytest.approx(effective)
    assert estimate("accuracy", [got] * 3).clusters == pytest.approx(effective)
    assert item_variance_of([got])[1] == pytest.approx(effective - 1)
    many = mean_of(np.random.default_rng(7).normal(size=500), clusters=np.arange(100, 600))
    assert effective_clusters(difference(many, got)) == pytest.approx(effective)  # the smaller set limits
    assert effective_clusters(mean_of(np.arange(5.0))) == 5


def test_degrees_of_freedom_of_two_test_sets_are_welchs() -> None:
    rng = np.random.default_rng(8)
    a, b = rng.normal(size=8), rng.normal(0, 0.5, size=200)
    got = difference(mean_of(a), mean_of(b, clusters=np.arange(8, 208)))
    welch = stats.ttest_ind(a, b, equal_var=False)
    variance, df = item_variance_of([got])
    assert df == pytest.approx(welch.df)
    assert got.value / math.sqrt(variance) == pytest.approx(welch.statistic)
    # The same gap of another arm, taken off: the sets stay apart.
    again = difference(mean_of(a / 2), mean_of(b / 2, clusters=np.arange(8, 208)))
    assert item_variance_of([difference(got, again)]) == pytest.approx((variance / 4, df))


@pytest.mark.parametrize(("share", "rows"), [(0.5, 50), (0.9, 50), (0.97, 100), (0.99, 300), (0.999, 300)])
def test_the_interval_of_a_share_covers_it_up_to_the_edge(share: float, rows: int) -> None:
    """Where the plain interval fails: at .999 of 300 rows, three draws in four are all right."""
    covered = 0.0
    for right in range(rows + 1):  # exact: one interval for each number of right answers
        interval = estimate("share", [share_of(np.arange(rows) < right, np.arange(rows))] * 10).interval
        covered += stats.binom.pmf(right, rows, share) * (interval.low <= share <= interval.high)
    assert covered >= 0.93
