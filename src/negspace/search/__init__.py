"""Search: exact nearest rows, the rules against false negatives, near misses that the data hold."""

from __future__ import annotations

from negspace.search.groups import group_links, nearest_in_group
from negspace.search.matching import match_near_misses
from negspace.search.neighbours import (
    NEAR_DUPLICATE_RADIUS,
    NEAR_MISS_RADIUS,
    Neighbours,
    components,
    embed,
    nearest,
    nearest_across,
)

__all__ = [
    "NEAR_DUPLICATE_RADIUS",
    "NEAR_MISS_RADIUS",
    "Neighbours",
    "components",
    "embed",
    "group_links",
    "match_near_misses",
    "nearest",
    "nearest_across",
    "nearest_in_group",
]
