"""What a step on each held-out fragment leaves in a small language model, against what is asked of it."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import rankdata

from negspace.data import Fragments
from negspace.errors import PlanError, did_you_mean
from negspace.execution import run_jobs
from negspace.lab.planted.training import PlantedTraining, require_torch, torch_version
from negspace.language_models import LanguageModel, token_losses
from negspace.metrics import EvalSetMetric, undefined
from negspace.probes import StepProbe
from negspace.quantities import Quantity, declare
from negspace.records import EvalSet, Json, Measurement, Run, Task

QUANTITIES: Mapping[str, str] = {
    "loss": "mean loss, in nats per token",
    "pressure": "mean over tokens of 1 - P(token): softmax negative pressure at temperature 1",
    "gradient norm": "length of the gradient of the mean loss",
    "drift": "after a step on the fragment: 1 - cosine of its own hidden states, mean over tokens and layers",
    "drift beyond loss": "what a straight line from ranks by loss leaves of the ranks by drift, in a family",
    "first-order transfer": "dot product of the fragment's gradient with the reference's",
    "transfer": "mean loss of the reference before a step on the fragment, less that after it",
    "depth": "steps or levels of the rule",
}
"""What is known of each fragment, by its name."""

RANKS = declare(
    *(
        Quantity(f"{what}_rank", f"share of items below this one by the {what}, ties half", "share", 0.0, 1.0)
        for what in ("predictor", "outcome")
    )
)
"""What the runs of a `TraceLearner` hold."""

_BATCH = 2500


@dataclass(frozen=True, eq=False)
class TraceTask:
    """Held-out fragments, each of which a model takes a step on.

    Attributes:
        reference: Fragments that transfer is measured on.
        depth: Steps or levels of each; -1 where a fragment has none.
        held_out_clusters: Fragments of one fact are one cluster.
        fingerprint: SHA-256 (hex) of all else.
    """

    fragments: Fragments
    reference: Fragments
    families: tuple[str, ...]
    depth: Int[np.ndarray, " held_out"]
    held_out_clusters: Int[np.ndarray, " held_out"]
    eval_sets: Mapping[str, EvalSet]
    fingerprint: str


def trace_task(
    fragments: Fragments,
    reference: Fragments,
    *,
    families: Sequence[str],
    depth: Int[np.ndarray, " held_out"],
    kinds: Sequence[str],
    clusters: Int[np.ndarray, " held_out"],
    everything: str | None = None,
) -> TraceTask:
    """Put a task together, with an eval set for each kind, and one of ``everything`` where it has a name."""
    names, labels = np.unique(np.array(kinds), return_inverse=True)
    sets = {} if everything is None else {everything: np.arange(len(fragments))}
    sets |= {str(name): np.flatnonzero(labels == i) for i, name in enumerate(names)}
    digest = hashlib.sha256(f"{fragments.fingerprint} {reference.fingerprint} {list(sets)}".encode())
    digest.update("\n".join((*families, *kinds)).encode())
    digest.update(depth.astype(np.int64).tobytes() + clusters.astype(np.int64).tobytes())
    eval_sets, print_ = {name: EvalSet(name, rows) for name, rows in sets.items()}, digest.hexdigest()
    depth, clusters = depth.astype(np.int64), clusters.astype(np.int64)
    return TraceTask(fragments, reference, tuple(families), depth, clusters, eval_sets, print_)


@dataclass(frozen=True)
class TraceArm:
    """A quantity that may tell an outcome.

    Attributes:
        quantity: One of ``QUANTITIES``; ``outcome`` is another one.
        training: What the model was trained on.

    Raises:
        PlanError: If there is no such quantity, or it is its own outcome.
    """

    name: str
    quantity: str
    outcome: str
    training: PlantedTraining

    def __post_init__(self) -> None:
        for asked in (self.quantity, self.outcome):
            if asked not in QUANTITIES:
                raise PlanError(f"there is no quantity '{asked}'", hint=did_you_mean(asked, QUANTITIES))
        if self.quantity == self.outcome:
            raise PlanError(f"arm '{self.name}': a quantity always tells itself", got=self.quantity)

    @property
    def code(self) -> tuple[object, ...]:
        """Whose code decides the model."""
        return self.training.code

    def describe(self) -> Mapping[str, Json]:
        """Name, quantity, outcome and training."""
        asked = {"quantity": self.quantity, "outcome": self.outcome}
        return {"name": self.name, **asked, **self.training.describe()}

    def outline(self) -> str:
        """What is compared with what, and the training, in a line."""
        return f"{QUANTITIES[self.quantity]}; against {self.outcome}; {self.training.outline()}"

    def check(self, task: TraceTask) -> None:
        """Refuse, by a PlanError, a task whose fragments have no depth, where depth is asked for."""
        if "depth" in (self.quantity, self.outcome) and (task.depth < 0).any():
            raise PlanError(f"arm '{self.name}' asks for depth, which some fragments do not have")


@dataclass(frozen=True)
class TraceLearner:
    """Trains small language models, takes a step on each held-out fragment, and undoes it.

    A run holds the rank of each fragment by the arm's quantity and by its outcome: all that the metric
    `PairsInOrder` asks for. Arms of one training and seed share its model.

    The step of a seed's model is one at which the loss of the median held-out fragment would ``fall`` so far,
    in nats per token, to first order (`choose_step_size`).
    """

    fall: float = 0.1

    name = "planted traces"
    gives = RANKS

    def describe(self) -> Mapping[str, Json]:
        """Size of the step, and PyTorch's version; another one may round differently."""
        return {"name": self.name, "fall": self.fall, **torch_version()}

    def runs(self, task: TraceTask, jobs: Sequence[tuple[TraceArm, int]], *, workers: int) -> Iterator[Run]:
        """Train the model of each training and seed once, and yield its arms as it is done.

        Raises:
            MissingExtraError: If PyTorch is not installed.
        """
        require_torch()
        shared: defaultdict[tuple[PlantedTraining, int], list[TraceArm]] = defaultdict(list)
        for arm, seed in jobs:
            shared[arm.training, seed].append(arm)
        calls = ((task, training, seed, arms, self.fall) for (training, seed), arms in shared.items())
        for runs in run_jobs(_traced, calls, workers=workers):
            yield from runs


def _traced(
    task: TraceTask, training: PlantedTraining, seed: int, arms: Sequence[TraceArm], fall: float
) -> list[Run]:
    known = _quantities(training.train(seed), task, fall)
    # Share of the items below each, half of those beside it counted; NaN where any value is missing.
    ranks = {
        name: (rankdata(values) - 0.5) / len(values)
        if np.isfinite(values).all()
        else np.full(len(values), np.nan)
        for name, values in known.items()
    }
    return [
        Run(arm.name, seed, {"predictor_rank": ranks[arm.quantity], "outcome_rank": ranks[arm.outcome]})
        for arm in arms
    ]


def _quantities(
    model: LanguageModel, task: TraceTask, fall: float
) -> dict[str, Float[np.ndarray, " held_out"]]:
    from negspace.probes.engines.sgd_step import choose_step_size, squared_norms

    rows = np.arange(len(task.fragments))
    losses = token_losses(model, task.fragments, rows, _BATCH).astype(np.float64)
    size = choose_step_size(squared_norms(model, task.fragments, range(len(rows))), fall)
    probe = StepProbe(task.reference, size, queries=0)
    traces = probe.measure(model, task.fragments, rows, batch=_BATCH).traces
    whole = {trace.metric: trace.values for trace in traces if trace.layer is None}
    loss = np.nanmean(losses, axis=1)
    drift = np.mean([trace.values for trace in traces if trace.metric == "drift"], axis=0)
    return {
        "loss": loss,
        "pressure": np.nanmean(1 - np.exp(-losses), axis=1),
        "gradient norm": np.sqrt(whole["self-influence first order"] / size),
        "drift": drift,
        "drift beyond loss": _beyond(drift, loss, task.families),
        "first-order transfer": whole["transfer first order"],
        "transfer": whole["transfer"],
        "depth": task.depth.astype(np.float64),
    }


def _beyond(
    values: Float[np.ndarray, " items"], known: Float[np.ndarray, " items"], families: Sequence[str]
) -> Float[np.ndarray, " items"]:
    """Residuals, within each family, of the least-squares line from one's ranks to the other's."""
    left = np.full(len(values), np.nan)
    for family in set(families):
        rows = np.flatnonzero(np.array(families) == family)
        y, x = rankdata(values[rows]), rankdata(known[rows])
        y, x = y - y.mean(), x - x.mean()
        left[rows] = y - x * (x @ y) / max(x @ x, 1e-12)
    return left


@dataclass(frozen=True)
class PairsInOrder(EvalSetMetric):
    """Of the pairs of fragments whose outcomes differ, the share that a quantity orders as the outcome does.

    A pair that the quantity cannot tell apart counts half. 0.5 is chance. It is Harrell's concordance
    (Harrell et al. 1982), and without ties ``(1 + τ) / 2`` with Kendall's τ: a rank correlation in the unit
    that the lab's pages are written in. Its influence is that of a ratio of two U-statistics (Hoeffding
    1948).

    It reads the runs of a `TraceLearner`.

    Attributes:
        on: Name of the eval set.
        either_way: Whether a quantity that orders the pairs the wrong way round counts as much as one that
            orders them rightly: ``max(c, 1 - c)``. Near 0.5 this is biased upwards, by no more than the
            standard error.
    """

    either_way: bool = False

    kind = "pairs in order"
    reads = ("predictor_rank", "outcome_rank")

    @property
    def name(self) -> str:
        """As results name the metric."""
        return f"pairs in order{', either way' if self.either_way else ''} on {self.on}"

    @property
    def bounds(self) -> tuple[float, float]:
        """Least and greatest share."""
        return (0.5 if self.either_way else 0.0), 1.0

    def describe(self) -> Mapping[str, Json]:
        """The metric and its test distribution."""
        return {**super().describe(), "either_way": self.either_way}

    def __call__(self, run: Run, task: Task) -> Measurement:
        """Measure a run; undefined where no outcomes differ, or a number is missing."""
        quantity, outcome = (self.items(run, task, name) for name in self.reads)
        missing = np.isnan(quantity).any() or np.isnan(outcome).any()
        if missing or len(np.unique(outcome)) < 2:
            return undefined()
        wanted = np.sign(outcome[:, None] - outcome)
        agree = (1 + wanted * np.sign(quantity[:, None] - quantity)) / 2
        counted = np.abs(wanted)
        pairs = counted.sum() / 2
        share = float((counted * agree).sum() / 2 / pairs)
        influence = (counted * (agree - share)).sum(1) / pairs
        if self.either_way and share < 0.5:
            share, influence = 1 - share, -influence
        clusters = self.clusters(task)
        return Measurement(share, influence, clusters, resolution=2.0 / (len(np.unique(clusters)) + 4))
