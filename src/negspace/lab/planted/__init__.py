"""Planted text: a corpus of rules, facts and noise whose truth is known, and small language models on it."""

from __future__ import annotations

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
from negspace.lab.planted.families import BRACKETS, CLASSES, KINDS, RULES, Record, answers_of
from negspace.lab.planted.traces import (
    QUANTITIES,
    PairsInOrder,
    TraceArm,
    TraceLearner,
    TraceTask,
    trace_task,
)
from negspace.lab.planted.training import AnswerArm, AnswerLearner, AnswerTask, PlantedTraining, answer_task

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
