"""What a search for settings may vary of a learner, and how drawn settings are put into one."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, cast

from negspace.errors import PlanError, did_you_mean
from negspace.models.text_task import TextLearner


@dataclass(frozen=True)
class Range:
    """Real numbers, drawn evenly.

    Attributes:
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

    def __contains__(self, value: int | float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True)
class Choice:
    """One of a few values, all equally likely."""

    values: tuple[int, ...]

    def __contains__(self, value: int | float) -> bool:
        return value in self.values


SearchSpace: TypeAlias = Mapping[str, Range | Choice]
"""For the name of a setting, what it is drawn from."""

Settings: TypeAlias = Mapping[str, int | float]
"""A drawn value for each name of a space."""


def search_space(learner: TextLearner) -> SearchSpace:
    """What search varies of a learner: its ``space``. Its default setting lies inside.

    Raises:
        PlanError: If it has none.
    """
    space: SearchSpace | None = getattr(learner, "space", None)
    if space is None:
        raise PlanError(
            f"no search space is known for the learner '{learner.name}'",
            hint="tune tfidf, lstm, st:PATH or hf:PATH, or go without --tune",
        )
    return space


def with_settings(learner: TextLearner, settings: Settings) -> TextLearner:
    """Give a learner other values for some of its settings.

    Returns:
        A new learner.

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
        if value not in space[name]:
            raise PlanError(f"the setting '{name}' is outside of its range", got=value)
    changed: Any = learner
    return cast("TextLearner", replace(changed, **settings))
