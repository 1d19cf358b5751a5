"""The task of labelled texts, and what is trained on in it."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

from negspace.errors import PlanError
from negspace.models.learner import Arm, Learner
from negspace.records import EvalSet, Json, Values


@dataclass(frozen=True, eq=False)
class TextTask:
    """Labelled texts, some to train on and some held out, and what is measured on the latter.

    Attributes:
        texts: The training rows, then the held-out rows.
        labels: Position of each text's label in ``label_names``.
        label_names: Distinct labels, sorted.
        clusters: Identity of the cluster (given group or found near-duplicates) of each text. Rows of
            one cluster are drawn together and are not independent test items.
        n_train: Number of training rows; the rest is held out.
        eval_sets: By name. Their positions count from the first held-out row.
        distance: For each held-out row, cosine distance to the nearest row of another label it is
            measured against; NaN where there is none.
        fingerprint: SHA-256 (hex) of all of the above.
    """

    texts: tuple[str, ...]
    labels: Int[np.ndarray, " texts"]
    label_names: tuple[str, ...]
    clusters: Int[np.ndarray, " texts"]
    n_train: int
    eval_sets: Mapping[str, EvalSet]
    distance: Float[np.ndarray, " held_out"]
    fingerprint: str

    @property
    def held_out_labels(self) -> Int[np.ndarray, " held_out"]:
        """Labels of the held-out rows."""
        return self.labels[self.n_train :]

    @property
    def held_out_clusters(self) -> Int[np.ndarray, " held_out"]:
        """Clusters of the held-out rows."""
        return self.clusters[self.n_train :]


@runtime_checkable
class TextArm(Arm, Protocol):
    """An arm of a text task: training rows, which may differ from seed to seed."""

    def draw(self, task: TextTask, seed: int) -> Int[np.ndarray, " drawn"]:
        """Positions in the task of the rows that one seed trains on."""


TextLearner: TypeAlias = Learner[TextTask, TextArm]
"""Fits rows of texts."""


@dataclass(frozen=True, eq=False)
class RowsArm:
    """Training rows, of which every seed leaves out a random share of the clusters.

    A bootstrap would leave out 37 % of the rows at each seed, and so measure a smaller set than the one
    that is audited (on 1,707 reviews it costs 3 points of accuracy; leaving a tenth out costs less than 1).

    Attributes:
        rows: Positions of the arm's rows in the task.
        keep: Share of the clusters that each seed trains on, in (0, 1].

    Raises:
        PlanError: If ``keep`` is out of range.
    """

    name: str
    rows: Int[np.ndarray, " rows"]
    keep: float = 0.9

    def __post_init__(self) -> None:
        if not 0 < self.keep <= 1:
            raise PlanError(
                f"arm '{self.name}': keep is the share of clusters a seed trains on, above 0 and at most 1",
                got=self.keep,
            )

    @property
    def code(self) -> tuple[object, ...]:
        """Nothing beside the learner."""
        return ()

    def check(self, task: TextTask) -> None:
        """Refuse rows that the task does not train on."""
        if len(self.rows) == 0:
            raise PlanError(f"arm '{self.name}' has no rows")
        if self.rows.min() < 0 or self.rows.max() >= task.n_train:
            raise PlanError(
                f"arm '{self.name}' has rows that are no training rows of the task",
                got=f"rows {self.rows.min()} to {self.rows.max()} of {task.n_train}",
                hint="train on rows 0 to n_train - 1; those after them are held out",
            )

    def describe(self) -> Mapping[str, Json]:
        """All that decides which rows a seed trains on."""
        rows = np.ascontiguousarray(self.rows, dtype="<i8")
        return {"name": self.name, "rows": hashlib.sha256(rows.tobytes()).hexdigest(), "keep": self.keep}

    def draw(self, task: TextTask, seed: int) -> Int[np.ndarray, " drawn"]:
        """Draw the rows that one seed trains on, clusters kept whole, in the order of the task.

        A draw that lost a label altogether would ask another question, so one cluster of each lost label is
        kept on top of the share. Arms with the same rows draw the same ones at the same seed.
        """
        clusters, position = np.unique(task.clusters[self.rows], return_inverse=True)
        rng = np.random.default_rng([seed, 0])
        order = rng.permutation(len(clusters))
        kept = np.zeros(len(clusters), dtype=bool)
        kept[order[: max(1, round(self.keep * len(clusters)))]] = True
        place = np.argsort(order)
        labels = task.labels[self.rows]
        for label in np.setdiff1d(labels, labels[kept[position]]):
            of_label = position[labels == label]
            if not kept[of_label].any():  # a cluster brought back for an earlier label may hold this one too
                kept[of_label[place[of_label].argmin()]] = True
        return np.sort(self.rows[kept[position]])


def summarise_probabilities(
    probabilities: Float[np.ndarray, "held_out labels"], truth: Int[np.ndarray, " held_out"]
) -> Values:
    """Keep the predicted label, its probability, and the probability of the true label.

    Three numbers a row instead of one per label, so that a store of many seeds and labels stays small. Of
    equally probable labels the first is the predicted one.
    """
    label = probabilities.argmax(axis=1)
    rows = np.arange(len(truth))
    return {"label": label, "confidence": probabilities[rows, label], "truth": probabilities[rows, truth]}


@contextmanager
def one_thread_each() -> Iterator[None]:
    """One thread a fit; and no guess of scikit-learn's that labels with few rows were meant as numbers."""
    # Imported before the limit is set, which holds for the libraries that are loaded.
    import sklearn.linear_model  # noqa: F401  (slow to import)
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The number of unique classes is greater than 50%")
        yield
