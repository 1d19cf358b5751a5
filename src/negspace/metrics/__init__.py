"""Measures: from a run to a number, one measure a file."""

from __future__ import annotations

from negspace.metrics.accuracy import Accuracy
from negspace.metrics.against_level import AgainstLevel
from negspace.metrics.base import Measure
from negspace.metrics.calibration import BrierScore, CalibrationError, Confidence
from negspace.metrics.gap import Gap
from negspace.metrics.invariance import Invariance
from negspace.metrics.macro_f1 import MacroF1
from negspace.metrics.pair_consistency import PairConsistency

__all__ = [
    "Accuracy",
    "AgainstLevel",
    "BrierScore",
    "CalibrationError",
    "Confidence",
    "Gap",
    "Invariance",
    "MacroF1",
    "Measure",
    "PairConsistency",
]
