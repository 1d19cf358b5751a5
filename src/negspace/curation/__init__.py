"""Choosing rows: what each one does in its set, and which of them to take."""

from __future__ import annotations

from negspace.curation.arm import StrategyArm
from negspace.curation.baselines import BASELINES
from negspace.curation.building import Survey, build_pool, survey
from negspace.curation.pool import Pool, Strategy
from negspace.curation.quotas import Balance
from negspace.curation.result import Selection
from negspace.curation.run import curate
from negspace.curation.strategies import STRATEGIES, Cover, Stratified, open_strategy
from negspace.curation.worklist import CRITERIA, Worklist, choose_worklist
from negspace.curation.worklist_sheet import Filled, read_filled, write_sheet

__all__ = [
    "BASELINES",
    "CRITERIA",
    "STRATEGIES",
    "Balance",
    "Cover",
    "Filled",
    "Pool",
    "Selection",
    "Strategy",
    "StrategyArm",
    "Stratified",
    "Survey",
    "Worklist",
    "build_pool",
    "choose_worklist",
    "curate",
    "open_strategy",
    "read_filled",
    "survey",
    "write_sheet",
]
