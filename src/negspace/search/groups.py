"""Near misses that are given: rows of one group with different labels."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from negspace.search.neighbours import Embedding

__all__ = ["group_links", "nearest_in_group"]


def nearest_in_group(
    embedding: Embedding, labels: Int[np.ndarray, " rows"], groups: Int[np.ndarray, " rows"]
) -> tuple[Int[np.ndarray, " rows"], Float[np.ndarray, " rows"]]:
    """Find the nearest row of another label within each row's group.

    Args:
        embedding: Of the rows, from `embed`.
        labels: Of the rows.
        groups: Group of each row.

    Returns:
        Positions (-1 where the group has no other label) and cosine distances (NaN there). Of equally
        near rows the first is taken.
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
    """Chain the rows of each group, one link between neighbours in the group's order.

    Args:
        groups: Group of each row.
    """
    order = np.argsort(groups, kind="stable")
    together = groups[order[:-1]] == groups[order[1:]]
    return np.stack([order[:-1][together], order[1:][together]], axis=1)
