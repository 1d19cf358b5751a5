"""Claims about how data forms models, one a file: each is registered in `CLAIMS` by its module."""

from __future__ import annotations

from negspace.lab.claim import (
    CLAIMS,
    Claim,
    Curve,
    Experiment,
    HeldOut,
    Point,
    Published,
    Scale,
    StatedHypothesis,
    claims_in_order,
    described,
    experiment,
    more,
    no_less,
    outline,
    register,
    statement_of,
)
from negspace.lab.report import claim_report, lab_report
from negspace.lab.result import ClaimResult, PublishedFigure
from negspace.lab.run import latest_results, run_claim, save_lab, status

__all__ = [
    "CLAIMS",
    "Claim",
    "ClaimResult",
    "Curve",
    "Experiment",
    "HeldOut",
    "Point",
    "Published",
    "PublishedFigure",
    "Scale",
    "StatedHypothesis",
    "claim_report",
    "claims_in_order",
    "described",
    "experiment",
    "lab_report",
    "latest_results",
    "more",
    "no_less",
    "outline",
    "register",
    "run_claim",
    "save_lab",
    "statement_of",
    "status",
]
