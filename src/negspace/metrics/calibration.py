"""Calibration: is the confidence of a prediction the rate at which it is right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from negspace.metrics.base import METRICS, EvalSetMetric, mean_of, undefined
from negspace.records import Json, Measurement, Run, Task

_BOTH = ("label", "confidence")


@METRICS.register("confidence")
@dataclass(frozen=True)
class Confidence(EvalSetMetric):
    """Mean probability given to the predicted label."""

    kind = "confidence"
    reads = ("confidence",)

    def __call__(self, run: Run, task: Task) -> Measurement:
        """Measure a run; undefined where the model gave no probabilities."""
        confidence = self.items(run, task, "confidence")
        return undefined() if np.isnan(confidence).any() else mean_of(confidence, self.clusters(task))


@METRICS.register("brier")
@dataclass(frozen=True)
class BrierScore(EvalSetMetric):
    """Mean of (confidence - right)², of the predicted label: 0 is perfect, 0.25 a coin called by a coin.

    The top-label form of Brier 1950; it charges for being wrong as well as for being miscalibrated.
    """

    kind = "top-label Brier score"
    reads = _BOTH

    def __call__(self, run: Run, task: Task) -> Measurement:
        """Measure a run; undefined where the model gave no probabilities."""
        confidence, right = self.items(run, task, "confidence"), self.right(run, task)
        if np.isnan(confidence).any():
            return undefined()
        return mean_of((confidence - right) ** 2, self.clusters(task))


@METRICS.register("calibration-error")
@dataclass(frozen=True)
class CalibrationError(EvalSetMetric):
    """Expected calibration error over bins of equal count (Nguyen & O'Connor 2015; Nixon et al. 2019).

    ``sum_b n_b / n |mean confidence in b - accuracy in b|``. Its influence takes the bins as they are:
    ``(sign_b (confidence - right) - error) / n``. Biased upwards on few rows, so there are at most ``bins``
    bins, and one per 20 rows. Rows of equal confidence are never divided: which of them came first in the
    file would decide the error.

    Attributes:
        on: Name of the eval set.
        bins: Most bins.
    """

    bins: int = 10

    kind = "expected calibration error"
    reads = _BOTH

    def describe(self) -> Mapping[str, Json]:
        """The metric, its test distribution, and the number of bins where it is not the usual one."""
        return {**super().describe(), **({} if self.bins == 10 else {"bins": self.bins})}

    def __call__(self, run: Run, task: Task) -> Measurement:
        """Measure a run; undefined where the model gave no probabilities."""
        confidence, right = self.items(run, task, "confidence"), self.right(run, task)
        if len(right) == 0 or np.isnan(confidence).any():
            return undefined()
        order = np.argsort(confidence, kind="stable")
        ascending = confidence[order]
        count = max(1, min(self.bins, len(order) // 20))
        cuts = np.linspace(0, len(order), count + 1).round().astype(int)[1:-1]
        # A cut between equal confidences moves to where they begin.
        cuts = np.unique(np.searchsorted(ascending, ascending[cuts], side="left"))
        signed = np.empty(len(right))
        for part in np.split(order, cuts):
            excess = confidence[part] - right[part]
            signed[part] = np.sign(excess.sum()) * excess
        return mean_of(signed, self.clusters(task))
