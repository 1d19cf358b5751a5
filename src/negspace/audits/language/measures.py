"""What is measured of choices beside their accuracy: margins, and the pressure where two sentences part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf

import numpy as np
from jaxtyping import Float, Int

from negspace.evaluation.minimal_pairs import BAD_SENTENCES, BAD_TOKEN, GOOD_SENTENCES, GOOD_TOKEN, PairTask
from negspace.metrics.base import mean_of
from negspace.records import Json, Measurement, Run, Task

__all__ = ["CompetitorProbability", "Margin", "Pressure"]


@dataclass(frozen=True)
class Margin:
    """Mean of ln P(good) - ln P(bad), in nats.

    Attributes:
        on: Name of an eval set of near misses.
    """

    on: str

    bounds = (-inf, inf)

    @property
    def name(self) -> str:
        """As results name the measure."""
        return f"margin on {self.on}"

    def describe(self) -> Mapping[str, Json]:
        """The measure and its test distribution."""
        return {"measure": "margin", "on": self.on}

    def __call__(self, run: Run, task: Task) -> Measurement:
        """Measure a run."""
        task, pairs = _of_pairs(task, self.on)
        good, bad = (
            np.log(_truth(run, task, on, pairs)) * task.scored[first + pairs]
            for on, first in ((GOOD_SENTENCES, 0), (BAD_SENTENCES, len(task.pairs)))
        )
        return _mean(good - bad, pairs, task)


@dataclass(frozen=True)
class Pressure:
    """Mean of 1 - P(good token) where the sentences of a pair part, in [0, 1].

    It is the total negative pressure of the softmax there, at temperature 1: by how much a step on the good
    sentence would lift its token, and push down all others together.

    Attributes:
        on: Name of an eval set of near misses.
    """

    on: str

    bounds = (0.0, 1.0)

    @property
    def name(self) -> str:
        """As results name the measure."""
        return f"pressure on {self.on}"

    def describe(self) -> Mapping[str, Json]:
        """The measure and its test distribution."""
        return {"measure": "pressure at the parting", "on": self.on}

    def __call__(self, run: Run, task: Task) -> Measurement:
        """Measure a run."""
        task, pairs = _of_pairs(task, self.on)
        return _mean(1 - _truth(run, task, GOOD_TOKEN, pairs), pairs, task)


@dataclass(frozen=True)
class CompetitorProbability:
    """Mean of P(bad token) where the sentences of a pair part, in [0, 1].

    That much of the pressure on the good token falls on the bad one.

    Attributes:
        on: Name of an eval set of near misses.
    """

    on: str

    bounds = (0.0, 1.0)

    @property
    def name(self) -> str:
        """As results name the measure."""
        return f"probability of the bad token on {self.on}"

    def describe(self) -> Mapping[str, Json]:
        """The measure and its test distribution."""
        return {"measure": "probability of the bad token", "on": self.on}

    def __call__(self, run: Run, task: Task) -> Measurement:
        """Measure a run."""
        task, pairs = _of_pairs(task, self.on)
        return _mean(_truth(run, task, BAD_TOKEN, pairs), pairs, task)


def _of_pairs(task: Task, on: str) -> tuple[PairTask, Int[np.ndarray, " chosen"]]:
    """The task as what it is, and the pairs of an eval set: its choices stand first, one a pair."""
    assert isinstance(task, PairTask)
    rows = task.eval_sets[on].rows
    assert not len(rows) or rows.max() < len(task.pairs)
    return task, rows


def _truth(
    run: Run, task: PairTask, on: str, pairs: Int[np.ndarray, " chosen"]
) -> Float[np.ndarray, " chosen"]:
    """What a run keeps of some pairs in one of the task's blocks."""
    return np.asarray(run.predictions.truth[task.eval_sets[on].rows[pairs]])


def _mean(
    values: Float[np.ndarray, " chosen"], pairs: Int[np.ndarray, " chosen"], task: PairTask
) -> Measurement:
    # NaN where one sentence ends before the other parts from it: there is no token to speak of.
    defined = ~np.isnan(values)
    return mean_of(values[defined], task.held_out_clusters[pairs][defined])
