"""Pair consistency: both sides of a near-miss pair right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from negspace.metrics.base import share_of
from negspace.records import Json, Measurement, Run, Task

__all__ = ["PairConsistency"]


@dataclass(frozen=True)
class PairConsistency:
    """Share of near-miss pairs of which both sides are predicted right, in [0, 1].

    The "contrast consistency" of Gardner et al. 2020 (Evaluating Models' Local Decision Boundaries via
    Contrast Sets) for sets of two. A model that gives both sides the same label scores 0.

    Attributes:
        on: Name of the eval set; its rows are one side, their partners the other.
    """

    on: str

    bounds = (0.0, 1.0)

    @property
    def name(self) -> str:
        """As results name the measure."""
        return f"consistency of {self.on}"

    def describe(self) -> Mapping[str, Json]:
        """The measure and its test distribution."""
        return {"measure": "pair consistency", "on": self.on}

    def __call__(self, run: Run, task: Task) -> Measurement:
        """Measure a run."""
        pairs = task.eval_sets[self.on]
        right = run.predictions.label == task.held_out_labels
        assert pairs.partner is not None
        both = right[pairs.rows] & right[pairs.partner]
        return share_of(both, task.held_out_clusters[pairs.rows])
