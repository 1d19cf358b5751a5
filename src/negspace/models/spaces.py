"""What hyper-parameter search may vary of each learner, and how a setting is put into one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, TypeAlias, cast

from negspace.errors import PlanError, did_you_mean
from negspace.models.arms import Learner, TextArm, TextTask
from negspace.models.embedding import EmbeddingLearner
from negspace.models.lstm import LstmLearner
from negspace.models.tfidf import TfidfLearner

__all__ = ["Choice", "Range", "SearchSpace", "Settings", "search_space", "with_settings"]


@dataclass(frozen=True)
class Range:
    """Real numbers, drawn evenly.

    Attributes:
        low: Least.
        high: Greatest.
        log: Draw the logarithm evenly instead.

    Raises:
        PlanError: If the range is empty, or logarithmic and not above 0.
    """

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise PlanError("a range has a least and a greater number", got=f"{self.low} to {self.high}")
        if self.log and self.low <= 0:
            raise PlanError("a logarithmic range lies above 0", got=self.low)


@dataclass(frozen=True)
class Choice:
    """One of a few values, all equally likely.

    Attributes:
        values: At least two.
    """

    values: tuple[int, ...]


SearchSpace: TypeAlias = Mapping[str, Range | Choice]
"""For the name of a setting, what it is drawn from."""

Settings: TypeAlias = Mapping[str, int | float]
"""A drawn value for each name of a space."""

_C = Range(1e-2, 1e3, log=True)

_TFIDF: SearchSpace = MappingProxyType({"c": _C, "ngrams": Choice((1, 2, 3)), "min_df": Choice((1, 2, 3))})
_EMBEDDING: SearchSpace = MappingProxyType({"c": _C})
_LSTM: SearchSpace = MappingProxyType(
    {
        "learning_rate": Range(1e-3, 2e-2, log=True),
        "dropout": Range(0.0, 0.7),
        "embedding": Choice((16, 32, 64)),
        "hidden": Choice((16, 32, 64)),
        "epochs": Choice((4, 8, 16)),
        "min_df": Choice((1, 2, 3)),
    }
)


def search_space(learner: Learner[TextTask, TextArm]) -> SearchSpace:
    """What search varies of a learner; its default setting lies inside.

    Raises:
        PlanError: If nothing is known of such a learner.
    """
    if isinstance(learner, TfidfLearner):
        return _TFIDF
    if isinstance(learner, LstmLearner):
        return _LSTM
    if isinstance(learner, EmbeddingLearner):
        return _EMBEDDING
    raise PlanError(
        f"no search space is known for the learner '{learner.name}'",
        hint="tune tfidf, lstm, st:PATH or hf:PATH, or go without --tune",
    )


def with_settings(learner: Learner[TextTask, TextArm], settings: Settings) -> Learner[TextTask, TextArm]:
    """The same learner with other values for some of its settings.

    Args:
        learner: One that has a search space.
        settings: Any of the space's names, each with a value in its range.

    Raises:
        PlanError: If there is no such setting, or a value is outside of its range.
    """
    space = search_space(learner)
    for name, value in settings.items():
        if name not in space:
            raise PlanError(
                f"search varies no setting '{name}' of the learner '{learner.name}'",
                hint=did_you_mean(name, space),
            )
        if not _holds(space[name], value):
            raise PlanError(f"the setting '{name}' is outside of its range", got=value)
    changed: Any = learner  # one of the three frozen dataclasses above
    return cast("Learner[TextTask, TextArm]", replace(changed, **settings))


def _holds(values: Range | Choice, value: int | float) -> bool:
    if isinstance(values, Choice):
        return value in values.values
    return values.low <= value <= values.high
