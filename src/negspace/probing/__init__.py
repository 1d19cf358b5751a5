"""The probe: what each fragment of a corpus would change in a language model."""

from __future__ import annotations

from negspace.probing.result import ProbeResult
from negspace.probing.run import OUT, probe
from negspace.probing.settings import PROBES

__all__ = ["OUT", "PROBES", "ProbeResult", "probe"]
