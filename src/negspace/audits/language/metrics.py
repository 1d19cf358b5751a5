"""What is measured of choices beside their accuracy: margins, and the pressure where two sentences part."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np
from jaxtyping import Float

from negspace.errors import PlanError
from negspace.evaluation.minimal_pairs import PairTask
from negspace.metrics import EvalSetMetric, mean_of
from negspace.records import Measurement, Run, Task

__all__ = ["CompetitorProbability", "Margin", "Pressure"]


@dataclass(frozen=True)
class _ChoiceMetric(EvalSetMetric):
    """A mean over near misses; NaN, where one sentence ends before the other parts from it, is left out."""

    def check(self, task: Task) -> None:
        """Refuse a task whose items are no choices between two sentences."""
        super().check(task)
        if not isinstance(task, PairTask):
            raise PlanError(f"{self.name}: the items of the task are no minimal pairs")

    def _mean(self, values: Float[np.ndarray, " chosen"], task: Task) -> Measurement:
        defined = ~np.isnan(values)
        return mean_of(values[defined], self.clusters(task)[defined])


@dataclass(frozen=True)
class Margin(_ChoiceMetric):
    """Mean of ln P(good) - ln P(bad), in nats.

    Attributes:
        on: Name of an eval set of near misses.
    """

    kind = "margin"
    reads = ("good_mean_token_prob", "other_mean_token_prob")

    @property
    def bounds(self) -> tuple[float, float]:
        """None."""
        return -inf, inf

    def __call__(self, run: Run, task: Task) -> Measurement:
        """Measure a run."""
        assert isinstance(task, PairTask)
        pairs = task.eval_sets[self.on].rows  # near misses stand first, one a pair
        good, bad = (
            np.log(self.items(run, task, name)) * task.scored[first + pairs]
            for name, first in zip(self.reads, (0, len(task.pairs)), strict=True)
        )
        return self._mean(good - bad, task)


@dataclass(frozen=True)
class Pressure(_ChoiceMetric):
    """Mean of 1 - P(good token) where the sentences of a pair part, in [0, 1].

    It is the total negative pressure of the softmax there, at temperature 1: by how much a step on the good
    sentence would lift its token, and push down all others together.

    Attributes:
        on: Name of an eval set of near misses.
    """

    kind = "pressure at the parting"
    title = "pressure on {on}"
    reads = ("good_token_prob",)

    def __call__(self, run: Run, task: Task) -> Measurement:
        """Measure a run."""
        return self._mean(1 - self.items(run, task, "good_token_prob"), task)


@dataclass(frozen=True)
class CompetitorProbability(_ChoiceMetric):
    """Mean of P(bad token) where the sentences of a pair part, in [0, 1].

    That much of the pressure on the good token falls on the bad one.

    Attributes:
        on: Name of an eval set of near misses.
    """

    kind = "probability of the bad token"
    reads = ("bad_token_prob",)

    def __call__(self, run: Run, task: Task) -> Measurement:
        """Measure a run."""
        return self._mean(self.items(run, task, "bad_token_prob"), task)
