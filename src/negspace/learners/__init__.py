"""Learners: what fits the training rows and predicts the held-out ones."""

from __future__ import annotations

from typing import TypeAlias

from negspace.learners.arms import Arm, ArmT, Learner, RowsArm, TaskT, TextArm
from negspace.learners.cross_fit import out_of_fold
from negspace.learners.embedding import EmbeddingLearner
from negspace.learners.lstm import LstmLearner
from negspace.learners.opening import open_learner
from negspace.learners.scores import ScoresLearner
from negspace.learners.tfidf import TfidfLearner
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
