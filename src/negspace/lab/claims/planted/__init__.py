"""What claims about language models stand on: courses on planted text, answers that rules decide, traces."""

from __future__ import annotations

from negspace.lab.claims.planted.answers import AnswerArm, AnswerLearner, AnswerTask, answer_task, answers_of
from negspace.lab.claims.planted.course import Course, planted_fragments, read_words, vocabulary
from negspace.lab.claims.planted.traces import QUANTITIES, TraceArm, TraceLearner, TraceTask, trace_task

__all__ = [
    "QUANTITIES",
    "AnswerArm",
    "AnswerLearner",
    "AnswerTask",
    "Course",
    "TraceArm",
    "TraceLearner",
    "TraceTask",
    "answer_task",
    "answers_of",
    "planted_fragments",
    "read_words",
    "trace_task",
    "vocabulary",
]
