from __future__ import annotations

import itertools
import math
import tracemalloc
from fractions import Fraction

import numpy as np
import pytest
from scipy import stats

from negspace.errors import PlanError
from negspace.statistics import EXACT_UP_TO, sign_flip_p


def enumerated(hundredths: list[int], margin: int = 0) -> float:
    """The p-value by listing every sign assignment, in whole numbers, so that ties are exact."""
    excess = [d - margin for d in hundredths]
    seen = sum(excess)
    signs = itertools.product((-1, 1), repeat=len(excess))
    reached = sum(sum(s * d for s, d in zip(row, excess, strict=True)) >= seen for row in signs)
    return float(Fraction(reached, 2 ** len(excess)))


@pytest.mark.parametrize("seeds", [1, 2, 3, 10, 13])
@pytest.mark.parametrize("margin", [0, 3, -5])
def test_equals_full_enumeration_with_ties_and_zeros(seeds: int, margin: int) -> None:
    rng = np.random.default_rng(seeds)
    for spread in (2, 40):
        hundredths = [int(d) for d in rng.integers(-spread, spread + 3, size=seeds)]
        p = sign_flip_p(np.array(hundredths) / 100, margin=margin / 100)
        assert p == enumerated(hundredths, margin)


def test_equals_scipys_permutation_test() -> None:
    x = np.random.default_rng(5).normal(0.4, 1, size=11)
    expected = stats.permutation_test(
        (x,), np.mean, permutation_type="samples", alternative="greater", n_resamples=np.inf
    )
    assert sign_flip_p(x) == pytest.approx(expected.pvalue)


@pytest.mark.parametrize("seeds", [1, 10, 20, EXACT_UP_TO])
def test_agreeing_seeds_have_the_smallest_p(seeds: int) -> None:
    x = np.random.default_rng(0).uniform(0.1, 0.2, size=seeds)
    assert sign_flip_p(x) == 2.0**-seeds
    assert sign_flip_p(-x) == 1.0


@pytest.mark.parametrize("margin", [0.0, 0.3])
def test_differences_equal_to_the_margin_are_no_evidence(margin: float) -> None:
    assert sign_flip_p(np.full(10, margin), margin=margin) == 1.0
    assert sign_flip_p(np.array([0.1 + 0.2, 0.3] * 5), margin=margin) == (1.0 if margin else 2.0**-10)


def test_drawn_p_is_near_the_exact_one() -> None:
    # Padding with zero differences leaves the exact p as it is and asks for drawing.
    x = np.random.default_rng(7).normal(0.3, 1, size=14)
    padded = np.concatenate([x, np.zeros(EXACT_UP_TO)])
    exact, m = sign_flip_p(x), 40_000
    drawn = sign_flip_p(padded, rng=np.random.default_rng(1), resamples=m)
    assert 0.01 < exact < 0.5
    assert drawn == pytest.approx(exact, abs=4 * math.sqrt(exact * (1 - exact) / m))


def test_drawn_p_is_never_zero_and_counts_the_seen_assignment() -> None:
    assert sign_flip_p(np.ones(60), resamples=999) == 1 / 1000
    assert sign_flip_p(np.zeros(60), resamples=999) == 1.0


def test_drawn_p_ignores_the_global_generator_and_obeys_its_own() -> None:
    x = np.random.default_rng(8).normal(0.1, 1, size=40)
    np.random.seed(1)  # noqa: NPY002 - perturbs the global state on purpose
    first = sign_flip_p(x, resamples=2000)
    np.random.seed(2)  # noqa: NPY002
    assert sign_flip_p(x, resamples=2000) == first
    assert sign_flip_p(x, resamples=2000, rng=np.random.default_rng(9)) != first


def test_many_seeds_stay_small_in_memory() -> None:
    x = np.random.default_rng(0).normal(size=EXACT_UP_TO)
    tracemalloc.start()
    sign_flip_p(x)
    sign_flip_p(np.tile(x, 100), resamples=2000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 * 2**20


@pytest.mark.parametrize("values", [[], [0.1, math.nan], [0.1, math.inf]])
def test_a_seed_without_a_number_leaves_no_p(values: list[float]) -> None:
    assert math.isnan(sign_flip_p(np.array(values, dtype=float)))


@pytest.mark.parametrize("margin", [math.nan, math.inf])
def test_a_margin_that_is_no_number_is_refused(margin: float) -> None:
    with pytest.raises(PlanError, match="finite margin"):
        sign_flip_p(np.ones(10), margin=margin)
