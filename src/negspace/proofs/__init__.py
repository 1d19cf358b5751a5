"""Proofs: equal rows, paired seeds, and what an arm is worth in random rows."""

from __future__ import annotations

from negspace.proofs.conclusion import Conclusion
from negspace.proofs.plan import check_settings
from negspace.proofs.result import Proof
from negspace.proofs.run import prove
from negspace.proofs.specs import FromPool, parse_arms
from negspace.proofs.summary import SCHEMA

__all__ = ["SCHEMA", "Conclusion", "FromPool", "Proof", "check_settings", "parse_arms", "prove"]
