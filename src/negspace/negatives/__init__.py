"""Where near misses come from, and what is not one: neighbours and variations."""

from __future__ import annotations

from negspace.negatives.groups import nearest_in_group
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
    "nearest",
    "nearest_across",
    "nearest_in_group",
]
