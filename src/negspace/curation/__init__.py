"""Choosing rows: what each one does in its set, and which of them to take."""

from __future__ import annotations

from negspace.curation.pool_survey import PoolSurvey, survey_pool
from negspace.curation.selection import Selection, curate
from negspace.curation.strategies import (
    BASELINES,
    STRATEGIES,
    Balance,
    Cover,
    RowPool,
    Strategy,
    StrategyArm,
    Stratified,
    open_strategy,
)
from negspace.curation.trial import HALVES, HELD_OUT, REFERENCE, Trial, shown_margin, trial_task
from negspace.curation.worklist import (
    CRITERIA,
    DEFAULT_CRITERION,
    Worklist,
    central,
    certain,
    certain_vocabulary,
    choose_worklist,
    coverage,
    uncertain,
    uncertain_coverage,
    vocabulary,
)
from negspace.curation.worklist_sheet import SHEET_COLUMNS, Filled, read_filled, to_records, write_sheet

__all__ = [
    "BASELINES",
    "CRITERIA",
    "DEFAULT_CRITERION",
    "HALVES",
    "HELD_OUT",
    "REFERENCE",
    "SHEET_COLUMNS",
    "STRATEGIES",
    "Balance",
    "Cover",
    "Filled",
    "PoolSurvey",
    "RowPool",
    "Selection",
    "Strategy",
    "StrategyArm",
    "Stratified",
    "Trial",
    "Worklist",
    "central",
    "certain",
    "certain_vocabulary",
    "choose_worklist",
    "coverage",
    "curate",
    "open_strategy",
    "read_filled",
    "shown_margin",
    "survey_pool",
    "to_records",
    "trial_task",
    "uncertain",
    "uncertain_coverage",
    "vocabulary",
    "write_sheet",
]
