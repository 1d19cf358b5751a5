"""The probe: what each fragment of a corpus would change in a language model."""

from __future__ import annotations

from negspace.probes import PROBES, ProbeSettings, all_probes, parse_probes
from negspace.probing.findings import ProbeFindings
from negspace.probing.fragment_map import columns_of, fragment_map
from negspace.probing.highlights import choose_highlights
from negspace.probing.inputs import state_hash
from negspace.probing.parts import SCHEMA, Column, TraceTable, part_of
from negspace.probing.report import probe_report
from negspace.probing.run import OUT, ProbeResult, probe

__all__ = [
    "OUT",
    "PROBES",
    "SCHEMA",
    "Column",
    "ProbeFindings",
    "ProbeResult",
    "ProbeSettings",
    "TraceTable",
    "all_probes",
    "choose_highlights",
    "columns_of",
    "fragment_map",
    "parse_probes",
    "part_of",
    "probe",
    "probe_report",
    "state_hash",
]
