"""Invariance: predictions unchanged under label-preserving variations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from negspace.metrics.base import share_of
from negspace.records import Json, Measurement, Run, Task

__all__ = ["Invariance"]


@dataclass(frozen=True)
class Invariance:
    """Share of varied texts that get the label their original gets, in [0, 1].

    Whether that label is right does not matter: the "invariance test" of Ribeiro et al. 2020 (Beyond
    Accuracy: Behavioral Testing of NLP Models with CheckList).

    Attributes:
        on: Name of the eval set; its rows are the varied texts, their partners the originals.
    """

    on: str

    bounds = (0.0, 1.0)

    @property
    def name(self) -> str:
        """As results name the measure."""
        return f"invariance to {self.on}"

    def describe(self) -> Mapping[str, Json]:
        """The measure and its test distribution."""
        return {"measure": "invariance", "on": self.on}

    def __call__(self, run: Run, task: Task) -> Measurement:
        """Measure a run."""
        varied = task.eval_sets[self.on]
        assert varied.partner is not None
        same = run.predictions.label[varied.rows] == run.predictions.label[varied.partner]
        return share_of(same, task.held_out_clusters[varied.rows])
