"""Arms of replicas: an architecture, its rows, how long it trains; and the batches that it is trained on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

import numpy as np
from jaxtyping import Float32, Int32, Int64

from negspace.errors import PlanError, did_you_mean
from negspace.lab.concepts import SequenceTask
from negspace.lab.replicas.nets import LstmNet, Net, against
from negspace.lab.replicas.training_rows import CHUNK, Draw, Purpose, Rows, Teacher
from negspace.records import Json, Run, Values


@dataclass(frozen=True)
class Adam:
    """Adam (Kingma & Ba 2015) with L2 weight decay added to the gradient, as ``torch.optim.Adam`` does."""

    lr: float = 0.005
    weight_decay: float = 1e-4
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8

    def __post_init__(self) -> None:
        if not (self.lr > 0 and self.weight_decay >= 0 and self.eps > 0):
            raise PlanError("Adam: lr and eps are above 0, weight_decay is not below", got=self)


@dataclass(frozen=True, eq=False)
class Batches:
    """The batches of consecutive steps of one replica; one length a batch.

    Attributes:
        tokens: Token of each position; positions from ``lengths[step]`` on are not read.
        against: Token whose embedding is subtracted at each position (`NOTHING`: zero), for a net with a
            delta; else None.
        labels: Probability that each row is positive, in [0, 1]; 0 or 1 for a hard label.
        lengths: Number of positions at each step.
    """

    tokens: Int32[np.ndarray, "steps longest batch"]
    against: Int32[np.ndarray, "steps longest batch"] | None
    labels: Float32[np.ndarray, "steps batch"]
    lengths: Int64[np.ndarray, " steps"]

    def part(self, steps: slice) -> Batches:
        """The batches of some of the steps."""
        subtracted = None if self.against is None else self.against[steps]
        return Batches(self.tokens[steps], subtracted, self.labels[steps], self.lengths[steps])


def check_batches(net: Net, batches: Sequence[Batches], replicas: int) -> None:
    """Refuse batches that do not fit a net and a number of replicas; tokens are left to the engine.

    Raises:
        PlanError: If so.
    """
    shapes = {(b.tokens.shape[0], b.tokens.shape[2]) for b in batches}
    if len(batches) != replicas or len(shapes) != 1 or min(shapes)[1] == 0:
        got = f"{len(batches)} with (steps, rows) {sorted(shapes)}"
        raise PlanError(f"batches of {replicas} replicas, as many steps and rows for all", got=got)
    for its in batches:
        steps, longest, rows = its.tokens.shape
        if its.labels.shape != (steps, rows) or its.lengths.shape != (steps,):
            got = f"{its.tokens.shape}, {its.labels.shape}, {its.lengths.shape}"
            raise PlanError("tokens, labels and lengths differ in steps or rows", got=got)
        if not ((its.lengths >= 1) & (its.lengths <= longest)).all():
            raise PlanError(f"lengths are from 1 to {longest}", got=its.lengths)
        check_against(net, its.tokens, its.against)


def check_against(net: Net, tokens: np.ndarray, subtracted: np.ndarray | None) -> None:
    """Refuse, by a PlanError, tokens to subtract that a net has no use for, lacks, or of another shape."""
    got = None if subtracted is None else subtracted.shape
    if got != (None if net.delta is None else tokens.shape):
        raise PlanError(f"tokens subtracted do not fit '{net.name}' with the delta {net.delta}", got=got)


@dataclass(frozen=True)
class BestOf:
    """Choose, among evenly spaced checkpoints, the one most accurate on the eval set named ``on``.

    It is chosen on the very rows it is reported on, so the accuracy is biased upwards: it was published so.
    The last step is one of the checkpoints.
    """

    checkpoints: int
    on: str


@dataclass(frozen=True)
class ReplicaArm:
    """What a replica of this arm trains on and how.

    Attributes:
        steps: Number of batches.
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
            got = f"steps={self.steps}, batch={self.batch}, lengths={self.lengths}"
            wrong = "steps, batch and lengths are at least 1, the shortest length first"
            raise PlanError(f"arm '{self.name}': {wrong}", got=got)
        if self.best_of is not None and not 1 <= self.best_of.checkpoints <= self.steps:
            got = f"{self.best_of.checkpoints} checkpoints of {self.steps} steps"
            raise PlanError(f"arm '{self.name}': checkpoints are at least 1 and at most one a step", got=got)

    @property
    def members(self) -> tuple[ReplicaArm, ...]:
        """The arms that are trained for it: itself."""
        return (self,)

    def choose(self, task: SequenceTask, runs: Mapping[str, Run]) -> Run:
        """Its run, of those of its members."""
        del task
        return runs[self.name]

    @property
    def code(self) -> tuple[object, ...]:
        """The net, the rows, and what these depend on."""
        return (self.net, self.rows, *self.rows.code)

    def check(self, task: SequenceTask) -> None:
        """Refuse, by a PlanError, a task of another concept, or without what chooses the checkpoint."""
        ours, got = self.rows.concept.name, f"a task of '{task.concept}'"
        if task.concept != ours:
            raise PlanError(f"arm '{self.name}' draws rows of '{ours}'", got=got)
        if self.best_of is not None:
            _require_eval_set(task, self.best_of.on, f"arm '{self.name}'")

    def training(self) -> Mapping[str, Json]:
        """All that decides a replica's training, the seed and its end aside."""
        return {
            "rows": self.rows.describe(),
            "net": self.net.describe(),
            "adam": asdict(self.adam),
            "batch": self.batch,
            "lengths": list(self.lengths),
        }

    def describe(self) -> Mapping[str, Json]:
        """All that decides the arm's runs, the seed aside."""
        best = None if self.best_of is None else asdict(self.best_of)
        return {"name": self.name, **self.training(), "steps": self.steps, "best_of": best}

    def outline(self) -> str:
        """Net, steps and rows in a line."""
        best = "" if self.best_of is None else f", best of {self.best_of.checkpoints} checkpoints"
        return f"{self.net.outline()}; {self.steps} steps{best}; {self.rows.outline()}"

    def readings(self) -> tuple[int, ...]:
        """Steps after which the model predicts, ascending."""
        n = 1 if self.best_of is None else self.best_of.checkpoints
        return tuple(self.steps * (i + 1) // n for i in range(n))


@dataclass(frozen=True)
class Sweep:
    """The best of several arms at each seed, chosen on an eval set that nothing is reported on.

    Attributes:
        arms: What is tried; they differ in their settings, such as the learning rate.
        on: Name of the eval set that chooses; of equals, the first arm.

    Raises:
        PlanError: If nothing is tried, or two arms have one name.
    """

    name: str
    arms: tuple[ReplicaArm, ...]
    on: str

    def __post_init__(self) -> None:
        names = [arm.name for arm in self.arms]
        if not names or len({*names}) < len(names):
            raise PlanError(f"sweep '{self.name}' tries arms of different names, at least one", got=names)

    @property
    def members(self) -> tuple[ReplicaArm, ...]:
        """The arms that are trained for it."""
        return self.arms

    def choose(self, task: SequenceTask, runs: Mapping[str, Run]) -> Run:
        """The run of the member that is most accurate on the eval set that chooses."""
        best = max((runs[arm.name] for arm in self.arms), key=lambda run: accuracy(task, run.values, self.on))
        return replace(best, arm=self.name)

    @property
    def code(self) -> tuple[object, ...]:
        """Those of its arms."""
        return tuple(part for arm in self.arms for part in arm.code)

    def check(self, task: SequenceTask) -> None:
        """Refuse, by a PlanError, a task that an arm refuses, or without the eval set that chooses."""
        for arm in self.arms:
            arm.check(task)
        _require_eval_set(task, self.on, f"sweep '{self.name}'")

    def describe(self) -> Mapping[str, Json]:
        """All that decides the sweep's runs, the seed aside."""
        tried: list[Json] = [{**arm.describe(), "name": ""} for arm in self.arms]
        return {"name": self.name, "sweep": tried, "on": self.on}

    def outline(self) -> str:
        """The first arm, and the learning rates that are tried, in a line."""
        rates = ", ".join(f"{member.adam.lr:g}" for member in self.arms)
        return f"{self.arms[0].outline()}, the best of learning rates {rates} on '{self.on}'"


def _require_eval_set(task: SequenceTask, name: str, who: str) -> None:
    if name not in task.eval_sets:
        hint = did_you_mean(name, task.eval_sets)
        raise PlanError(f"{who}: the task has no eval set '{name}'", hint=hint)


def initial(arm: ReplicaArm, seed: int) -> Float32[np.ndarray, " parameters"]:
    """Parameters that an arm's replica starts from; arms of one architecture and generation share them."""
    sequence = np.random.SeedSequence([seed, arm.rows.generation, int(Purpose.INITIAL)])
    return arm.net.initial(int(sequence.generate_state(1)[0]))


def batches_of(arm: ReplicaArm, seed: int, steps: int, teachers: Sequence[Teacher] = ()) -> Iterator[Batches]:
    """Draw an arm's batches, up to `CHUNK` steps at a time; fewer steps are the beginning of more."""
    for chunk in range(-(-steps // CHUNK)):
        batches = _chunk(arm, Draw(seed, arm.rows.generation, chunk, teachers=teachers))
        yield batches.part(slice(0, min(CHUNK, steps - chunk * CHUNK)))


def _chunk(arm: ReplicaArm, draw: Draw) -> Batches:
    lengths = draw.lengths(arm.lengths)
    shape = (CHUNK, arm.lengths[1], arm.batch)
    tokens, labels = np.zeros(shape, dtype=np.int32), np.empty((CHUNK, arm.batch), dtype=np.float32)
    subtracted = None if arm.net.delta is None else np.zeros(shape, dtype=np.int32)
    for length in np.unique(lengths).tolist():
        steps = np.flatnonzero(lengths == length)
        by_step = (len(steps), arm.batch, length)
        own = replace(draw, rows=len(steps) * arm.batch, length=length)
        rows, theirs = arm.rows.draw(own)
        tokens[steps, :length] = rows.reshape(by_step).transpose(0, 2, 1)
        labels[steps] = theirs.reshape(len(steps), arm.batch)
        other = against(rows, arm.net.delta, own.rng(Purpose.DELTAS))
        if subtracted is not None and other is not None:
            subtracted[steps, :length] = other.reshape(by_step).transpose(0, 2, 1)
    return Batches(tokens, subtracted, labels, lengths)


def accuracy(task: SequenceTask, values: Values, on: str) -> float:
    """Share of an eval set's rows that are predicted rightly."""
    rows = task.eval_sets[on].rows
    return float((values["label"][rows] == task.held_out_labels[rows]).mean())
