"""Probes: what a fragment does to a language model, one kind of measure a file."""

from __future__ import annotations

from negspace.probes.probe import Probe, Probed, TokenTrace

__all__ = ["Probe", "Probed", "TokenTrace"]
