"""The near-miss gap, and any other difference of two measures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from negspace.metrics.base import Measure
from negspace.records import Json, Measurement, Run, Task
from negspace.statistics import difference

__all__ = ["Gap"]


@dataclass(frozen=True)
class Gap:
    """One measure minus another, on the same run.

    The near-miss gap is ``Gap(Accuracy("easy"), Accuracy("near_miss"))``: accuracy far from the boundary
    minus accuracy on near misses. An "illusion of competence" is a large one.

    Attributes:
        far: The measure that is expected to be larger.
        near: The measure that is taken off.
    """

    far: Measure
    near: Measure

    @property
    def name(self) -> str:
        """As results name the measure."""
        return f"{self.far.name} - {self.near.name}"

    @property
    def bounds(self) -> tuple[float, float]:
        """Of the difference."""
        (far_low, far_high), (near_low, near_high) = self.far.bounds, self.near.bounds
        return far_low - near_high, far_high - near_low

    def describe(self) -> Mapping[str, Json]:
        """Both measures."""
        return {"measure": "difference", "of": self.far.describe(), "and": self.near.describe()}

    def __call__(self, run: Run, task: Task) -> Measurement:
        """Measure a run."""
        return difference(self.far(run, task), self.near(run, task))
