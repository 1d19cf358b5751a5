"""Audits: does a training set teach where the labels part; does a language model know."""

from __future__ import annotations

from negspace.audits.language import MinimalPairsAudit, audit_minimal_pairs
from negspace.audits.result import AuditResult
from negspace.audits.roads import check_road
from negspace.audits.run import audit, check_settings
from negspace.audits.summary import SCHEMA

__all__ = [
    "SCHEMA",
    "AuditResult",
    "MinimalPairsAudit",
    "audit",
    "audit_minimal_pairs",
    "check_road",
    "check_settings",
]
