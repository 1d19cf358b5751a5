"""Whether labels are right: accuracy, macro-F1, and both sides of a near-miss pair."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from negspace.metrics.base import METRICS, EvalSetMetric, labels_of, share_of, undefined
from negspace.records import LabelledTask, Measurement, Run, Task


@METRICS.register("accuracy")
@dataclass(frozen=True)
class Accuracy(EvalSetMetric):
    """Accuracy on one eval set, in [0, 1]."""

    kind = "accuracy"

    def __call__(self, run: Run, task: Task) -> Measurement:
        """Measure a run."""
        return share_of(self.right(run, task), self.clusters(task))


@METRICS.register("macro-f1")
@dataclass(frozen=True)
class MacroF1(EvalSetMetric):
    """Mean over labels of F1 = 2 TP / (2 TP + FP + FN), in [0, 1]: every label counts the same.

    Labels that are neither present nor predicted are left out, as in scikit-learn's ``f1_score``.
    The influence of a row is that of a ratio of means, ``(2 tp_i - F1 (2 tp_i + fp_i + fn_i)) / B`` with
    ``B`` the denominator above (Cochran 1977, Sampling Techniques, section 2.11), averaged over labels.
    """

    kind = "macro-F1"

    def __call__(self, run: Run, task: Task) -> Measurement:
        """Measure a run."""
        assert isinstance(task, LabelledTask)
        rows = task.eval_sets[self.on].rows
        if len(rows) == 0:
            return undefined()
        truth, said = task.held_out_labels[rows], run.values["label"][rows]
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


@METRICS.register("pair-consistency")
@dataclass(frozen=True)
class PairConsistency(EvalSetMetric):
    """Share of near-miss pairs of which both sides are predicted right, in [0, 1].

    The "contrast consistency" of Gardner et al. 2020 (Evaluating Models' Local Decision Boundaries via
    Contrast Sets) for sets of two. A model that gives both sides the same label scores 0.

    Attributes:
        on: Name of the eval set; its rows are one side, their partners the other.
    """

    kind = "pair consistency"
    title = "consistency of {on}"
    paired = True

    def __call__(self, run: Run, task: Task) -> Measurement:
        """Measure a run."""
        pairs = task.eval_sets[self.on]
        right = run.values["label"] == labels_of(task)
        both = right[pairs.rows] & right[pairs.partner]
        return share_of(both, self.clusters(task))


@METRICS.register("invariance")
@dataclass(frozen=True)
class Invariance(EvalSetMetric):
    """Share of varied texts that get the label their original gets, in [0, 1].

    Whether that label is right does not matter: the "invariance test" of Ribeiro et al. 2020 (Beyond
    Accuracy: Behavioral Testing of NLP Models with CheckList).

    Attributes:
        on: Name of the eval set; its rows are the varied texts, their partners the originals.
    """

    kind = "invariance"
    title = "invariance to {on}"
    paired = True

    def __call__(self, run: Run, task: Task) -> Measurement:
        """Measure a run."""
        varied, label = task.eval_sets[self.on], run.values["label"]
        return share_of(label[varied.rows] == label[varied.partner], self.clusters(task))
