"""Where near misses come from, and what is not one: neighbours and variations."""

from __future__ import annotations

from negspace.negatives.groups import group_links, nearest_in_group
from negspace.negatives.matching import match_near_misses
from negspace.negatives.neighbours import (
    NEAR_DUPLICATE_RADIUS,
    NEAR_MISS_RADIUS,
    Neighbours,
    components,
    embed,
    nearest,
    nearest_across,
)
from negspace.negatives.variations import VARIATIONS, Variation, conflict

__all__ = [
    "NEAR_DUPLICATE_RADIUS",
    "NEAR_MISS_RADIUS",
    "VARIATIONS",
    "Neighbours",
    "Variation",
    "components",
    "conflict",
    "embed",
    "group_links",
    "match_near_misses",
    "nearest",
    "nearest_across",
    "nearest_in_group",
]
