"""What a learner is, what it is asked to fit, and the registry of those that the command line knows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

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
        """Refuse a task that the arm cannot be fitted on.

        Raises:
            PlanError: If so.
        """


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
    """Open a learner of labelled texts.

    Args:
        name: One of `LEARNERS`, with its argument: ``tfidf``, ``st:PATH``.
        progress: Told how far the embedding is, where there is one.

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
