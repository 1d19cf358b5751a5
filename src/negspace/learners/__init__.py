"""Learners: what fits the training rows and predicts the held-out ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from negspace.learners.arms import Learner, RowsArm
from negspace.learners.lstm import LstmLearner
from negspace.learners.scores import ScoresLearner
from negspace.learners.tfidf import TfidfLearner

__all__ = ["LEARNERS", "Learner", "LstmLearner", "RowsArm", "ScoresLearner", "TfidfLearner"]

LEARNERS: Mapping[str, Callable[[], Learner]] = MappingProxyType({"tfidf": TfidfLearner, "lstm": LstmLearner})
"""Learners by the name the command line knows them by; ``scores:FILE`` is read once the task is known."""
