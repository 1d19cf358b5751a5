"""Learners: what fits the training rows and predicts the held-out ones."""

from __future__ import annotations

from negspace.models.embedding import EmbeddingLearner
from negspace.models.learner import (
    LEARNERS,
    Arm,
    ArmT,
    Choice,
    Learner,
    Range,
    SearchSpace,
    Settings,
    TaskT,
    fixed_runs,
    open_learner,
    search_space,
    with_settings,
)
from negspace.models.lstm import LstmLearner
from negspace.models.scores import ScoresFile, ScoresLearner
from negspace.models.text_task import RowsArm, TextArm, TextLearner, TextTask, summarise_probabilities
from negspace.models.tfidf import FOLDS, TfidfLearner, out_of_fold

__all__ = [
    "FOLDS", "LEARNERS", "Arm", "ArmT", "Choice", "EmbeddingLearner", "Learner", "LstmLearner", "Range",
    "RowsArm", "ScoresFile", "ScoresLearner", "SearchSpace", "Settings", "TaskT", "TextArm", "TextLearner",
    "TextTask", "TfidfLearner", "fixed_runs", "open_learner", "out_of_fold", "search_space",
    "summarise_probabilities", "with_settings",
]  # fmt: skip
