"""Learners: what fits the training rows and predicts the held-out ones."""

from __future__ import annotations

from typing import TypeAlias

from negspace.models.arms import Arm, ArmT, Learner, RowsArm, TaskT, TextArm
from negspace.models.cross_fit import out_of_fold
from negspace.models.embedding import EmbeddingLearner
from negspace.models.lstm import LstmLearner
from negspace.models.opening import open_learner
from negspace.models.scores import ScoresLearner
from negspace.models.tfidf import TfidfLearner
from negspace.records import TextTask

__all__ = [
    "Arm",
    "ArmT",
    "EmbeddingLearner",
    "Learner",
    "LstmLearner",
    "RowsArm",
    "ScoresLearner",
    "TaskT",
    "TextArm",
    "TextLearner",
    "TfidfLearner",
    "open_learner",
    "out_of_fold",
]

TextLearner: TypeAlias = Learner[TextTask, TextArm]
"""Fits rows of texts."""
