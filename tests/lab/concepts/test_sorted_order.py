"""Sorted samples and their rearrangements: which there are, and that each is as likely as the next."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, pairwise

import numpy as np
import pytest
from scipy.stats import chisquare

from negspace.errors import PlanError
from negspace.lab.concepts import VOCABULARY, Sorted

SORTED = Sorted()
SWAPS = {"swap": 1, "two swaps": 2, "three swaps": 3, "four swaps": 4}


def exchanged(length: int, pairs: tuple[tuple[int, int], ...]) -> tuple[int, ...]:
    order = list(range(length))
    for i, j in pairs:
        order[i], order[j] = order[j], order[i]
    return tuple(order)


def moved(length: int, origin: int, target: int) -> tuple[int, ...]:
    order = list(range(length))
    order.insert(target, order.pop(origin))
    return tuple(order)


def rearrangements(kind: str, length: int) -> list[tuple[int, ...]]:
    """All outcomes of a kind, by list operations on 0…length-1."""
    positions = range(length)
    if kind in SWAPS:
        choices = combinations(range(length - 1), SWAPS[kind])
        disjoint = [c for c in choices if all(b - a >= 2 for a, b in pairwise(c))]
        return [exchanged(length, tuple((i, i + 1) for i in starts)) for starts in disjoint]
    if kind == "displaced":
        return [moved(length, i, j) for i in positions for j in positions if abs(i - j) >= 2]
    return [exchanged(length, ((i, j),)) for i in positions for j in positions if j - i >= length / 2]


def inversions(tokens: np.ndarray) -> np.ndarray:
    left, right = np.triu_indices(tokens.shape[1], k=1)
    return np.sum(tokens[:, left] > tokens[:, right], axis=1)


def test_positives_are_samples_without_replacement() -> None:
    rng = np.random.default_rng(0)
    tokens = SORTED.positives(rng, 122_500, 2)
    counts = np.bincount(tokens @ [VOCABULARY, 1], minlength=VOCABULARY**2).reshape(VOCABULARY, VOCABULARY)
    assert np.tril(counts).sum() == 0
    assert chisquare(counts[np.triu_indices(VOCABULARY, k=1)]).pvalue > 1e-3

    # Of 49 distinct tokens one is missing, and each as often; of 50 none.
    tokens = SORTED.positives(rng, 50_000, 49)
    assert all(len(set(row)) == 49 for row in tokens[:200].tolist())
    assert chisquare(np.bincount(sum(range(50)) - tokens.sum(axis=1), minlength=50)).pvalue > 1e-3
    assert np.array_equal(SORTED.positives(rng, 1, 50), np.arange(50)[None])


def test_tokens_of_a_longer_sample_are_spread_evenly() -> None:
    # Counts of distinct tokens vary less than the multinomial; the statistic shrinks by 1 - (k-1)/(n-1).
    rows, length = 40_000, 12
    counts = np.bincount(SORTED.positives(np.random.default_rng(1), rows, length).ravel(), minlength=50)
    shrunk = (counts - counts.mean()) / np.sqrt(1 - (length - 1) / 49) + counts.mean()
    assert chisquare(shrunk).pvalue > 1e-3


@pytest.mark.parametrize("length", [8, 9, 11])
@pytest.mark.parametrize("kind", SORTED.kinds[:-1])
def test_near_misses_are_uniform_on_the_rearrangements_of_their_kind(kind: str, length: int) -> None:
    expected = rearrangements(kind, length)
    assert len(set(expected)) == len(expected)
    rng = np.random.default_rng(length)
    positives = SORTED.positives(rng, 20_000, length)
    tokens = SORTED.negatives(kind, rng, positives)
    assert np.array_equal(np.sort(tokens, axis=1), positives)
    seen = Counter(map(tuple, np.argsort(np.argsort(tokens, axis=1), axis=1).tolist()))
    assert set(seen) <= set(expected)
    assert len(expected) == 1 or chisquare([seen[each] for each in expected]).pvalue > 1e-3


@pytest.mark.parametrize(("kind", "swaps"), SWAPS.items())
def test_swaps_touch_nothing_but_their_pairs(kind: str, swaps: int) -> None:
    rng = np.random.default_rng(2)
    positives = SORTED.positives(rng, 2000, 40)
    tokens = SORTED.negatives(kind, rng, positives)
    for before, after in zip(positives.tolist(), tokens.tolist(), strict=True):
        places = [i for i, (a, b) in enumerate(zip(before, after, strict=True)) if a != b]
        assert len(places) == 2 * swaps
        for i, j in zip(places[::2], places[1::2], strict=True):
            assert j == i + 1
            assert (after[i], after[j]) == (before[j], before[i])


def test_swap_positions_are_uniform_at_the_extrapolation_length() -> None:
    rng = np.random.default_rng(3)
    positives = SORTED.positives(rng, 39_000, 40)
    place = np.argmax(SORTED.negatives("swap", rng, positives) != positives, axis=1)
    assert chisquare(np.bincount(place, minlength=39)).pvalue > 1e-3


def test_kinds_are_ordered_by_inversions() -> None:
    length, rng = 20, np.random.default_rng(4)
    positives = SORTED.positives(rng, 5000, length)
    means = [inversions(SORTED.negatives(kind, rng, positives)).mean() for kind in SORTED.kinds]
    assert means == sorted(means)
    # k swaps: k. A move by d: d. An exchange over d: 2 d - 1. Independent tokens: a pair is inverted
    # unless it is tied or ascends.
    distance = np.arange(length)
    ways = length - distance
    move = np.average(distance[2:], weights=ways[2:])
    far = np.average(2 * distance[10:] - 1, weights=ways[10:])
    random = length * (length - 1) / 2 * (1 - 1 / VOCABULARY) / 2
    assert means[:4] == [1, 2, 3, 4]
    assert means[4:] == pytest.approx([move, far, random], rel=0.02)
    assert (move, far, random) == pytest.approx((7.67, 25.0, 93.1), abs=0.01)


def test_a_longer_sample_than_the_vocabulary_is_refused() -> None:
    with pytest.raises(PlanError, match=r"1 to 50 tokens\n  got:  length 51"):
        SORTED.positives(np.random.default_rng(0), 5, 51)
