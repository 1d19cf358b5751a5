"""Arms of exactly so many rows.

A package of its own, so that stored runs depend on its code and not on how a proof is worded.
"""

from __future__ import annotations

from negspace.proofs.arms.drawn import DrawnArm, Way, whole_clusters

__all__ = ["DrawnArm", "Way", "whole_clusters"]
