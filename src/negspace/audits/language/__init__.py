"""Language models that are audited on minimal pairs, and what is measured of them.

The registry of such models imports every module here: they must be light.
"""

from __future__ import annotations

from negspace.audits.language.pair_learners import (
    PAIR_LEARNERS,
    SETTINGS,
    FixedModel,
    PairLearner,
    TinyModels,
    WholeCorpus,
    encoder,
    open_pair_learner,
)
from negspace.audits.language.pair_scoring import (
    CompetitorProbability,
    Margin,
    PairScores,
    Pressure,
    as_values,
    read_scores,
    score_pairs,
)

__all__ = [
    "PAIR_LEARNERS",
    "SETTINGS",
    "CompetitorProbability",
    "FixedModel",
    "Margin",
    "PairLearner",
    "PairScores",
    "Pressure",
    "TinyModels",
    "WholeCorpus",
    "as_values",
    "encoder",
    "open_pair_learner",
    "read_scores",
    "score_pairs",
]
