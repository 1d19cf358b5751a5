"""One metric less another, as the near-miss gap is, or less a fixed level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from negspace.metrics.base import Metric
from negspace.records import Json, Measurement, Run, Task
from negspace.statistics import difference


@dataclass(frozen=True)
class Gap:
    """One metric minus another, on the same run.

    The near-miss gap is ``Gap(Accuracy("easy"), Accuracy("near_miss"))``: accuracy far from the boundary
    minus accuracy on near misses. An "illusion of competence" is a large one.

    Attributes:
        far: The metric that is expected to be larger.
        near: The metric that is taken off.
    """

    far: Metric
    near: Metric

    @property
    def name(self) -> str:
        """As results name the metric."""
        return f"{self.far.name} - {self.near.name}"

    @property
    def bounds(self) -> tuple[float, float]:
        """Least and greatest difference."""
        (far_low, far_high), (near_low, near_high) = self.far.bounds, self.near.bounds
        return far_low - near_high, far_high - near_low

    @property
    def reads(self) -> tuple[str, ...]:
        """What both metrics read."""
        return tuple(dict.fromkeys((*self.far.reads, *self.near.reads)))

    def describe(self) -> Mapping[str, Json]:
        """Both metrics."""
        return {"measure": "difference", "of": self.far.describe(), "and": self.near.describe()}

    def check(self, task: Task) -> None:
        """Refuse a task on which either cannot be measured."""
        self.far.check(task)
        self.near.check(task)

    def __call__(self, run: Run, task: Task) -> Measurement:
        """Measure a run."""
        return difference(self.far(run, task), self.near(run, task))


@dataclass(frozen=True)
class AgainstLevel:
    """What a metric has above a level that does not come from data.

    "Accuracy stays at 100 %" is that ``AgainstLevel(Accuracy("easy"), 1.0)`` is no less than 0.

    Attributes:
        metric: The metric.
        level: What is taken off, in its units.
    """

    metric: Metric
    level: float

    @property
    def name(self) -> str:
        """As results name the metric."""
        return f"{self.metric.name} - {self.level:g}"

    @property
    def bounds(self) -> tuple[float, float]:
        """The metric's bounds, less the level."""
        low, high = self.metric.bounds
        return low - self.level, high - self.level

    @property
    def reads(self) -> tuple[str, ...]:
        """What the metric reads."""
        return self.metric.reads

    def describe(self) -> Mapping[str, Json]:
        """The metric and the level."""
        return {"measure": "against a level", "of": self.metric.describe(), "level": self.level}

    def check(self, task: Task) -> None:
        """Refuse a task on which the metric cannot be measured."""
        self.metric.check(task)

    def __call__(self, run: Run, task: Task) -> Measurement:
        """Measure a run."""
        measured = self.metric(run, task)
        return replace(measured, value=measured.value - self.level)
