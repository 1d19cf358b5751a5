"""Planted text: a corpus of rules, facts and noise whose truth is known, and small language models on it."""

from __future__ import annotations

from negspace.lab.planted.answers import AnswerArm, AnswerLearner, AnswerTask, answer_task
from negspace.lab.planted.corpus import (
    NOISES,
    ROLES,
    PlantedCorpus,
    PlantedRecipe,
    planted_corpus,
    read_words,
    rule_words,
    vocabulary,
)
from negspace.lab.planted.facts import KINDS, Record
from negspace.lab.planted.rules import BRACKETS, CLASSES, RULES, answers_of
from negspace.lab.planted.traces import (
    QUANTITIES,
    PairsInOrder,
    TraceArm,
    TraceLearner,
    TraceTask,
    trace_task,
)
from negspace.lab.planted.training import PlantedTraining

__all__ = [
    "BRACKETS",
    "CLASSES",
    "KINDS",
    "NOISES",
    "QUANTITIES",
    "ROLES",
    "RULES",
    "AnswerArm",
    "AnswerLearner",
    "AnswerTask",
    "PairsInOrder",
    "PlantedCorpus",
    "PlantedRecipe",
    "PlantedTraining",
    "Record",
    "TraceArm",
    "TraceLearner",
    "TraceTask",
    "answer_task",
    "answers_of",
    "planted_corpus",
    "read_words",
    "rule_words",
    "trace_task",
    "vocabulary",
]
