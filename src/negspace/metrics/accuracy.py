"""Accuracy: the share of rows whose label is predicted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from negspace.metrics.base import share_of
from negspace.records import Json, Measurement, Run, Task

__all__ = ["Accuracy"]


@dataclass(frozen=True)
class Accuracy:
    """Accuracy on one eval set, in [0, 1].

    Attributes:
        on: Name of the eval set.
    """

    on: str

    bounds = (0.0, 1.0)

    @property
    def name(self) -> str:
        """As results name the measure."""
        return f"accuracy on {self.on}"

    def describe(self) -> Mapping[str, Json]:
        """The measure and its test distribution."""
        return {"measure": "accuracy", "on": self.on}

    def __call__(self, run: Run, task: Task) -> Measurement:
        """Measure a run."""
        rows = task.eval_sets[self.on].rows
        right = run.predictions.label[rows] == task.held_out_labels[rows]
        return share_of(right, task.held_out_clusters[rows])
