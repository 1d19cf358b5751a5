"""What a measure is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool, Float, Int

from negspace.records import Json, Measurement, Run, Task

__all__ = ["Measure", "mean_of", "share_of", "undefined"]


@runtime_checkable
class Measure(Protocol):
    """Measures one run of a task."""

    @property
    def name(self) -> str:
        """As results name the measure."""
        ...

    @property
    def bounds(self) -> tuple[float, float]:
        """Least and greatest value it can have; infinite where there is none."""
        ...

    def describe(self) -> Mapping[str, Json]:
        """All that decides what is measured, the test distribution included."""
        ...

    def __call__(self, run: Run, task: Task) -> Measurement:
        """Measure a run.

        Args:
            run: The run.
            task: The task it is a run of.

        Returns:
            The measurement; its value is NaN where the measure is undefined.
        """
        ...


def mean_of(scores: Float[np.ndarray, " items"], clusters: Int[np.ndarray, " items"]) -> Measurement:
    """The measurement that is a mean over items.

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
    """The measurement that is a share of items.

    Args:
        hits: Whether each item counts.
        clusters: Cluster of each item.

    Returns:
        The mean of the hits, with the resolution ``2 / (n + 4)`` for n clusters: the standard error of
        a share of 0 or 1 after two successes and two failures are added to it, to first order
        (Agresti & Coull 1998).
    """
    resolution = 2.0 / (len(np.unique(clusters)) + 4)
    return replace(mean_of(hits.astype(float), clusters), resolution=resolution)


def undefined() -> Measurement:
    """The measurement of a measure that has nothing to measure."""
    return Measurement(float("nan"), np.empty(0), np.empty(0, dtype=np.int64))
