"""Audits: does a training set teach where the labels part; does a language model know."""

from __future__ import annotations

from negspace.audits.findings import SCHEMA, Audit, AuditFindings
from negspace.audits.language import (
    CompetitorProbability,
    FixedModel,
    Margin,
    PairLearner,
    PairScores,
    Pressure,
    TinyModels,
    as_values,
    encoder,
    open_pair_learner,
    read_scores,
    score_pairs,
)
from negspace.audits.minimal_pairs import MinimalPairsAudit, audit_minimal_pairs
from negspace.audits.minimal_pairs_findings import MinimalPairsFindings
from negspace.audits.report import audit_report, headline_metrics
from negspace.audits.shared_blocks import chance, curve_chart, decision_block, scatter_chart
from negspace.audits.text_audit import AuditResult, audit, check_settings, is_minimal_pairs

__all__ = [
    "SCHEMA",
    "Audit",
    "AuditFindings",
    "AuditResult",
    "CompetitorProbability",
    "FixedModel",
    "Margin",
    "MinimalPairsAudit",
    "MinimalPairsFindings",
    "PairLearner",
    "PairScores",
    "Pressure",
    "TinyModels",
    "as_values",
    "audit",
    "audit_minimal_pairs",
    "audit_report",
    "chance",
    "check_settings",
    "curve_chart",
    "decision_block",
    "encoder",
    "headline_metrics",
    "is_minimal_pairs",
    "open_pair_learner",
    "read_scores",
    "scatter_chart",
    "score_pairs",
]
