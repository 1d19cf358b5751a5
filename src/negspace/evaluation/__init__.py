"""Tasks: from the user's files to held-out rows, near misses among them, and what is measured on them."""

from __future__ import annotations

from negspace.evaluation.embedded_rows import (
    EmbeddedRows,
    EvaluationFiles,
    embed_rows,
    read_files,
)
from negspace.evaluation.evaluation_plan import (
    EASY,
    NEAR_MISS,
    PAIRS,
    Boundary,
    DistanceBin,
    EvaluationPlan,
    Source,
    assemble_task,
    find_boundary,
    plan_evaluation,
    source_of,
)
from negspace.evaluation.minimal_pairs import (
    EASY_PER_TOKEN,
    NEAR_MISS_PER_TOKEN,
    Encode,
    PairTask,
    build_pair_task,
    of_paradigm,
    shuffled_words,
)
from negspace.evaluation.row_roles import (
    Role,
    RowRoles,
    same_text_other_label,
    sort_rows,
    suspected_rows,
    suspects,
)

__all__ = [
    "EASY",
    "EASY_PER_TOKEN",
    "NEAR_MISS",
    "NEAR_MISS_PER_TOKEN",
    "PAIRS",
    "Boundary",
    "DistanceBin",
    "EmbeddedRows",
    "Encode",
    "EvaluationFiles",
    "EvaluationPlan",
    "PairTask",
    "Role",
    "RowRoles",
    "Source",
    "assemble_task",
    "build_pair_task",
    "embed_rows",
    "find_boundary",
    "of_paradigm",
    "plan_evaluation",
    "read_files",
    "same_text_other_label",
    "shuffled_words",
    "sort_rows",
    "source_of",
    "suspected_rows",
    "suspects",
]
