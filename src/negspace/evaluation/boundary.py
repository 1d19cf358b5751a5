"""Which held-out rows are near misses, which are easy, and which make pairs."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from jaxtyping import Bool, Float, Int

from negspace.evaluation.space import Space
from negspace.search import NEAR_MISS_RADIUS, nearest, nearest_across, nearest_in_group

__all__ = ["Boundary", "Source", "find_boundary", "source_of"]


class Source(StrEnum):
    """Where the near misses come from, best first."""

    GIVEN = "given"
    GROUP = "group"
    MINED = "mined"


@dataclass(frozen=True, eq=False)
class Boundary:
    """Held-out rows, sorted by where they stand.

    Positions are those of the `Space`.

    Attributes:
        source: Where the near misses come from.
        easy: Rows far from the boundary.
        near_miss: Rows near it.
        pairs: Two near misses of each other a row, each pair once; the second is what the first misses.
        pair_distance: Cosine distance between the two.
        rows: All held-out rows, the test rows and then the contrast set.
        distance: For each of ``rows``, cosine distance to the nearest row of another label.
        suspects: Near misses left out because a label of the pair is likely wrong.
    """

    source: Source
    easy: Int[np.ndarray, " easy"]
    near_miss: Int[np.ndarray, " near_miss"]
    pairs: Int[np.ndarray, "pairs 2"]
    pair_distance: Float[np.ndarray, " pairs"]
    rows: Int[np.ndarray, " held_out"]
    distance: Float[np.ndarray, " held_out"]
    suspects: Int[np.ndarray, " suspects"]


def source_of(space: Space, *, grouped: bool) -> Source:
    """Choose the best source of near misses there is.

    Args:
        space: The rows.
        grouped: Whether the file that the test rows come from has groups.
    """
    if len(space.contrast):
        return Source.GIVEN
    return Source.GROUP if grouped else Source.MINED


def find_boundary(space: Space, source: Source, suspected: Bool[np.ndarray, " rows"]) -> Boundary:
    """Sort the held-out rows into easy ones and near misses.

    Test rows are measured against each other, the contrast set against test rows and itself: a
    test row stands where it would stand if nobody had written near misses for it.

    Args:
        space: The rows.
        source: Where near misses come from.
        suspected: For all rows of the space, whether the label is likely wrong; asked only where near
            misses are mined.
    """
    test, contrast = space.test, space.contrast
    within = nearest(space.embedding[test], space.labels[test])
    distance = within.other_distance
    if source is Source.GIVEN:
        pool = np.concatenate([test, contrast])
        found, apart = nearest_across(
            space.embedding[contrast], space.labels[contrast], space.embedding[pool], space.labels[pool]
        )
        near = apart <= NEAR_MISS_RADIUS
        pairs = np.stack([contrast[near], pool[found[near]]], axis=1)
        once = _first_meetings(pairs)
        distance = np.concatenate([distance, apart])
        none = np.empty(0, np.int64)
        return Boundary(source, test, contrast, pairs[once], apart[near][once], pool, distance, none)
    if source is Source.GROUP:
        other, apart = nearest_in_group(space.embedding[test], space.labels[test], space.groups[test])
        near = other >= 0
        dropped = np.zeros(len(test), dtype=bool)
    else:
        other, apart = within.other, distance
        near = (other >= 0) & (distance <= NEAR_MISS_RADIUS)
        dropped = near & (suspected[test] | suspected[test[other]])
    kept = near & ~dropped
    pairs = np.stack([test[kept], test[other[kept]]], axis=1)
    once = _first_meetings(pairs)
    return Boundary(
        source, test[~near], test[kept], pairs[once], apart[kept][once], test, distance, test[dropped]
    )


def _first_meetings(pairs: Int[np.ndarray, "pairs 2"]) -> Int[np.ndarray, " unique"]:
    """Positions of the pairs without those met a second time from their other side."""
    _, first = np.unique(np.sort(pairs, axis=1), axis=0, return_index=True)
    return np.sort(first)
