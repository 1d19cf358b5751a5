"""An arm of replicas: an architecture, its rows, how long it trains, and which of its states counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from negspace.errors import PlanError, did_you_mean
from negspace.lab.concepts import SequenceTask
from negspace.lab.replicas.batches import Adam
from negspace.lab.replicas.nets import LstmNet, Net
from negspace.lab.replicas.rows import Rows
from negspace.records import Json

__all__ = ["BestOf", "ReplicaArm", "Sweep"]


@dataclass(frozen=True)
class BestOf:
    """Choose, among evenly spaced checkpoints, the one most accurate on a test set.

    It is chosen on the very rows it is reported on, so the accuracy is biased upwards. It stands here because
    it was published so.

    Attributes:
        checkpoints: How many, the last step included.
        on: Name of the eval set.
    """

    checkpoints: int
    on: str


@dataclass(frozen=True)
class ReplicaArm:
    """What a replica of this arm trains on and how.

    Attributes:
        name: As results name the arm.
        rows: What it trains on.
        net: Its architecture.
        steps: Number of batches.
        adam: The optimiser.
        batch: Rows a batch.
        lengths: Shortest and longest sequence; each batch has one length, uniform over both ends included.
        best_of: Which checkpoint predicts; the last one if None.

    Raises:
        PlanError: If a number is not positive, or there are more checkpoints than steps.
    """

    name: str
    rows: Rows
    net: Net = field(default_factory=LstmNet)
    steps: int = 1600
    adam: Adam = field(default_factory=Adam)
    batch: int = 32
    lengths: tuple[int, int] = (6, 12)
    best_of: BestOf | None = None

    def __post_init__(self) -> None:
        if min(self.steps, self.batch, self.lengths[0]) < 1 or self.lengths[1] < self.lengths[0]:
            raise PlanError(
                f"arm '{self.name}': steps, batch and lengths are at least 1, the shortest length first",
                got=f"steps={self.steps}, batch={self.batch}, lengths={self.lengths}",
            )
        if self.best_of is not None and not 1 <= self.best_of.checkpoints <= self.steps:
            raise PlanError(
                f"arm '{self.name}': checkpoints are at least 1 and at most one a step",
                got=f"{self.best_of.checkpoints} checkpoints of {self.steps} steps",
            )

    @property
    def code(self) -> tuple[object, ...]:
        """The net, the rows, and what these depend on."""
        return (self.net, self.rows, *self.rows.code)

    def check(self, task: SequenceTask) -> None:
        """Refuse a task of another concept, or without the eval set that chooses the checkpoint.

        Raises:
            PlanError: If so.
        """
        if task.concept != self.rows.concept.name:
            raise PlanError(
                f"arm '{self.name}' draws rows of '{self.rows.concept.name}'",
                got=f"a task of '{task.concept}'",
            )
        if self.best_of is not None and self.best_of.on not in task.eval_sets:
            raise PlanError(
                f"arm '{self.name}': the task has no eval set '{self.best_of.on}'",
                hint=did_you_mean(self.best_of.on, task.eval_sets),
            )

    def training(self) -> Mapping[str, Json]:
        """All that decides a replica's course, the seed and its end aside."""
        return {
            "rows": self.rows.describe(),
            "net": self.net.describe(),
            "adam": asdict(self.adam),
            "batch": self.batch,
            "lengths": list(self.lengths),
        }

    def describe(self) -> Mapping[str, Json]:
        """All that decides the arm's runs, the seed aside."""
        return {
            "name": self.name,
            **self.training(),
            "steps": self.steps,
            "best_of": None if self.best_of is None else asdict(self.best_of),
        }

    def outline(self) -> str:
        """Net, steps and rows in a line."""
        best = "" if self.best_of is None else f", best of {self.best_of.checkpoints} checkpoints"
        return f"{self.net.outline()}; {self.steps} steps{best}; {self.rows.outline()}"

    def readings(self) -> tuple[int, ...]:
        """Steps after which the model predicts, ascending."""
        if self.best_of is None:
            return (self.steps,)
        n = self.best_of.checkpoints
        return tuple(self.steps * (i + 1) // n for i in range(n))


@dataclass(frozen=True)
class Sweep:
    """The best of several arms at each seed, chosen on an eval set that nothing is reported on.

    Attributes:
        name: As results name the arm.
        arms: What is tried; they differ in their settings, such as the learning rate.
        on: Name of the eval set that chooses; of equals, the first arm.

    Raises:
        PlanError: If nothing is tried, or two arms have one name.
    """

    name: str
    arms: tuple[ReplicaArm, ...]
    on: str

    def __post_init__(self) -> None:
        names = {arm.name for arm in self.arms}
        if not names or len(names) < len(self.arms):
            raise PlanError(
                f"sweep '{self.name}' tries arms of different names, at least one",
                got=[arm.name for arm in self.arms],
            )

    @property
    def code(self) -> tuple[object, ...]:
        """Those of its arms."""
        return tuple(part for arm in self.arms for part in arm.code)

    def check(self, task: SequenceTask) -> None:
        """Refuse a task that one of the arms refuses, or without the eval set that chooses.

        Raises:
            PlanError: If so.
        """
        for arm in self.arms:
            arm.check(task)
        if self.on not in task.eval_sets:
            raise PlanError(
                f"sweep '{self.name}': the task has no eval set '{self.on}'",
                hint=did_you_mean(self.on, task.eval_sets),
            )

    def describe(self) -> Mapping[str, Json]:
        """All that decides the sweep's runs, the seed aside."""
        return {
            "name": self.name,
            "sweep": [{**arm.describe(), "name": ""} for arm in self.arms],
            "on": self.on,
        }

    def outline(self) -> str:
        """The first arm, and the learning rates that are tried, in a line."""
        rates = ", ".join(f"{member.adam.lr:g}" for member in self.arms)
        return f"{self.arms[0].outline()}, the best of learning rates {rates} on '{self.on}'"
