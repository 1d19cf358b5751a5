"""What a learner is and is asked to fit, the registry of learners, and what a search may vary of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar, cast, runtime_checkable

from negspace.errors import PlanError, did_you_mean
from negspace.records import Json, Run, Task
from negspace.registry import Registry

if TYPE_CHECKING:
    from negspace.embedders import EmbeddingProgress
    from negspace.models.text_task import TextLearner


@runtime_checkable
class Arm(Protocol):
    """What one side of a comparison is trained on, and how."""

    @property
    def name(self) -> str:
        """As results name the arm."""

    @property
    def code(self) -> tuple[object, ...]:
        """Parts, besides the learner, whose code decides the arm's runs: stored runs depend on it."""

    def describe(self) -> Mapping[str, Json]:
        """All that decides the arm's runs, the seed aside."""

    def check(self, task: Any) -> None:
        """Refuse a task that the arm cannot be fitted on, with a `PlanError`."""


TaskT = TypeVar("TaskT", bound=Task)
ArmT = TypeVar("ArmT", bound=Arm)
_TaskT_contra = TypeVar("_TaskT_contra", bound=Task, contravariant=True)
_ArmT_contra = TypeVar("_ArmT_contra", bound=Arm, contravariant=True)


@runtime_checkable
class Learner(Protocol[_TaskT_contra, _ArmT_contra]):
    """Fits arms of a task and predicts its held-out rows.

    A learner depends on nothing but the task, the arm and the seed: not on which other jobs run
    beside it, how many at once, or in which order.
    """

    @property
    def name(self) -> str:
        """As results name the learner."""

    @property
    def gives(self) -> tuple[str, ...]:
        """Names of the quantities that its runs hold (`negspace.quantities`)."""

    def describe(self) -> Mapping[str, Json]:
        """All settings that decide a result."""

    def runs(
        self, task: _TaskT_contra, jobs: Sequence[tuple[_ArmT_contra, int]], *, workers: int
    ) -> Iterator[Run]:
        """Fit each (arm, seed) and yield it as it is done, in any order."""


LEARNERS: Registry[Callable[..., TextLearner]] = Registry(
    "learner", group="negspace.learners", package="negspace.models"
)
"""Learners of labelled texts. What is registered is called with its argument, if it takes one."""


def fixed_runs(learner: object) -> int | None:
    """Return how many runs a learner has that fits nothing, its ``n_runs``; None if it fits at every seed."""
    n_runs: int | None = getattr(learner, "n_runs", None)
    return n_runs


def open_learner(name: str, *, progress: EmbeddingProgress | None = None) -> TextLearner:
    """Open a learner of labelled texts, one of `LEARNERS` with its argument: ``tfidf``, ``st:PATH``.

    Raises:
        PlanError: If there is no learner of that name.
        DataError: If the folder or file it names cannot be used.
        MissingExtraError: If it needs a package that is not installed.
    """
    entry, argument = LEARNERS.find(name)
    learner = entry.target() if entry.argument is None else entry.target(argument)
    if progress is not None and hasattr(learner, "with_progress"):
        learner = learner.with_progress(progress)
    return learner


@dataclass(frozen=True)
class Range:
    """Real numbers, drawn evenly; with ``log``, evenly by their logarithm."""

    low: float
    high: float
    log: bool = False  # draw the logarithm evenly instead

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
    """What search varies of a learner: its ``space``. Its default setting lies inside."""
    space: SearchSpace | None = getattr(learner, "space", None)
    if space is None:
        raise PlanError(
            f"no search space is known for the learner '{learner.name}'",
            hint="tune tfidf, lstm, st:PATH or hf:PATH, or go without --tune",
        )
    return space


def with_settings(learner: TextLearner, settings: Settings) -> TextLearner:
    """Give a learner other values for some settings of its space, each within its range."""
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
