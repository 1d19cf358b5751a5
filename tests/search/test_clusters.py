"""Chains of near-duplicates are broken, families of copies and given groups never."""

from __future__ import annotations

import numpy as np
import pytest

from negspace.curation import curate
from negspace.data import Examples, split_rows
from negspace.evaluation import embed_rows, read_files
from negspace.search import (
    LARGEST_CHAIN,
    VERY_NEAR_RADIUS,
    cluster_rows,
    components,
    embed,
    group_links,
    nearest,
)

NONE = np.empty((0, 2), dtype=np.int64)


def chained(rows: int = 200, words: int = 20, seed: int = 0) -> tuple[str, ...]:
    """Texts of a small vocabulary: each is near some other, and few are alike."""
    rng = np.random.default_rng(seed)
    names = [f"word{i}" for i in range(words)]
    return tuple(" ".join(rng.choice(names, size=7, replace=False)) for _ in range(rows))


def family(size: int) -> list[str]:
    """Variants of one text: 30 words, and one of each variant's own."""
    return [" ".join([*(f"w{i}" for i in range(30)), f"v{n}"]) for n in range(size)]


def distances(texts: tuple[str, ...]) -> np.ndarray:
    dense = embed(texts).toarray().astype(np.float64)
    return np.asarray(1 - dense @ dense.T)


def clusters_of(texts: tuple[str, ...], given: np.ndarray = NONE) -> tuple[np.ndarray, str]:
    embedding = embed(texts)
    found = cluster_rows(embedding, nearest(embedding, np.zeros(len(texts), dtype=int)).links, given)
    return found.of_row, found.note


def held_out(texts: tuple[str, ...], clusters: np.ndarray) -> int:
    labels = np.arange(len(texts)) % 2
    return len(split_rows(Examples(texts, labels, ("a", "b")), clusters=clusters, seed=0).test)


@pytest.mark.parametrize("seed", range(3))
def test_a_fifth_of_200_rows_over_20_words_is_a_fifth(seed: int) -> None:
    texts = chained(seed=seed)
    embedding = embed(texts)
    before = components(200, nearest(embedding, np.zeros(200, dtype=int)).links)
    assert held_out(texts, before) > 100  # what a chain does to a split
    clusters, note = clusters_of(texts)
    assert np.bincount(clusters).max() <= LARGEST_CHAIN * 200 == 20
    assert abs(held_out(texts, clusters) - 40) <= 2
    assert f"chain {np.bincount(before).max()} of 200 rows to 1 cluster of more than 20" in note
    assert f"the largest cluster has {np.bincount(clusters).max()} rows" in note


def test_what_is_very_near_is_never_divided() -> None:
    texts = (*chained(), *chained()[:50], *family(8))
    clusters, note = clusters_of(texts)
    assert note
    apart = distances(texts)
    a, b = np.nonzero(apart <= VERY_NEAR_RADIUS)
    assert len(a) >= len(texts) + 2 * 50 + 8 * 7
    assert (clusters[a] == clusters[b]).all()
    # And what is divided is not much farther than that: no more was broken than had to be.
    lost = (apart <= 0.3) & (clusters[:, None] != clusters[None, :])
    assert lost.any() and (apart[lost] > VERY_NEAR_RADIUS).all()


def test_a_family_of_variants_stays_whole_however_large() -> None:
    # 60 of 100 rows, any two with 30 of 31 words in common: these weigh so little that no two are near.
    texts = (*family(60), *(f"alone{n} here{n} now{n}" for n in range(40)))
    assert distances(texts)[0, 1] > 0.25
    clusters, note = clusters_of(texts)
    assert (clusters[:60] == clusters[0]).all() and note == ""
    assert len(set(clusters.tolist())) == 41


def test_given_groups_are_never_broken_and_chains_around_them_are() -> None:
    texts = chained()
    groups = np.arange(200)
    groups[::8] = 0  # 25 rows, more than the largest chain
    clusters, note = clusters_of(texts, group_links(groups))
    assert note
    assert len(set(clusters[::8].tolist())) == 1
    others = np.bincount(np.delete(clusters, np.flatnonzero(clusters == clusters[0])))
    assert others.max() <= 20


@pytest.mark.parametrize(("size", "broken"), [(20, False), (21, True)])
def test_a_chain_of_a_tenth_of_the_rows_is_kept_and_a_longer_one_broken(size: int, broken: bool) -> None:
    # Neighbours in the chain share five of seven words, others fewer.
    chain = [" ".join(f"c{n + k}" for k in range(7)) for n in range(size)]
    texts = (*chain, *(f"alone{n} here{n} now{n}" for n in range(200 - size)))
    embedding = embed(texts)
    links = nearest(embedding, np.zeros(200, dtype=int)).links
    plain = components(200, links)
    assert len(set(plain[:size].tolist())) == 1
    found = cluster_rows(embedding, links, NONE)
    assert bool(found.note) is broken
    assert np.array_equal(found.of_row, plain) is not broken


@pytest.mark.parametrize(("size", "broken"), [(10, False), (11, True)])
def test_in_a_small_set_ten_rows_are_no_long_chain(size: int, broken: bool) -> None:
    chain = [" ".join(f"c{n + k}" for k in range(7)) for n in range(size)]
    clusters, note = clusters_of((*chain, *(f"alone{n} here{n} now{n}" for n in range(40 - size))))
    assert bool(note) is broken
    assert (len(set(clusters[:size].tolist())) > 1) is broken


def test_links_are_broken_no_tighter_than_needed_and_numbers_follow_the_rows() -> None:
    texts = chained()
    clusters, _ = clusters_of(texts)
    assert np.array_equal(clusters, clusters_of(texts)[0])
    first = np.unique(clusters, return_index=True)[1]
    assert (np.diff(first) > 0).all()
    # Joined at one of the radii tried, by single linkage: written out by hand for the row with most company.
    apart = distances(texts)
    largest = np.flatnonzero(clusters == np.bincount(clusters).argmax())
    radii = [
        radius
        for radius in (0.25, 0.2, 0.15, 0.1)
        if component_at(apart, largest[0], radius) == set(largest.tolist())
    ]
    assert radii


def test_an_audit_and_a_curation_say_that_chains_were_broken() -> None:
    rows = [{"text": text, "label": "ab"[row % 2]} for row, text in enumerate(chained())]
    files = read_files(rows, None, None, text=None, label=None, group=None)
    embedded = embed_rows(files, seed=0)
    assert abs(len(embedded.test) - 40) <= 2
    choice = curate(rows, 20, strategy="stratified", workers=1)
    for said in (embedded.notes[0], " ".join(choice.warnings)):
        assert "broken at the weakest links" in said


def component_at(apart: np.ndarray, row: int, radius: float) -> set[int]:
    found, edge = {row}, [row]
    while edge:
        near = set(np.flatnonzero(apart[edge.pop()] <= radius + 1e-6).tolist()) - found
        found |= near
        edge += near
    return found
