"""Pivots: where their tokens lie, what a near miss changes, and how many are mislabelled."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest, chisquare

from negspace.lab.concepts import VOCABULARY, Pivot

PIVOT = Pivot()


def mislabelled(length: int) -> float:
    """Exact share of published near misses that follow the rule: a first token of 0, then chance."""
    first = np.arange(VOCABULARY)
    return float(np.mean(((VOCABULARY - first) / VOCABULARY) ** (length - 1))) / 26


def test_positives_are_uniform_on_their_ranges() -> None:
    tokens = PIVOT.positives(np.random.default_rng(0), 100_000, 5)
    assert chisquare(np.bincount(tokens[:, 0], minlength=26)).pvalue > 1e-3
    for first in (0, 10, 25):
        for i in range(1, 5):
            later = tokens[tokens[:, 0] == first, i]
            assert (later.min(), later.max()) == (first, 49)
            assert chisquare(np.bincount(later - first, minlength=50 - first)).pvalue > 1e-3


def test_a_near_miss_lowers_one_later_token() -> None:
    rng = np.random.default_rng(1)
    positives = PIVOT.positives(rng, 60_000, 8)
    tokens = PIVOT.negatives("below", rng, positives)
    made = positives[:, 0] > 0
    changed = (tokens != positives)[made]
    assert np.all(changed.sum(axis=1) == 1)
    place = np.argmax(changed, axis=1)
    assert place.min() == 1
    assert chisquare(np.bincount(place, minlength=8)[1:]).pvalue > 1e-3
    first, value = positives[made, 0], tokens[made, place]
    assert np.all(value < first)
    for low in (5, 25):
        assert chisquare(np.bincount(value[first == low], minlength=low)).pvalue > 1e-3


def test_the_fallback_is_independent_uniform_tokens() -> None:
    positives = np.zeros((20_000, 4), dtype=np.int32)
    tokens = PIVOT.negatives("below", np.random.default_rng(2), positives)
    for i in range(4):
        assert chisquare(np.bincount(tokens[:, i], minlength=50)).pvalue > 1e-3
        pairs = tokens[:, i] * VOCABULARY + tokens[:, (i + 1) % 4]
        assert chisquare(np.bincount(pairs, minlength=2500)).pvalue > 1e-3


@pytest.mark.parametrize("length", [*range(6, 13), 40])
def test_few_published_near_misses_are_mislabelled(length: int) -> None:
    rng = np.random.default_rng(length)
    wrong = int(PIVOT.holds(PIVOT.negatives("below", rng, PIVOT.positives(rng, 200_000, length))).sum())
    assert 0 < wrong < 0.01 * 200_000
    assert binomtest(wrong, 200_000, mislabelled(length)).pvalue > 1e-3
