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
    from negspace.curation import Selection, curate
    from negspace.data import Dataset, read
    from negspace.embedders import Embedder, open_embedder
    from negspace.mining import Mined, mine
    from negspace.models import EmbeddingLearner, Learner, LstmLearner, RowsArm, TextTask, TfidfLearner
    from negspace.probing import ProbeResult, probe
    from negspace.proofs import Proof, prove
    from negspace.records import Estimate, Interval, Outcome, Run, Verdict
    from negspace.statistics import estimate, judge, judge_family, mean_interval
    from negspace.store import RunStore
    from negspace.study import Hypothesis, Study, StudyResult

# Packages are imported when something is asked of them: scikit-learn alone takes a second, and
# `negspace --help` needs none of it.
_PACKAGE_OF = {
    "AuditResult": "audits",
    "Dataset": "data",
    "Embedder": "embedders",
    "EmbeddingLearner": "models",
    "Estimate": "records",
    "Hypothesis": "study",
    "Interval": "records",
    "Learner": "models",
    "LstmLearner": "models",
    "Mined": "mining",
    "MinimalPairsAudit": "audits",
    "Outcome": "records",
    "ProbeResult": "probing",
    "Proof": "proofs",
    "RowsArm": "models",
    "Run": "records",
    "RunStore": "store",
    "Selection": "curation",
    "Study": "study",
    "StudyResult": "study",
    "TextTask": "models",
    "TfidfLearner": "models",
    "Verdict": "records",
    "audit": "audits",
    "audit_minimal_pairs": "audits",
    "curate": "curation",
    "estimate": "statistics",
    "judge": "statistics",
    "judge_family": "statistics",
    "mean_interval": "statistics",
    "mine": "mining",
    "open_embedder": "embedders",
    "probe": "probing",
    "prove": "proofs",
    "read": "data",
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
    if name not in _PACKAGE_OF:
        raise AttributeError(f"module 'negspace' has no attribute '{name}'")
    return getattr(import_module(f"negspace.{_PACKAGE_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__
