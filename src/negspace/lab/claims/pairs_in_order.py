"""How well one quantity orders what another one orders: the share of pairs they agree on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from negspace.metrics import EvalSetMetric, undefined
from negspace.records import Json, Measurement, Run, Task

__all__ = ["PairsInOrder"]


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
        share, influence = _in_order(quantity, outcome)
        if self.either_way and share < 0.5:
            share, influence = 1 - share, -influence
        clusters = self.clusters(task)
        return Measurement(share, influence, clusters, resolution=2.0 / (len(np.unique(clusters)) + 4))


def _in_order(
    quantity: Float[np.ndarray, " items"], outcome: Float[np.ndarray, " items"]
) -> tuple[float, Float[np.ndarray, " items"]]:
    """The share, and the influence of each item on it; some outcomes differ."""
    wanted = np.sign(outcome[:, None] - outcome)
    agree = (1 + wanted * np.sign(quantity[:, None] - quantity)) / 2
    counted = np.abs(wanted)
    pairs = counted.sum() / 2
    share = float((counted * agree).sum() / 2 / pairs)
    return share, (counted * (agree - share)).sum(1) / pairs
