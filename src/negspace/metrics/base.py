"""What a metric is, and what metrics of one eval set share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from negspace.errors import PlanError, did_you_mean
from negspace.records import Json, LabelledTask, Measurement, Run, Task
from negspace.registry import Registry


@runtime_checkable
class Metric(Protocol):
    """Measures one run of a task."""

    @property
    def name(self) -> str:
        """As results name the metric."""

    @property
    def bounds(self) -> tuple[float, float]:
        """Least and greatest value it can have; infinite where there is none."""

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the quantities of a run that it reads (`negspace.quantities`)."""

    def describe(self) -> Mapping[str, Json]:
        """All that decides what is measured, the test distribution included."""

    def check(self, task: Task) -> None:
        """Refuse a task on which it cannot be measured.

        Raises:
            PlanError: The task lacks the eval set, say.
        """

    def __call__(self, run: Run, task: Task) -> Measurement:
        """Measure a run.

        Args:
            run: The run.
            task: The task it is a run of.

        Returns:
            The measurement; its value is NaN where the metric is undefined.
        """


METRICS: Registry[Callable[[str], Metric]] = Registry(
    "metric", group="negspace.metrics", package="negspace.metrics"
)
"""Metrics of one eval set. What is registered is called with the eval set's name."""


@dataclass(frozen=True)
class EvalSetMetric:
    """A metric of one eval set. A subclass measures, and says what it is called and what it reads.

    Attributes:
        on: Name of the eval set.
    """

    on: str

    kind = ""  # as plans know it
    title = "{kind} on {on}"  # as results name it
    reads: ClassVar[tuple[str, ...]] = ("label",)
    paired = False  # whether each item of the eval set needs a partner

    @property
    def bounds(self) -> tuple[float, float]:
        """Least and greatest value: those of a share, unless a subclass says otherwise."""
        return 0.0, 1.0

    @property
    def name(self) -> str:
        """As results name the metric."""
        return self.title.format(kind=self.kind, on=self.on)

    def describe(self) -> Mapping[str, Json]:
        """The metric and its test distribution."""
        return {"measure": self.kind, "on": self.on}

    def check(self, task: Task) -> None:
        """Refuse a task without the eval set, or whose items lack labels or partners that are needed.

        Raises:
            PlanError: If so.
        """
        if self.on not in task.eval_sets:
            raise PlanError(
                f"{self.name}: the task has no eval set '{self.on}'",
                hint=did_you_mean(self.on, task.eval_sets),
            )
        if self.paired and task.eval_sets[self.on].partner is None:
            raise PlanError(f"{self.name}: the items of the eval set '{self.on}' have no partners")
        if "label" in self.reads and not isinstance(task, LabelledTask):
            raise PlanError(f"{self.name}: the items of the task have no labels")

    def items(self, run: Run, task: Task, quantity: str) -> Shaped[np.ndarray, " items"]:
        """Values of a quantity for the items of the eval set."""
        return np.asarray(run.values[quantity][task.eval_sets[self.on].rows])

    def clusters(self, task: Task) -> Int[np.ndarray, " items"]:
        """Cluster of each item of the eval set."""
        return np.asarray(task.held_out_clusters[task.eval_sets[self.on].rows])

    def right(self, run: Run, task: Task) -> Bool[np.ndarray, " items"]:
        """Whether the predicted label of each item of the eval set is its own."""
        rows = task.eval_sets[self.on].rows
        return np.asarray(run.values["label"][rows] == labels_of(task)[rows])


def labels_of(task: Task) -> Int[np.ndarray, " held_out"]:
    """Labels of a task's held-out items; `Metric.check` has made sure that there are some."""
    assert isinstance(task, LabelledTask)
    return task.held_out_labels


def mean_of(scores: Float[np.ndarray, " items"], clusters: Int[np.ndarray, " items"]) -> Measurement:
    """Measure the mean over items.

    Args:
        scores: One score an item.
        clusters: Cluster of each item.

    Returns:
        The mean with the influence ``(score - mean) / n`` of each item; undefined without items.
    """
    if len(scores) == 0:
        return undefined()
    mean = float(scores.mean())
    return Measurement(mean, (scores - mean) / len(scores), clusters)


def share_of(hits: Bool[np.ndarray, " items"], clusters: Int[np.ndarray, " items"]) -> Measurement:
    """Measure a share of items.

    Args:
        hits: Whether each item counts.
        clusters: Cluster of each item.

    Returns:
        The mean of the hits, with the resolution ``2 / (n + 4)`` for n clusters. Where all rows are right,
        95 % of Student's t then reach as far as the exact interval of Clopper and Pearson does, about
        ``3.7 / n``. (The error of Agresti and Coull's adjusted share is ``sqrt(2) / n`` there, whose
        ``2.8 / n`` would be too narrow.)
    """
    resolution = 2.0 / (len(np.unique(clusters)) + 4)
    return replace(mean_of(hits.astype(float), clusters), resolution=resolution)


def undefined() -> Measurement:
    """Return the measurement of a metric that has nothing to measure."""
    return Measurement(float("nan"), np.empty(0), np.empty(0, dtype=np.int64))
