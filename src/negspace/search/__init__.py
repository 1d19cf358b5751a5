"""Search: exact nearest rows, the rules against false negatives, near misses that the data hold."""

from __future__ import annotations

from negspace.search.exact import MEMORY, Hits, pair_scores, top_k
from negspace.search.near_misses import (
    LARGEST_CHAIN,
    NEAR_DUPLICATE_RADIUS,
    NEAR_MISS_RADIUS,
    VERY_NEAR_RADIUS,
    Clusters,
    Embedding,
    Neighbours,
    cluster_rows,
    components,
    embed,
    group_links,
    match_near_misses,
    nearest,
    nearest_across,
    nearest_in_group,
)
from negspace.search.rules import (
    FilterStats,
    Kept,
    Positives,
    Rules,
    apply_rules,
    duplicates_of_positive,
    least_positive,
)

__all__ = [
    "LARGEST_CHAIN", "MEMORY", "NEAR_DUPLICATE_RADIUS", "NEAR_MISS_RADIUS", "VERY_NEAR_RADIUS", "Clusters",
    "Embedding", "FilterStats", "Hits", "Kept", "Neighbours", "Positives", "Rules", "apply_rules",
    "cluster_rows", "components", "duplicates_of_positive", "embed", "group_links", "least_positive",
    "match_near_misses", "nearest", "nearest_across", "nearest_in_group", "pair_scores", "top_k",
]  # fmt: skip
