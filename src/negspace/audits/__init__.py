"""Audits: does a training set teach where the labels part."""

from __future__ import annotations

from negspace.audits.result import AuditResult
from negspace.audits.run import audit, check_settings
from negspace.audits.summary import SCHEMA

__all__ = ["SCHEMA", "AuditResult", "audit", "check_settings"]
