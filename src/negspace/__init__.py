"""Measure what a training set teaches a model to rule out.

Examples:
    >>> import negspace
    >>> result = negspace.audit("train.csv", test="test.csv")  # doctest: +SKIP
    >>> result.verdict.outcome  # doctest: +SKIP
    <Outcome.SUPPORTED: 'supported'>
    >>> result.save("out")  # doctest: +SKIP
    PosixPath('out/report.html')
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from negspace._version import __version__
from negspace.errors import DataError, MissingExtraError, NegspaceError, PlanError, StoreError

if TYPE_CHECKING:
    from negspace.audits import AuditResult, MinimalPairsAudit, audit, audit_minimal_pairs
    from negspace.datasets import Dataset, read
    from negspace.embedders import Embedder, open_embedder
    from negspace.evidence import estimate, judge, judge_family, mean_interval
    from negspace.learners import EmbeddingLearner, Learner, LstmLearner, RowsArm, TfidfLearner
    from negspace.mining import Mined, mine
    from negspace.probing import ProbeResult, probe
    from negspace.proofs import Proof, prove
    from negspace.records import Estimate, Interval, Outcome, Run, TextTask, Verdict
    from negspace.runs import RunStore
    from negspace.selection import Selection, curate
    from negspace.study import Hypothesis, Study, StudyResult

# Rooms are opened when something is asked of them: scikit-learn alone takes a second, and
# `negspace --help` needs none of it.
_ROOM_OF = {
    "AuditResult": "audits",
    "Dataset": "datasets",
    "Embedder": "embedders",
    "EmbeddingLearner": "learners",
    "Estimate": "records",
    "Hypothesis": "study",
    "Interval": "records",
    "Learner": "learners",
    "LstmLearner": "learners",
    "Mined": "mining",
    "MinimalPairsAudit": "audits",
    "Outcome": "records",
    "ProbeResult": "probing",
    "Proof": "proofs",
    "RowsArm": "learners",
    "Run": "records",
    "RunStore": "runs",
    "Selection": "selection",
    "Study": "study",
    "StudyResult": "study",
    "TextTask": "records",
    "TfidfLearner": "learners",
    "Verdict": "records",
    "audit": "audits",
    "audit_minimal_pairs": "audits",
    "curate": "selection",
    "estimate": "evidence",
    "judge": "evidence",
    "judge_family": "evidence",
    "mean_interval": "evidence",
    "mine": "mining",
    "open_embedder": "embedders",
    "probe": "probing",
    "prove": "proofs",
    "read": "datasets",
}

__all__ = [
    "AuditResult",
    "DataError",
    "Dataset",
    "Embedder",
    "EmbeddingLearner",
    "Estimate",
    "Hypothesis",
    "Interval",
    "Learner",
    "LstmLearner",
    "Mined",
    "MinimalPairsAudit",
    "MissingExtraError",
    "NegspaceError",
    "Outcome",
    "PlanError",
    "ProbeResult",
    "Proof",
    "RowsArm",
    "Run",
    "RunStore",
    "Selection",
    "StoreError",
    "Study",
    "StudyResult",
    "TextTask",
    "TfidfLearner",
    "Verdict",
    "__version__",
    "audit",
    "audit_minimal_pairs",
    "curate",
    "estimate",
    "judge",
    "judge_family",
    "mean_interval",
    "mine",
    "open_embedder",
    "probe",
    "prove",
    "read",
]


def __getattr__(name: str) -> object:
    if name not in _ROOM_OF:
        raise AttributeError(f"module 'negspace' has no attribute '{name}'")
    return getattr(import_module(f"negspace.{_ROOM_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__
