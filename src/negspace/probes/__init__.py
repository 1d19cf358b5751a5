"""Probes: what a fragment does to a language model, one kind of measure a file."""

from __future__ import annotations

from negspace.probes.gradient import GradientProbe
from negspace.probes.loss import LossProbe
from negspace.probes.pressure import PressureProbe
from negspace.probes.probe import Probe, Probed, TokenTrace, Trace
from negspace.probes.retention import RetentionProbe
from negspace.probes.role import RoleProbe
from negspace.probes.step import StepProbe
from negspace.probes.volatility import VolatilityProbe

__all__ = [
    "GradientProbe",
    "LossProbe",
    "PressureProbe",
    "Probe",
    "Probed",
    "RetentionProbe",
    "RoleProbe",
    "StepProbe",
    "TokenTrace",
    "Trace",
    "VolatilityProbe",
]
