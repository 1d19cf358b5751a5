"""A measure against a fixed level, as a claim states it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from negspace.metrics.base import Measure
from negspace.records import Json, Measurement, Run, Task

__all__ = ["AgainstLevel"]


@dataclass(frozen=True)
class AgainstLevel:
    """What a measure has above a level that does not come from data.

    "Accuracy stays at 100 %" is that ``AgainstLevel(Accuracy("easy"), 1.0)`` is no less than 0.

    Attributes:
        measure: The measure.
        level: What is taken off, in its units.
    """

    measure: Measure
    level: float

    @property
    def name(self) -> str:
        """As results name the measure."""
        return f"{self.measure.name} - {self.level:g}"

    @property
    def bounds(self) -> tuple[float, float]:
        """Those of the measure, less the level."""
        low, high = self.measure.bounds
        return low - self.level, high - self.level

    def describe(self) -> Mapping[str, Json]:
        """The measure and the level."""
        return {"measure": "against a level", "of": self.measure.describe(), "level": self.level}

    def __call__(self, run: Run, task: Task) -> Measurement:
        """Measure a run."""
        measured = self.measure(run, task)
        return replace(measured, value=measured.value - self.level)
