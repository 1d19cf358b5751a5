"""Frozen records that packages exchange: what a thing is, its shapes and its units. Nothing here computes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from jaxtyping import Float, Int, Shaped

Values: TypeAlias = Mapping[str, Shaped[np.ndarray, " held_out"]]
"""For each named quantity (`negspace.quantities`), one value per held-out item of a task."""

Json: TypeAlias = bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"] | None


@dataclass(frozen=True, eq=False)
class EvalSet:
    """A named set of held-out items on which something is measured.

    Attributes:
        name: The test distribution, as results name it.
        rows: Positions in the task's held-out items.
        partner: For each of ``rows``, the position of the held-out item it is compared with (the
            other side of a near-miss pair, the text a variation was made from), or None.
    """

    name: str
    rows: Int[np.ndarray, " n"]
    partner: Int[np.ndarray, " n"] | None = None

    def __len__(self) -> int:
        return len(self.rows)


@runtime_checkable
class Task(Protocol):
    """What every study needs to know about a task: its held-out items, and what is measured on them.

    What an item is (a text, a pair of sentences, a sequence of tokens) is known to the task's package alone.
    """

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of all of the task's content."""

    @property
    def eval_sets(self) -> Mapping[str, EvalSet]:
        """Eval sets by name. Their positions count from the first held-out item."""

    @property
    def held_out_clusters(self) -> Int[np.ndarray, " held_out"]:
        """Cluster of each held-out item; items of one cluster are not independent."""


@runtime_checkable
class LabelledTask(Task, Protocol):
    """A task each of whose held-out items has one right label."""

    @property
    def label_names(self) -> tuple[str, ...]:
        """Distinct labels."""

    @property
    def held_out_labels(self) -> Int[np.ndarray, " held_out"]:
        """Position of each held-out item's label in ``label_names``."""


@dataclass(frozen=True, eq=False)
class Run:
    """One arm fitted with one seed, and what it gave for every held-out item.

    Attributes:
        arm: Name of the arm.
        seed: The seed; arms of a study are paired by it.
        values: One array per quantity that the learner gives.
        resumed: True if the run came out of the store instead of being computed.
        diverged_at: Step (from 0) at which training stopped being finite, and the model stayed as it was
            before; None for one that did not, or does not train by steps.
    """

    arm: str
    seed: int
    values: Values
    resumed: bool = False
    diverged_at: int | None = None


@dataclass(frozen=True, eq=False)
class Measurement:
    """What a metric measured on one run.

    ``influence`` linearises the metric over its test items (Hampel 1974): the value moves by
    about ``influence[i]`` when item *i* is given infinitesimally more weight. For a mean it is
    ``(x_i - mean) / n``. Its variance over items is how evidence accounts for the test rows
    being a sample; a difference of two metrics joins their influences, with a sign.

    Attributes:
        value: Value of the metric; NaN where it is undefined.
        influence: Contribution of each item, summing to 0; empty if the metric has none.
        clusters: Identity of the cluster (group) each item belongs to; items of one cluster are
            not independent. Identities are shared by all eval sets of a task.
        resolution: Standard error that so many test items leave whatever they show. A share of exactly 0 or
            1 has no influence and yet is not known exactly: n rows that are all right do not tell 1 from
            1 - 2 / n.
        parts: The test set of each item, counted from 0, where a difference looks at several; None for one.
    """

    value: float
    influence: Float[np.ndarray, " items"]
    clusters: Int[np.ndarray, " items"]
    resolution: float = 0.0
    parts: Int[np.ndarray, " items"] | None = None


@dataclass(frozen=True)
class Interval:
    """A confidence interval.

    Attributes:
        low: Lower end; ``-inf`` or NaN where there is none.
        high: Upper end.
        level: Confidence level, in (0, 1).
    """

    low: float
    high: float
    level: float = 0.95


@dataclass(frozen=True, eq=False)
class Estimate:
    """A metric over all seeds of an arm.

    Attributes:
        metric: Name of the metric.
        mean: Mean over seeds.
        interval: Interval of the mean, over seeds and test items.
        per_seed: The value at each seed, in the order of the study's seeds.
        n: Number of test items the metric looked at.
        clusters: How many clusters of one size would weigh as theirs do, ``(sum n)**2 / sum n**2``: an
            interval rests on so many independent pieces.
    """

    metric: str
    mean: float
    interval: Interval
    per_seed: tuple[float, ...]
    n: int
    clusters: float = math.inf


class Outcome(StrEnum):
    """How a hypothesis came out."""

    SUPPORTED = "supported"
    REFUTED = "refuted"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Verdict:
    """The outcome of a hypothesis, with the numbers that decided it.

    Attributes:
        outcome: Supported, refuted or inconclusive.
        reason: One sentence: which numbers decided it.
        margin: Smallest effect of interest, in the metric's units.
        effect: Mean per-seed effect; NaN where there is none.
        interval: Interval of the effect.
        p_value: One-sided p of the interval: at most half of what its level leaves exactly where its
            lower end clears the margin. NaN where it was not computed.
        mde: Minimum detectable effect: the smallest true effect that would come out supported
            with 80 % power at this spread and number of seeds; NaN where unknown.
        seeds_needed: For an inconclusive outcome, seeds at which the effect seen would come out
            supported or refuted with 80 % power; None where no number of seeds would do.
        p_adjusted: The p after Holm's correction over the family, which decides; ``p_value`` alone in a
            family of one.
        look: How often the question has been asked of these test rows, this time included.
    """

    outcome: Outcome
    reason: str
    margin: float
    effect: float
    interval: Interval
    p_value: float
    mde: float
    seeds_needed: int | None = None
    p_adjusted: float = math.nan
    look: int = 1
