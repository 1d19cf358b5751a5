"""Every concept of sequences against a checker in plain Python, over thousands of draws."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from negspace.errors import PlanError
from negspace.lab.concepts import VOCABULARY, Concept, Pivot, Sorted, Zigzag

CONCEPTS = (Sorted(), Zigzag(), Pivot())
KINDS = [(concept, kind) for concept in CONCEPTS for kind in concept.kinds]
PUBLISHED_FALLBACK = {("zigzag", "continued"), ("pivot", "below")}


def is_sorted(row: list[int]) -> bool:
    return row == sorted(row)


def is_zigzag(row: list[int]) -> bool:
    steps = [b - a for a, b in itertools.pairwise(row)]
    return all(step > 0 if i % 2 == 0 else step < 0 for i, step in enumerate(steps))


def has_first_as_least(row: list[int]) -> bool:
    return min(row) == row[0]


RULES: dict[str, Callable[[list[int]], bool]] = {
    "sorted": is_sorted,
    "zigzag": is_zigzag,
    "pivot": has_first_as_least,
}


def brute(concept: Concept, tokens: np.ndarray) -> np.ndarray:
    return np.array([RULES[concept.name](row) for row in tokens.tolist()], dtype=bool)


def named(value: object) -> str:
    return value.name if isinstance(value, Concept) else str(value)


@pytest.mark.parametrize("concept", CONCEPTS, ids=named)
def test_the_checker_is_right_on_every_short_sequence(concept: Concept) -> None:
    # All orders of four tokens, ties included, have a representative over four values.
    for length in range(1, 5):
        tokens = np.stack(np.meshgrid(*[np.arange(4)] * length), -1).reshape(-1, length).astype(np.int32)
        assert np.array_equal(concept.holds(tokens), brute(concept, tokens))


@pytest.mark.parametrize("concept", CONCEPTS, ids=named)
@pytest.mark.parametrize("length", [1, 2, 3, 6, 12, 20, 40])
def test_positives_follow_the_rule(concept: Concept, length: int) -> None:
    tokens = concept.positives(np.random.default_rng(length), 2000, length)
    assert tokens.shape == (2000, length)
    assert tokens.dtype == np.int32
    assert tokens.min() >= 0
    assert tokens.max() < VOCABULARY
    assert brute(concept, tokens).all()
    assert concept.holds(tokens).all()


@pytest.mark.parametrize(("concept", "kind"), KINDS, ids=named)
@pytest.mark.parametrize("length", [8, 9, 20, 40])
def test_negatives_violate_the_rule(concept: Concept, kind: str, length: int) -> None:
    rng = np.random.default_rng(length)
    positives = concept.positives(rng, 3000, length)
    before = positives.copy()
    tokens = concept.negatives(kind, rng, positives)
    assert np.array_equal(positives, before)
    assert tokens.shape == positives.shape
    assert tokens.dtype == np.int32
    assert tokens.min() >= 0
    assert tokens.max() < VOCABULARY
    follows = brute(concept, tokens)
    assert np.array_equal(concept.holds(tokens), follows)
    if (concept.name, kind) not in PUBLISHED_FALLBACK:
        assert not follows.any()


@settings(max_examples=200, deadline=None)
@given(
    case=st.sampled_from(KINDS),
    seed=st.integers(0, 2**63),
    rows=st.integers(0, 40),
    length=st.integers(8, VOCABULARY),
)
def test_draws_at_any_length(case: tuple[Concept, str], seed: int, rows: int, length: int) -> None:
    concept, kind = case
    rng = np.random.default_rng(seed)
    positives = concept.positives(rng, rows, length)
    tokens = concept.negatives(kind, rng, positives)
    assert positives.shape == tokens.shape == (rows, length)
    assert brute(concept, positives).all()
    if (concept.name, kind) not in PUBLISHED_FALLBACK:
        assert not brute(concept, tokens).any()


@pytest.mark.parametrize("concept", CONCEPTS, ids=named)
def test_random_negatives_are_uniform_on_what_violates(concept: Concept) -> None:
    shape = np.zeros((100_000, 2), dtype=np.int32)
    tokens = concept.negatives("random", np.random.default_rng(0), shape)
    every = [[a, b] for a in range(VOCABULARY) for b in range(VOCABULARY)]
    violating = [a * VOCABULARY + b for a, b in every if not RULES[concept.name]([a, b])]
    counts = np.bincount(tokens @ [VOCABULARY, 1], minlength=VOCABULARY**2)
    assert counts[violating].sum() == len(shape)
    assert chisquare(counts[violating]).pvalue > 1e-3


@pytest.mark.parametrize(("concept", "kind"), KINDS, ids=named)
def test_draws_depend_on_the_generator_alone(concept: Concept, kind: str) -> None:
    def drawn(seed: int) -> bytes:
        rng = np.random.default_rng(seed)
        positives = concept.positives(rng, 50, 12)
        return positives.tobytes() + concept.negatives(kind, rng, positives).tobytes()

    before = np.random.get_state()[1].copy()  # noqa: NPY002
    assert drawn(5) == drawn(5)
    assert drawn(5) != drawn(6)
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002


@pytest.mark.parametrize("concept", CONCEPTS, ids=named)
def test_a_concept_says_what_it_is(concept: Concept) -> None:
    assert isinstance(concept, Concept)
    assert concept.kinds[-1] == "random"
    said = concept.describe()
    assert said["concept"] == concept.name
    assert said["statement"] == concept.statement
    assert said["kinds"] == list(concept.kinds)
    assert said["vocabulary"] == 50


@pytest.mark.parametrize("concept", CONCEPTS, ids=named)
def test_an_unknown_kind_is_refused(concept: Concept) -> None:
    positives = concept.positives(np.random.default_rng(0), 2, 12)
    with pytest.raises(PlanError, match=r"no negatives 'randon'\n.*did you mean 'random'") as raised:
        concept.negatives("randon", np.random.default_rng(0), positives)
    assert concept.name in str(raised.value)


@pytest.mark.parametrize(
    ("concept", "kind", "least"),
    [
        (Sorted(), "swap", 2),
        (Sorted(), "two swaps", 4),
        (Sorted(), "three swaps", 6),
        (Sorted(), "four swaps", 8),
        (Sorted(), "displaced", 3),
        (Sorted(), "far swap", 2),
        (Sorted(), "random", 2),
        (Zigzag(), "continued", 3),
        (Zigzag(), "random", 2),
        (Pivot(), "below", 2),
        (Pivot(), "random", 2),
    ],
    ids=named,
)
def test_the_shortest_sequence_of_each_kind(concept: Concept, kind: str, least: int) -> None:
    rng = np.random.default_rng(0)
    tokens = concept.negatives(kind, rng, concept.positives(rng, 500, least))
    assert tokens.shape == (500, least)
    assert not brute(concept, tokens).all()
    with pytest.raises(PlanError, match=rf"'{kind}' .* {least} .*tokens\n  got:  length {least - 1}"):
        concept.negatives(kind, rng, concept.positives(rng, 5, least - 1))


@pytest.mark.parametrize("concept", CONCEPTS, ids=named)
def test_no_tokens_are_no_sequence(concept: Concept) -> None:
    with pytest.raises(PlanError, match="length 0"):
        concept.positives(np.random.default_rng(0), 5, 0)
