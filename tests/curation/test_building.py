"""From texts to a pool: groups against a naive greedy matching, redundant rows, suspects."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from negspace.curation import survey_pool
from negspace.demo import tickets
from negspace.search import NEAR_MISS_RADIUS, embed, match_near_misses, nearest


@pytest.mark.parametrize("seed", range(6))
def test_groups_are_the_nearest_pairs_first(seed: int) -> None:
    rng = np.random.default_rng(seed)
    texts = tuple(" ".join(rng.choice([f"w{i}" for i in range(8)], 5)) for _ in range(40))
    labels = rng.integers(3, size=40)
    neighbours = nearest(embed(texts), labels)
    wanted = sorted(
        (float(neighbours.other_distance[row]), row, int(neighbours.other[row]))
        for row in range(40)
        if neighbours.other[row] >= 0 and neighbours.other_distance[row] <= NEAR_MISS_RADIUS
    )
    pairs: list[set[int]] = []
    for _, row, other in wanted:
        if not any({row, other} & pair for pair in pairs):
            pairs.append({row, other})
    groups = match_near_misses(neighbours)
    assert len(pairs) > 3
    assert {frozenset(np.flatnonzero(groups == g).tolist()) for g in groups} == {
        *map(frozenset, pairs),
        *(frozenset({row}) for row in range(40) if not any(row in pair for pair in pairs)),
    }


def test_written_pairs_are_found_and_held_together() -> None:
    drawn = tickets.written_pairs(np.random.default_rng(0), 60)
    texts = tuple(ticket.text for pair in drawn for ticket in pair)
    labels = np.array([tickets.LABELS.index(ticket.label) for pair in drawn for ticket in pair])
    pool = survey_pool(texts, labels, tickets.LABELS).pool
    assert (pool.groups[::2] == pool.groups[1::2]).all()
    assert (pool.clusters[::2] == pool.clusters[1::2]).all()
    assert max(Counter(pool.groups.tolist()).values()) == 2
    assert pool.paired.all()


def test_given_groups_are_kept() -> None:
    drawn = tickets.written_pairs(np.random.default_rng(0), 20)
    texts = tuple(ticket.text for pair in drawn for ticket in pair)
    labels = np.array([tickets.LABELS.index(ticket.label) for pair in drawn for ticket in pair])
    groups = np.arange(40) // 4  # two pairs a group
    found = survey_pool(texts, labels, tickets.LABELS, groups=groups)
    assert (found.pool.groups == groups).all()
    assert all(len(set(found.pool.clusters[groups == g].tolist())) == 1 for g in range(10))
    partner, _ = found.partner
    assert (labels[partner] != labels).all()
    assert (groups[partner] == groups).all()


def test_of_copies_all_but_the_first_are_redundant() -> None:
    rng = np.random.default_rng(1)
    originals = [" ".join(rng.choice([f"w{i}" for i in range(200)], 8)) for _ in range(20)]
    texts = (*originals, *(f"{text}!" for text in originals), *originals)
    labels = np.tile(np.arange(20) % 2, 3)
    pool = survey_pool(texts, labels, ("a", "b")).pool
    assert pool.redundant.tolist() == [False] * 20 + [True] * 40


def test_copies_within_one_group_are_not_redundant() -> None:
    texts = ("the film was good", "the film was good!", "the film was bad", "a walk by the sea", "cold rain")
    labels = np.array([1, 1, 0, 1, 0])
    pool = survey_pool(texts, labels, ("neg", "pos"), groups=np.array([0, 0, 0, 1, 2])).pool
    assert not pool.redundant.any()
    assert pool.paired.tolist() == [True, True, True, False, False]


def test_one_text_under_two_labels_is_suspected_on_both_sides() -> None:
    rng = np.random.default_rng(2)
    texts = [
        f"{('bad', 'good')[i % 2]} {' '.join(rng.choice([f'w{j}' for j in range(99)], 6))}" for i in range(40)
    ]
    texts.append(f" {texts[0].upper()}")
    labels = np.array([*(i % 2 for i in range(40)), 1])
    pool = survey_pool(tuple(texts), labels, ("neg", "pos")).pool
    assert pool.suspected[[0, 40]].all()
    assert not pool.suspected[1:40].any()


def test_found_pairs_do_not_chain_families_of_near_duplicates() -> None:
    # Two families of five variants; a near miss of another label joins them on either side.
    rng = np.random.default_rng(0)
    frames = [" ".join(rng.choice([f"w{i}{f}" for i in range(40)], 12, replace=False)) for f in "ab"]
    texts = [f"{frame} {word}" for frame in frames for word in ("one", "two", "three", "four", "five")]
    middle = " ".join(frames[0].split()[:6] + frames[1].split()[:6])
    texts += [f"{middle} six", "far off alone here now", "far off alone here then"]
    labels = np.array([0] * 5 + [0] * 5 + [1, 0, 1])
    pool = survey_pool(tuple(texts), labels, ("no", "yes")).pool
    assert pool.groups[-1] == pool.groups[-2]
    assert pool.clusters[-1] == pool.clusters[-2], "a pair without near-duplicates is held out as one"
    assert len(set(pool.clusters[:5])) == len(set(pool.clusters[5:10])) == 1
    assert pool.clusters[0] != pool.clusters[5]
