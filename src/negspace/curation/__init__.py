"""Choosing rows: what each one does in its set, and which of them to take."""

from __future__ import annotations

from negspace.curation.arm import StrategyArm
from negspace.curation.baselines import BASELINES
from negspace.curation.building import Survey, build_pool, survey
from negspace.curation.pool import Pool, Strategy
from negspace.curation.quotas import Balance
from negspace.curation.roles import Role, Roles, sort_rows, suspects
from negspace.curation.strategies import STRATEGIES, Cover, Stratified, open_strategy

__all__ = [
    "BASELINES",
    "STRATEGIES",
    "Balance",
    "Cover",
    "Pool",
    "Role",
    "Roles",
    "Strategy",
    "StrategyArm",
    "Stratified",
    "Survey",
    "build_pool",
    "open_strategy",
    "sort_rows",
    "survey",
    "suspects",
]
