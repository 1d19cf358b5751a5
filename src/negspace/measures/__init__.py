"""Measures: from a run to a number, one measure a file."""

from __future__ import annotations

from negspace.measures.accuracy import Accuracy
from negspace.measures.against_level import AgainstLevel
from negspace.measures.base import Measure
from negspace.measures.calibration import BrierScore, CalibrationError, Confidence
from negspace.measures.gap import Gap
from negspace.measures.invariance import Invariance
from negspace.measures.macro_f1 import MacroF1
from negspace.measures.pair_consistency import PairConsistency

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
