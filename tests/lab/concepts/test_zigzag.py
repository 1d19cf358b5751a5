"""Zigzags: the chain they are drawn from, what a near miss changes, and how many are mislabelled."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest, chisquare

from negspace.lab.concepts import VOCABULARY, Zigzag

ZIGZAG = Zigzag()
TOKENS = np.arange(VOCABULARY)
ABOVE = (TOKENS[None, :] > TOKENS[:, None]).astype(float)
BELOW = ABOVE.T


def at_the_edge(length: int) -> np.ndarray:
    """For each position from the second, the probability that nothing continues beyond its token."""
    with np.errstate(invalid="ignore"):
        steps = [np.nan_to_num(ways / ways.sum(axis=1, keepdims=True)) for ways in (ABOVE, BELOW)]
    at = np.where(TOKENS < VOCABULARY - 1, 1 / (VOCABULARY - 1), 0.0)
    stuck = []
    for i in range(length - 1):
        at = at @ steps[i % 2]
        assert at.sum() == pytest.approx(1)
        stuck.append(at[-1] if i % 2 == 0 else at[0])
    return np.array(stuck)


def valid_by_chance(length: int) -> float:
    """Probability that independent uniform tokens alternate: paths over pairs of tokens, counted."""
    paths = np.full(VOCABULARY, 1 / VOCABULARY)
    for i in range(length - 1):
        paths = paths @ ((ABOVE, BELOW)[i % 2] / VOCABULARY)
    return float(paths.sum())


def mislabelled(length: int) -> float:
    """Exact share of published near misses that follow the rule."""
    return float(at_the_edge(length)[:-1].mean()) * valid_by_chance(length)


def test_positives_are_built_of_uniform_steps() -> None:
    tokens = ZIGZAG.positives(np.random.default_rng(0), 100_000, 7)
    assert tokens[:, 0].max() == 48
    assert chisquare(np.bincount(tokens[:, 0], minlength=49)).pvalue > 1e-3
    for i in range(1, 7):
        after = tokens[tokens[:, i - 1] == 24, i]
        low, high = (25, 50) if i % 2 else (0, 24)
        assert (after.min(), after.max()) == (low, high - 1)
        assert chisquare(np.bincount(after - low, minlength=high - low)).pvalue > 1e-3


def test_a_near_miss_continues_where_it_should_turn() -> None:
    length, rows = 8, 60_000
    rng = np.random.default_rng(1)
    positives = ZIGZAG.positives(rng, rows, length)
    tokens = ZIGZAG.negatives("continued", rng, positives)
    changed = tokens != positives
    one = changed.sum(axis=1) == 1
    place = np.argmax(changed, axis=1)[one]
    assert place.min() == 2
    before, middle, after = (tokens[one, place - back] for back in (2, 1, 0))
    assert np.all(np.sign(middle - before) == np.sign(after - middle))

    # Uniform positions, less the rows where nothing continues: those fall back on other rows.
    stuck = at_the_edge(length)[:-1]
    expected = rows / (length - 2) * np.append(1 - stuck, stuck.sum())
    assert chisquare(np.append(np.bincount(place)[2:], np.sum(~one)), expected).pvalue > 1e-3

    rising = after[(middle == 24) & (before < 24)]
    falling = after[(middle == 24) & (before > 24)]
    assert chisquare(np.bincount(rising - 25, minlength=25)).pvalue > 1e-3
    assert chisquare(np.bincount(falling, minlength=24)).pvalue > 1e-3


def test_the_fallback_is_independent_uniform_tokens() -> None:
    # From 1 one steps down to 0 alone, from 48 up to 49 alone: no position can continue.
    positives = np.tile(np.array([0, 49], dtype=np.int32), (10_000, 3))
    tokens = ZIGZAG.negatives("continued", np.random.default_rng(2), positives)
    for i in range(6):
        assert chisquare(np.bincount(tokens[:, i], minlength=50)).pvalue > 1e-3
    pairs = tokens[:, ::2] * VOCABULARY + tokens[:, 1::2]
    assert chisquare(np.bincount(pairs.ravel(), minlength=2500)).pvalue > 1e-3


@pytest.mark.parametrize("length", range(6, 13))
def test_few_published_near_misses_are_mislabelled(length: int) -> None:
    rng = np.random.default_rng(length)
    wrong = int(
        ZIGZAG.holds(ZIGZAG.negatives("continued", rng, ZIGZAG.positives(rng, 200_000, length))).sum()
    )
    assert 0 < wrong < 0.01 * 200_000
    assert binomtest(wrong, 200_000, mislabelled(length)).pvalue > 1e-3


def test_at_the_length_of_the_test_set_none_is_mislabelled() -> None:
    assert mislabelled(40) < 1e-8
    rng = np.random.default_rng(40)
    tokens = ZIGZAG.negatives("continued", rng, ZIGZAG.positives(rng, 50_000, 40))
    assert not ZIGZAG.holds(tokens).any()
