"""The audit of minimal pairs: does a language model know where acceptable sentences end."""

from __future__ import annotations

from negspace.audits.language.result import MinimalPairsAudit
from negspace.audits.language.run import audit_minimal_pairs

__all__ = ["MinimalPairsAudit", "audit_minimal_pairs"]
