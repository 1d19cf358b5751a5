"""Calibration: is the confidence of a prediction the rate at which it is right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from negspace.metrics.base import mean_of, undefined
from negspace.records import Json, Measurement, Run, Task

__all__ = ["BrierScore", "CalibrationError", "Confidence"]


@dataclass(frozen=True)
class _OfConfidence:
    """A measure of the predicted label's probability.

    Attributes:
        on: Name of the eval set.
    """

    on: str

    kind = ""

    bounds = (0.0, 1.0)

    @property
    def name(self) -> str:
        """As results name the measure."""
        return f"{self.kind} on {self.on}"

    def describe(self) -> Mapping[str, Json]:
        """The measure and its test distribution."""
        return {"measure": self.kind, "on": self.on}

    def _read(self, run: Run, task: Task) -> tuple[Float[np.ndarray, " items"], Bool[np.ndarray, " items"]]:
        rows = task.eval_sets[self.on].rows
        right = run.predictions.label[rows] == task.held_out_labels[rows]
        return run.predictions.confidence[rows], right


@dataclass(frozen=True)
class Confidence(_OfConfidence):
    """Mean probability given to the predicted label."""

    kind = "confidence"

    def __call__(self, run: Run, task: Task) -> Measurement:
        """Measure a run; undefined where the model gave no probabilities."""
        confidence, _ = self._read(run, task)
        if np.isnan(confidence).any():
            return undefined()
        return mean_of(confidence, task.held_out_clusters[task.eval_sets[self.on].rows])


@dataclass(frozen=True)
class BrierScore(_OfConfidence):
    """Mean of (confidence - right)², of the predicted label: 0 is perfect, 0.25 a coin called by a coin.

    The top-label form of Brier 1950; it charges for being wrong as well as for being miscalibrated.
    """

    kind = "top-label Brier score"

    def __call__(self, run: Run, task: Task) -> Measurement:
        """Measure a run; undefined where the model gave no probabilities."""
        confidence, right = self._read(run, task)
        if np.isnan(confidence).any():
            return undefined()
        return mean_of((confidence - right) ** 2, task.held_out_clusters[task.eval_sets[self.on].rows])


@dataclass(frozen=True)
class CalibrationError(_OfConfidence):
    """Expected calibration error over bins of equal count (Nguyen & O'Connor 2015; Nixon et al. 2019).

    ``sum_b n_b / n |mean confidence in b - accuracy in b|``. Its influence takes the bins as they are:
    ``(sign_b (confidence - right) - error) / n``. Biased upwards on few rows, so there are at most ``bins``
    bins, and one per 20 rows. Rows of equal confidence are never divided: which of them came first in the
    file would decide the error.

    Attributes:
        bins: Most bins.
    """

    bins: int = 10

    kind = "expected calibration error"

    def __call__(self, run: Run, task: Task) -> Measurement:
        """Measure a run; undefined where the model gave no probabilities."""
        confidence, right = self._read(run, task)
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
        return mean_of(signed, task.held_out_clusters[task.eval_sets[self.on].rows])
