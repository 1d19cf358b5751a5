"""Strategies that choose rows from a pool, and the arms of a study that draw by them.

A stored run depends on all modules of this package, and on none of those that word or show a selection.
"""

from __future__ import annotations

from negspace.curation.strategies.arms import DrawnArm, StrategyArm, Way, whole_clusters
from negspace.curation.strategies.literature import (
    BASELINES,
    Dynamics,
    SoftmaxRegression,
    highest,
    k_centre,
    random_rows,
    train_dynamics,
)
from negspace.curation.strategies.near_miss_cover import (
    COVERS,
    STRATEGIES,
    Cover,
    Stratified,
    cover,
    eligible_rows,
    open_strategy,
    settings_of,
)
from negspace.curation.strategies.row_pool import (
    Balance,
    RowBudget,
    RowPool,
    Strategy,
    checked,
    label_quotas,
    least_real,
)

__all__ = [
    "BASELINES",
    "COVERS",
    "STRATEGIES",
    "Balance",
    "Cover",
    "DrawnArm",
    "Dynamics",
    "RowBudget",
    "RowPool",
    "SoftmaxRegression",
    "Strategy",
    "StrategyArm",
    "Stratified",
    "Way",
    "checked",
    "cover",
    "eligible_rows",
    "highest",
    "k_centre",
    "label_quotas",
    "least_real",
    "open_strategy",
    "random_rows",
    "settings_of",
    "train_dynamics",
    "whole_clusters",
]
