"""Proofs: equal rows, paired seeds, and what an arm is worth in random rows."""

from __future__ import annotations

from negspace.proofs.conclusion import Conclusion, conclude, conclusion_in_words
from negspace.proofs.findings import SCHEMA, misfit_warning
from negspace.proofs.inputs import FromPool, parse_arms
from negspace.proofs.plan import check_settings, ladder_sizes
from negspace.proofs.run import Proof, prove
from negspace.proofs.trial_journal import TrialJournal
from negspace.proofs.tuning import halve

__all__ = [
    "SCHEMA",
    "Conclusion",
    "FromPool",
    "Proof",
    "TrialJournal",
    "check_settings",
    "conclude",
    "conclusion_in_words",
    "halve",
    "ladder_sizes",
    "misfit_warning",
    "parse_arms",
    "prove",
]
