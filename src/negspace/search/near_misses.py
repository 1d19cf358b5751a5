"""Near misses that are already in the data: the nearest row of another label, in a group or in all.

The embedded default needs no download: TF-IDF over words, cosine distance. Two reviews that
differ in a few words are near in it, whatever they are about, and that is what a near miss is.
All distances are 1 - cosine, in [0, 1] for this embedding.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import coo_array, csr_matrix
from scipy.sparse.csgraph import connected_components
from sparse_dot_topn import sp_matmul_topn

from negspace.embedders import weigh_words

NEAR_MISS_RADIUS = 0.5
"""A row of another label no farther than this is a near miss.

Of the human-made rewrites of 1,707 film reviews, 99 % lie within it; of their other neighbours, 0.1 % do.
"""

NEAR_DUPLICATE_RADIUS = 0.3
"""Rows no farther apart than this are variants of one text and are kept on one side of a split.

Tighter than the near-miss radius because nearness is chained here: at 0.4, 6,338 of the 15,000 short
queries of CLINC150 hang together in one cluster; at 0.3 the largest has 269.
"""

VERY_NEAR_RADIUS = 0.1
"""Rows no farther apart than this, words weighed or all alike, stay in one cluster however large."""

LARGEST_CHAIN = 0.1
"""A cluster with a larger share of the rows than this is broken: half of the fifth that is held out."""

_SMALL_CHAIN = 10  # rows; in a set of few rows a family of variants may be a larger share and no chain
_TIGHTER = (0.25, 0.2, 0.15, VERY_NEAR_RADIUS)
_KEPT = 20  # neighbours of a row that are looked at, in its own label and in the others
_BLOCK = 10_000_000  # products held at once where crowded rows are looked at again

# scipy.sparse.csr_matrix, float32, rows of length 1 (or 0 for a text without words)
Embedding: TypeAlias = Any


@dataclass(frozen=True, eq=False)
class Neighbours:
    """Nearest rows of each row, by label."""

    other: Int[np.ndarray, " rows"]  # nearest row of another label; -1 where no word is shared with any
    other_distance: Float[np.ndarray, " rows"]  # its distance; 1 where ``other`` is -1
    same: Int[np.ndarray, " rows"]  # nearest other row of the same label; -1 where no word is shared with any
    same_distance: Float[np.ndarray, " rows"]  # its distance; 1 where ``same`` is -1
    # pairs of rows within the near-duplicate radius, whatever their labels: not all of them, but enough that
    # `components` joins what all of them would join
    links: Int[np.ndarray, "links 2"]


def embed(texts: tuple[str, ...]) -> Embedding:
    """Embed texts by their words: TF-IDF with sublinear term frequency, rows of unit length.

    Sparse float32 matrix of shape (texts, words). A text without any word is a row of zeros, at distance 1
    from all.
    """
    return weigh_words(texts)


def nearest(
    embedding: Embedding, labels: Int[np.ndarray, " rows"], *, radius: float = NEAR_DUPLICATE_RADIUS
) -> Neighbours:
    """Find the exact nearest rows of the same and of another label.

    The product of the embedding with itself is done label by label, so that a row's nearest row of another
    label is found however many of its own stand nearer, and no dense block is ever held.
    """
    rows = len(labels)
    other, other_distance = np.full(rows, -1), np.ones(rows)
    same, same_distance = np.full(rows, -1), np.ones(rows)
    crowded = np.zeros(rows, dtype=bool)
    links: list[Int[np.ndarray, "links 2"]] = []
    for label in np.unique(labels):
        mine, theirs = np.flatnonzero(labels == label), np.flatnonzero(labels != label)
        across = _top(embedding[mine], embedding[theirs], _KEPT)
        links.append(_linked(across, mine, theirs, radius))
        crowded[mine] |= _is_crowded(across, radius)
        other[mine], other_distance[mine] = _first(across, theirs)
        within = _without_diagonal(_top(embedding[mine], embedding[mine], _KEPT + 1))
        links.append(_linked(within, mine, mine, radius))
        crowded[mine] |= _is_crowded(within, radius)
        same[mine], same_distance[mine] = _first(within, mine)
    joined = np.concatenate(links)
    between = _between_crowds(embedding, np.flatnonzero(crowded), components(rows, joined), radius)
    return Neighbours(other, other_distance, same, same_distance, np.concatenate([joined, between]))


def nearest_across(
    queries: Embedding,
    query_labels: Int[np.ndarray, " queries"],
    corpus: Embedding,
    corpus_labels: Int[np.ndarray, " corpus"],
) -> tuple[Int[np.ndarray, " queries"], Float[np.ndarray, " queries"]]:
    """Find the exact nearest row of another label in a corpus.

    Returns positions in the corpus (-1 where no word is shared with any) and distances (1 there).
    """
    other, distance = np.full(len(query_labels), -1), np.ones(len(query_labels))
    for label in np.unique(query_labels):
        mine, theirs = np.flatnonzero(query_labels == label), np.flatnonzero(corpus_labels != label)
        other[mine], distance[mine] = _first(_top(queries[mine], corpus[theirs], 1), theirs)
    return other, distance


def nearest_in_group(
    embedding: Embedding, labels: Int[np.ndarray, " rows"], groups: Int[np.ndarray, " rows"]
) -> tuple[Int[np.ndarray, " rows"], Float[np.ndarray, " rows"]]:
    """Find the nearest row of another label within each row's group, the first of equally near ones.

    Returns positions (-1 where the group has no other label) and cosine distances (NaN there).
    """
    rows = len(labels)
    nearest, distance = np.full(rows, -1), np.full(rows, np.nan)
    order = np.argsort(groups, kind="stable")
    # All pairs of a group stand a fixed step apart somewhere in the sorted order: step by step, every
    # pair is met once, and there are only as many steps as the largest group has rows.
    for step in range(1, rows):
        a, b = order[:-step], order[step:]
        together = groups[a] == groups[b]
        if not together.any():
            break
        apart = together & (labels[a] != labels[b])
        a, b = a[apart], b[apart]
        product = np.asarray(embedding[a].multiply(embedding[b]).sum(axis=1), dtype=np.float64).ravel()
        between = np.clip(1.0 - product, 0.0, 1.0)
        # Within one step a row is met at most twice, once from either side.
        for row, partner in ((a, b), (b, a)):
            known = distance[row]
            nearer = np.isnan(known) | (between < known) | ((between == known) & (partner < nearest[row]))
            nearest[row[nearer]], distance[row[nearer]] = partner[nearer], between[nearer]
    return nearest, distance


def group_links(groups: Int[np.ndarray, " rows"]) -> Int[np.ndarray, "links 2"]:
    """Chain the rows of each group, one link between neighbours in the group's order."""
    order = np.argsort(groups, kind="stable")
    together = groups[order[:-1]] == groups[order[1:]]
    return np.stack([order[:-1][together], order[1:][together]], axis=1)


def match_near_misses(
    neighbours: Neighbours, *, radius: float = NEAR_MISS_RADIUS
) -> Int[np.ndarray, " rows"]:
    """Join rows in pairs with the nearest row of another label, the nearest pairs first.

    A row is in one pair at most: a text that is near many others then does not join them all to one group.
    (On 1,707 reviews and their rewrites, texts alone give 1,700 pairs, all of them right.) Returns the group
    of each row; one without a partner is a group of its own.
    """
    groups = np.arange(len(neighbours.other))
    paired = np.zeros(len(groups), dtype=bool)
    near = (neighbours.other >= 0) & (neighbours.other_distance <= radius)
    order = np.argsort(neighbours.other_distance, kind="stable")
    for row in order[near[order]].tolist():
        partner = int(neighbours.other[row])
        if not paired[row] and not paired[partner]:
            paired[[row, partner]] = True
            groups[[row, partner]] = min(row, partner)
    return groups


def components(rows: int, links: Int[np.ndarray, "links 2"]) -> Int[np.ndarray, " rows"]:
    """Number the connected components of a graph over rows, in order of first appearance."""
    graph = coo_array((np.ones(len(links), dtype=bool), (links[:, 0], links[:, 1])), shape=(rows, rows))
    _, component = connected_components(graph, directed=False)
    return np.asarray(component, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Clusters:
    """Rows that no split or fold may divide.

    Attributes:
        of_row: Cluster of each row, numbered in order of first appearance.
        note: Which chains were broken, as a sentence; empty where none was.
    """

    of_row: Int[np.ndarray, " rows"]
    note: str = ""


def cluster_rows(
    embedding: Embedding, near: Int[np.ndarray, "near 2"], given: Int[np.ndarray, "given 2"]
) -> Clusters:
    """Join rows by given and by near-duplicate links, and break the chains that would join too many.

    Short texts from a small vocabulary chain: each is near the next, and the ends have nothing in common. A
    cluster of more than ten rows and more than ``LARGEST_CHAIN`` of all is joined anew by single linkage at a
    smaller radius, and what of it is still too large at a smaller one again, down to ``VERY_NEAR_RADIUS``.
    Given links are never broken, nor those of rows that share nearly all words: where a family of variants
    is much of the data, what they share weighs little, and they are farther apart than they look.

    Args:
        embedding: Vector of each row.
        near: Pairs within ``NEAR_DUPLICATE_RADIUS``, as `nearest` links them.
        given: Pairs that belong together whatever their texts say.
    """
    rows = embedding.shape[0]
    whole = found = components(rows, np.concatenate([given, near]))
    largest = max(_SMALL_CHAIN, LARGEST_CHAIN * rows)
    large = np.bincount(whole)[whole] > largest
    if not large.any():
        return Clusters(whole)
    alike = _within(_unweighed(embedding), np.flatnonzero(large), VERY_NEAR_RADIUS)
    kept = np.concatenate([given, alike[whole[alike[:, 0]] == whole[alike[:, 1]]]])
    for radius in _TIGHTER:
        nearer = _within(embedding, np.flatnonzero(large), radius)
        others = group_links(np.where(large, rows + np.arange(rows), found))
        found = components(rows, np.concatenate([others, kept, nearer]))
        large = np.bincount(found)[found] > largest
        if not large.any():
            break
    sizes = np.bincount(found)
    broken = np.unique(whole[sizes[found] < np.bincount(whole)[whole]])
    if not len(broken):
        return Clusters(whole)
    return Clusters(
        found,
        f"near-duplicates chain {np.isin(whole, broken).sum():,} of {rows:,} rows to {len(broken)} "
        f"cluster{'s' if len(broken) > 1 else ''} of more than {math.floor(largest):,}: broken at the "
        f"weakest links, so that the largest cluster has {sizes.max():,} rows and some rows within distance "
        f"{NEAR_DUPLICATE_RADIUS:g} of each other (none within {VERY_NEAR_RADIUS:g}) may be divided",
    )


def _within(
    embedding: Embedding, rows: Int[np.ndarray, " some"], radius: float
) -> Int[np.ndarray, "links 2"]:
    """Links of some rows within a radius, whatever their labels."""
    links = nearest(embedding[rows], np.zeros(len(rows), dtype=np.int64), radius=radius).links
    return np.asarray(rows[links])


def _unweighed(embedding: Embedding) -> Embedding:
    """The same words, all alike, in rows of unit length."""
    words = np.diff(embedding.indptr)
    data = np.repeat(1 / np.sqrt(np.maximum(words, 1)), words).astype(np.float32)
    return csr_matrix((data, embedding.indices, embedding.indptr), shape=embedding.shape)


def _top(queries: Embedding, corpus: Embedding, k: int) -> Any:
    """The ``k`` largest products of each query with the corpus, largest first."""
    if queries.shape[0] == 0 or corpus.shape[0] == 0:
        return csr_matrix((queries.shape[0], corpus.shape[0]), dtype=np.float32)
    return sp_matmul_topn(queries, csr_matrix(corpus.T), top_n=k, sort=True)


def _without_diagonal(products: Any) -> Any:
    entries = products.tocoo()
    keep: Bool[np.ndarray, " entries"] = entries.row != entries.col
    # Largest first within a row, which the conversion back to rows would otherwise lose.
    order = np.lexsort((entries.col[keep], -entries.data[keep], entries.row[keep]))
    counts = np.bincount(entries.row[keep], minlength=products.shape[0])
    indptr = np.concatenate([[0], np.cumsum(counts)])
    data, columns = entries.data[keep][order], entries.col[keep][order]
    return csr_matrix((data, columns, indptr), shape=products.shape)


def _is_crowded(products: Any, radius: float) -> Bool[np.ndarray, " queries"]:
    near = products.tocoo().row[products.data >= 1.0 - radius]
    return np.asarray(np.bincount(near, minlength=products.shape[0]) >= _KEPT)


def _between_crowds(
    embedding: Embedding,
    crowded: Int[np.ndarray, " crowded"],
    component: Int[np.ndarray, " rows"],
    radius: float,
) -> Int[np.ndarray, "links 2"]:
    """Links between components that the neighbours kept of each row do not show.

    A row with more near neighbours than are kept may stand near a second crowd as well; where both ends
    of a link are so crowded, neither shows it. One link for each two components is enough.
    """
    found = [np.empty((0, 2), dtype=np.int64)]
    if len(np.unique(component[crowded])) > 1:
        corpus = embedding[crowded]
        size = max(1, _BLOCK // len(crowded))
        for block in (crowded[i : i + size] for i in range(0, len(crowded), size)):
            links = _linked(_top(embedding[block], corpus, len(crowded)), block, crowded, radius)
            joins = component[links]
            apart = joins[:, 0] != joins[:, 1]
            _, first = np.unique(joins[apart], axis=0, return_index=True)
            found.append(links[apart][first])
    return np.concatenate(found)


def _first(
    products: Any, corpus_rows: Int[np.ndarray, " corpus"]
) -> tuple[Int[np.ndarray, " queries"], Float[np.ndarray, " queries"]]:
    found = np.diff(products.indptr) > 0
    row, distance = np.full(len(found), -1), np.ones(len(found))
    at = products.indptr[:-1][found]
    row[found] = corpus_rows[products.indices[at]]
    distance[found] = np.clip(1.0 - products.data[at].astype(np.float64), 0.0, 1.0)
    return row, distance


def _linked(
    products: Any,
    query_rows: Int[np.ndarray, " queries"],
    corpus_rows: Int[np.ndarray, " corpus"],
    radius: float,
) -> Int[np.ndarray, "links 2"]:
    entries = products.tocoo()
    near = entries.data >= 1.0 - radius
    return np.stack([query_rows[entries.row[near]], corpus_rows[entries.col[near]]], axis=1)
