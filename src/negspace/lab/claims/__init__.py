"""The lab: claims about how data forms models, one a file, each with a plan that can come out both ways."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from negspace.lab.claim import Claim, Curve, Expectation, Ground, Part, Point, Published, Scale, part
from negspace.lab.claims import collapse, depth, invariant, pivot, predictors, structure, zigzag
from negspace.lab.outline import described, outline
from negspace.lab.pages import save_claim, save_lab
from negspace.lab.run import ClaimResult, latest_results, run_claim
from negspace.lab.status import status

__all__ = [
    "CLAIMS",
    "Claim",
    "ClaimResult",
    "Curve",
    "Expectation",
    "Ground",
    "Part",
    "Point",
    "Published",
    "Scale",
    "described",
    "latest_results",
    "outline",
    "part",
    "run_claim",
    "save_claim",
    "save_lab",
    "status",
]

CLAIMS: Mapping[str, Claim] = MappingProxyType(
    {
        module.CLAIM.name: module.CLAIM
        for module in (invariant, collapse, zigzag, pivot, structure, depth, predictors)
    }
)
"""The claims by name: those of the source in its order, then negspace's own."""
