"""Neighbours against a dense table of all distances."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from negspace.data import read
from negspace.search import (
    NEAR_DUPLICATE_RADIUS,
    components,
    embed,
    nearest,
    nearest_across,
    nearest_in_group,
)

ROUNDING = 1e-6  # the embedding is float32

words = st.sampled_from(["a", "b", "c", "d", "e", "f", "?!"])
texts = st.lists(words, max_size=6).map(" ".join)
labelled = st.lists(st.tuples(texts, st.integers(0, 2)), min_size=1, max_size=14)
checked = settings(max_examples=60, deadline=None, derandomize=True)


def distances(embedding: object) -> np.ndarray:
    dense = embedding.toarray().astype(np.float64)
    return 1 - dense @ dense.T


def unpack(rows: list[tuple[str, int]]) -> tuple[tuple[str, ...], np.ndarray]:
    return tuple(text for text, _ in rows), np.array([label for _, label in rows])


def roots(rows: int, links: np.ndarray) -> list[int]:
    """Union-find, without scipy."""
    parent = list(range(rows))

    def find(row: int) -> int:
        while parent[row] != row:
            row = parent[row]
        return row

    for a, b in links:
        low, high = sorted((find(int(a)), find(int(b))))
        parent[high] = low
    return [find(row) for row in range(rows)]


def partition(ids: object) -> set[frozenset[int]]:
    parts: dict[int, set[int]] = {}
    for row, each in enumerate(ids):
        parts.setdefault(int(each), set()).add(row)
    return {frozenset(part) for part in parts.values()}


def check_nearest(row: int, found: int, distance: float, allowed: np.ndarray, table: np.ndarray) -> None:
    """The distance is the smallest there is, and the row found stands at it (any of several may be it)."""
    candidates = table[row][allowed]
    if candidates.size == 0 or candidates.min() > 1 - ROUNDING:
        assert (found, distance) == (-1, 1.0)
        return
    assert allowed[found]
    assert distance == pytest.approx(candidates.min(), abs=ROUNDING)
    assert table[row, found] == pytest.approx(distance, abs=ROUNDING)


@checked
@given(labelled)
def test_nearest_is_the_smallest_of_all_distances(rows: list[tuple[str, int]]) -> None:
    texts, labels = unpack(rows)
    embedding = embed(texts)
    table, found = distances(embedding), nearest(embedding, labels)
    for row in range(len(rows)):
        others = labels != labels[row]
        check_nearest(row, found.other[row], found.other_distance[row], others, table)
        own = (labels == labels[row]) & (np.arange(len(rows)) != row)
        check_nearest(row, found.same[row], found.same_distance[row], own, table)


@checked
@given(labelled, labelled)
def test_nearest_across_is_the_smallest_of_all_distances(
    queries: list[tuple[str, int]], corpus: list[tuple[str, int]]
) -> None:
    texts, labels = unpack(queries + corpus)
    embedding, cut = embed(texts), len(queries)
    table = distances(embedding)[:cut, cut:]
    found, distance = nearest_across(embedding[:cut], labels[:cut], embedding[cut:], labels[cut:])
    for row in range(cut):
        check_nearest(row, found[row], distance[row], labels[cut:] != labels[row], table)


@checked
@given(st.lists(st.tuples(texts, st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=14))
def test_nearest_in_group_is_the_smallest_of_all_distances(rows: list[tuple[str, int, int]]) -> None:
    texts, labels = unpack([row[:2] for row in rows])
    groups = np.array([group for *_, group in rows])
    embedding = embed(texts)
    table = distances(embedding)
    found, distance = nearest_in_group(embedding, labels, groups)
    for row in range(len(rows)):
        allowed = (groups == groups[row]) & (labels != labels[row])
        if not allowed.any():
            assert found[row] == -1
            assert np.isnan(distance[row])
            continue
        assert allowed[found[row]]
        assert distance[row] == pytest.approx(table[row][allowed].min(), abs=ROUNDING)
        assert table[row, found[row]] == pytest.approx(distance[row], abs=ROUNDING)


def test_of_equally_near_rows_of_a_group_the_first_is_taken() -> None:
    labels, groups = np.array([0, 1, 1, 1]), np.array([7, 7, 7, 7])
    found, distance = nearest_in_group(embed(("a b", "a c", "a b", "a b")), labels, groups)
    assert found.tolist() == [2, 0, 0, 0]
    assert distance[0] == pytest.approx(0, abs=ROUNDING)
    found, _ = nearest_in_group(embed(("a b", "a b", "a b", "a c")), labels[::-1].copy(), groups)
    assert found.tolist() == [3, 3, 3, 0]


@pytest.mark.parametrize("radius", [0.0, NEAR_DUPLICATE_RADIUS, 0.7])
def test_clusters_join_all_rows_within_the_radius(radius: float) -> None:
    rng = np.random.default_rng(4)
    compared = 0
    for _ in range(60):
        count = int(rng.integers(1, 25))
        texts = tuple(" ".join(rng.choice(list("abcdefgh"), size=rng.integers(0, 6))) for _ in range(count))
        labels = rng.integers(0, 3, count)
        embedding = embed(texts)
        table = distances(embedding)
        # A pair that stands on the radius itself may fall on either side of it.
        if (np.abs(table - radius) < ROUNDING).any() and radius > 0:
            continue
        near = np.argwhere(table <= radius + ROUNDING)
        found = nearest(embedding, labels, radius=radius + ROUNDING).links
        assert partition(components(count, found)) == partition(roots(count, near))
        compared += 1
    assert compared > 30


@pytest.mark.parametrize("labels", [np.zeros(75, dtype=int), np.arange(75) // 25, np.arange(75) % 2])
def test_crowds_that_stand_near_each_other_are_one_cluster(labels: np.ndarray) -> None:
    base = "the quick brown fox jumps over the lazy dog by the river bank"
    texts = tuple(f"{base} {end}" for end in ("today", "now", "then") for _ in range(25))
    embedding = embed(texts)
    assert distances(embedding).max() < NEAR_DUPLICATE_RADIUS
    assert set(components(75, nearest(embedding, labels).links)) == {0}


def test_crowds_that_stand_apart_are_two_clusters() -> None:
    texts = ("red green blue",) * 30 + ("one two three",) * 30
    found = nearest(embed(texts), np.zeros(60, dtype=int))
    assert partition(components(60, found.links)) == {frozenset(range(30)), frozenset(range(30, 60))}


@checked
@given(st.integers(1, 12), st.data())
def test_components_are_those_of_union_find(rows: int, data: st.DataObject) -> None:
    row = st.integers(0, rows - 1)
    links = np.array(data.draw(st.lists(st.tuples(row, row), max_size=12)), dtype=np.int64).reshape(-1, 2)
    got = components(rows, links)
    assert partition(got) == partition(roots(rows, links))
    firsts = list(dict.fromkeys(got.tolist()))
    assert firsts == sorted(firsts)


def test_a_text_without_words_is_far_from_everything() -> None:
    found = nearest(embed(("", "?!", "word", "word")), np.array([0, 1, 0, 1]))
    assert found.other.tolist() == [-1, -1, 3, 2]
    assert found.other_distance[:2].tolist() == [1, 1]
    assert set(components(4, found.links)[:2]) == {0, 1}


def test_no_text_has_words() -> None:
    found = nearest(embed(("", "…")), np.array([0, 1]))
    assert found.other.tolist() == found.same.tolist() == [-1, -1]


def test_one_row() -> None:
    found = nearest(embed(("alone",)), np.array([0]))
    assert (found.other[0], found.same[0], len(found.links)) == (-1, -1, 0)
    assert nearest_in_group(embed(("alone",)), np.array([0]), np.array([0]))[0].tolist() == [-1]


def test_one_letter_words_count() -> None:
    table = distances(embed(("a cat", "no cat", "a cat")))
    assert table[0, 1] > 0.1
    assert table[0, 2] == pytest.approx(0, abs=ROUNDING)


def test_human_made_pairs_are_found_without_their_groups(cad: Path) -> None:
    examples = read(cad / "paired_train.tsv", group="batch_id").examples
    found = nearest(embed(examples.texts), examples.labels)
    cluster = components(len(examples), found.links)
    pairs: dict[int, list[int]] = {}
    for row, group in enumerate(examples.groups):
        pairs.setdefault(int(group), []).append(row)
    assert set(map(len, pairs.values())) == {2}
    together = [cluster[a] == cluster[b] for a, b in pairs.values()]
    assert np.mean(together) >= 0.85
    # Not by throwing everything together.
    assert max(Counter(cluster.tolist()).values()) <= 10
    # The nearest row of the other label is nearly always the rewrite itself.
    partner = {a: b for pair in pairs.values() for a, b in (pair, pair[::-1])}
    assert np.mean([found.other[row] == other for row, other in partner.items()]) >= 0.95
