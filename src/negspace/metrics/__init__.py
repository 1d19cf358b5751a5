"""Metrics: from a run to a measurement."""

from __future__ import annotations

from negspace.metrics.accuracy import Accuracy, Invariance, MacroF1, PairConsistency
from negspace.metrics.base import METRICS, EvalSetMetric, Metric, mean_of, share_of, undefined
from negspace.metrics.calibration import BrierScore, CalibrationError, Confidence
from negspace.metrics.differences import AgainstLevel, Gap

__all__ = [
    "METRICS",
    "Accuracy",
    "AgainstLevel",
    "BrierScore",
    "CalibrationError",
    "Confidence",
    "EvalSetMetric",
    "Gap",
    "Invariance",
    "MacroF1",
    "Metric",
    "PairConsistency",
    "mean_of",
    "share_of",
    "undefined",
]
