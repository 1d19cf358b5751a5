"""Learners: what fits the training rows and predicts the held-out ones."""

from __future__ import annotations

from typing import TypeAlias

from negspace.models.arms import Arm, ArmT, Learner, RowsArm, TaskT, TextArm, TextTask
from negspace.models.cross_fit import out_of_fold
from negspace.models.embedding import EmbeddingLearner
from negspace.models.lstm import LstmLearner
from negspace.models.opening import open_learner
from negspace.models.predictions import summarise_probabilities
from negspace.models.scores import ScoresLearner
from negspace.models.tfidf import TfidfLearner

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
    "TextTask",
    "TfidfLearner",
    "open_learner",
    "out_of_fold",
    "summarise_probabilities",
]

TextLearner: TypeAlias = Learner[TextTask, TextArm]
"""Fits rows of texts."""
