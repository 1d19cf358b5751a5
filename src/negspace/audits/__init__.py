"""Audits: does a training set teach where the labels part."""

from __future__ import annotations

from negspace.audits.run import audit
from negspace.audits.result import AuditResult
from negspace.audits.summary import SCHEMA

__all__ = ["SCHEMA", "AuditResult", "audit"]
