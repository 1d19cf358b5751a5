"""Macro-F1: every label counts the same, however rare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from negspace.metrics.base import undefined
from negspace.records import Json, Measurement, Run, Task

__all__ = ["MacroF1"]


@dataclass(frozen=True)
class MacroF1:
    """Mean over labels of F1 = 2 TP / (2 TP + FP + FN), in [0, 1].

    Labels that are neither present nor predicted are left out, as in scikit-learn's ``f1_score``.
    The influence of a row is that of a ratio of means, ``(2 tp_i - F1 (2 tp_i + fp_i + fn_i)) / B`` with
    ``B`` the denominator above (Cochran 1977, Sampling Techniques, section 2.11), averaged over labels.

    Attributes:
        on: Name of the eval set.
    """

    on: str

    bounds = (0.0, 1.0)

    @property
    def name(self) -> str:
        """As results name the measure."""
        return f"macro-F1 on {self.on}"

    def describe(self) -> Mapping[str, Json]:
        """The measure and its test distribution."""
        return {"measure": "macro-F1", "on": self.on}

    def __call__(self, run: Run, task: Task) -> Measurement:
        """Measure a run."""
        rows = task.eval_sets[self.on].rows
        if len(rows) == 0:
            return undefined()
        truth, said = task.held_out_labels[rows], run.predictions.label[rows]
        n_labels = len(task.label_names)
        hits = np.bincount(truth[truth == said], minlength=n_labels)
        # 2 TP + FP + FN counts every row once as its true and once as its predicted label.
        denominator = np.bincount(truth, minlength=n_labels) + np.bincount(said, minlength=n_labels)
        used = denominator > 0
        f1 = np.divide(2.0 * hits, denominator, out=np.zeros(n_labels), where=used)
        per_row = np.divide(f1, denominator, out=np.zeros(n_labels), where=used)
        gain = np.divide(2.0, denominator, out=np.zeros(n_labels), where=used)
        influence = (np.where(truth == said, gain[truth], 0.0) - per_row[truth] - per_row[said]) / used.sum()
        return Measurement(float(f1[used].mean()), influence, task.held_out_clusters[rows])
