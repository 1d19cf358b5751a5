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
    from negspace.audits import AuditResult, audit
    from negspace.datasets import Dataset, read
    from negspace.evidence import estimate, judge, judge_family, mean_interval
    from negspace.learners import Learner, LstmLearner, RowsArm, TfidfLearner
    from negspace.records import Estimate, Interval, Outcome, Run, TextTask, Verdict
    from negspace.runs import RunStore
    from negspace.study import Hypothesis, Study, StudyResult

# Rooms are opened when something is asked of them: scikit-learn alone takes a second, and
# `negspace --help` needs none of it.
_ROOM_OF = {
    "AuditResult": "audits",
    "Dataset": "datasets",
    "Estimate": "records",
    "Hypothesis": "study",
    "Interval": "records",
    "Learner": "learners",
    "LstmLearner": "learners",
    "Outcome": "records",
    "RowsArm": "learners",
    "Run": "records",
    "RunStore": "runs",
    "Study": "study",
    "StudyResult": "study",
    "TextTask": "records",
    "TfidfLearner": "learners",
    "Verdict": "records",
    "audit": "audits",
    "estimate": "evidence",
    "judge": "evidence",
    "judge_family": "evidence",
    "mean_interval": "evidence",
    "read": "datasets",
}

__all__ = [
    "AuditResult",
    "DataError",
    "Dataset",
    "Estimate",
    "Hypothesis",
    "Interval",
    "Learner",
    "LstmLearner",
    "MissingExtraError",
    "NegspaceError",
    "Outcome",
    "PlanError",
    "RowsArm",
    "Run",
    "RunStore",
    "StoreError",
    "Study",
    "StudyResult",
    "TextTask",
    "TfidfLearner",
    "Verdict",
    "__version__",
    "audit",
    "estimate",
    "judge",
    "judge_family",
    "mean_interval",
    "read",
]


def __getattr__(name: str) -> object:
    if name not in _ROOM_OF:
        raise AttributeError(f"module 'negspace' has no attribute '{name}'")
    return getattr(import_module(f"negspace.{_ROOM_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__
