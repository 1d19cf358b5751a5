"""Learners: what fits the training rows and predicts the held-out ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TypeAlias

from negspace.learners.arms import Arm, ArmT, Learner, RowsArm, TaskT, TextArm
from negspace.learners.lstm import LstmLearner
from negspace.learners.scores import ScoresLearner
from negspace.learners.tfidf import TfidfLearner
from negspace.records import TextTask

__all__ = [
    "LEARNERS",
    "Arm",
    "ArmT",
    "Learner",
    "LstmLearner",
    "RowsArm",
    "ScoresLearner",
    "TaskT",
    "TextArm",
    "TextLearner",
    "TfidfLearner",
]

TextLearner: TypeAlias = Learner[TextTask, TextArm]
"""Fits rows of texts."""

LEARNERS: Mapping[str, Callable[[], TextLearner]] = MappingProxyType(
    {"tfidf": TfidfLearner, "lstm": LstmLearner}
)
"""Learners by the name the command line knows them by; ``scores:FILE`` is read once the task is known."""
