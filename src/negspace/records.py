"""The frozen records that rooms hand to each other.

Nothing here computes: a record says what a thing is, its shapes and its units. A room that
needs another room's result takes one of these and never that room's insides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from jaxtyping import Float, Int, Int32

__all__ = [
    "Estimate",
    "EvalSet",
    "Examples",
    "Fragments",
    "Interval",
    "Json",
    "Measurement",
    "Outcome",
    "Predictions",
    "Run",
    "SequenceTask",
    "Task",
    "TextTask",
    "Trace",
    "Verdict",
]

Json: TypeAlias = bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"] | None


@dataclass(frozen=True, eq=False)
class Examples:
    """Labelled texts, in the order of their source.

    Attributes:
        texts: One text a row.
        labels: Position of each row's label in ``label_names``.
        label_names: Distinct labels, sorted.
        groups: Group of each row, or None. Rows of one group are variants of one original; those
            with different labels are near misses of each other.
        source: Where the rows came from, for messages and reports (a path, or ``"DataFrame"``).
        lines: Line of the source on which each row starts, 1-based (for a source without lines,
            the row's number).
        fingerprint: SHA-256 (hex) of texts, labels and groups: the content, not the file.
    """

    texts: tuple[str, ...]
    labels: Int[np.ndarray, " rows"]
    label_names: tuple[str, ...]
    groups: Int[np.ndarray, " rows"] | None = None
    source: str = "memory"
    lines: Int[np.ndarray, " rows"] | None = None
    fingerprint: str = ""

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True, eq=False)
class EvalSet:
    """A named set of held-out rows on which something is measured.

    Attributes:
        name: The test distribution, as results name it.
        rows: Positions in the task's held-out rows.
        partner: For each of ``rows``, the position of the held-out row it is compared with (the
            other side of a near-miss pair, the text a variation was made from), or None.
    """

    name: str
    rows: Int[np.ndarray, " n"]
    partner: Int[np.ndarray, " n"] | None = None

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, eq=False)
class Fragments:
    """Passages of a corpus as a language model reads them, in the order of their source.

    Token 0 of a fragment is read and never predicted; tokens 1 to ``length - 1`` are scored.

    Attributes:
        texts: Each passage as it was written.
        tokens: Token ids, padded with 0 from ``lengths`` on.
        lengths: Number of tokens of each; at least 2.
        places: Where each starts, as messages and reports name it: ``input.txt, line 7``.
        fingerprint: SHA-256 (hex) of texts and tokens.
    """

    texts: tuple[str, ...]
    tokens: Int32[np.ndarray, "fragments longest"]
    lengths: Int[np.ndarray, " fragments"]
    places: tuple[str, ...]
    fingerprint: str

    def __len__(self) -> int:
        return len(self.texts)


@dataclass(frozen=True, eq=False)
class Trace:
    """One measure of what fragments do to a language model.

    Attributes:
        probe: The probe that took it.
        measure: What was measured; its unit stands in the probe's documentation.
        values: One for each fragment; NaN where it was not measured or is undefined.
        layer: The layer it was taken at, as the model names it; None for the model as a whole.
    """

    probe: str
    measure: str
    values: Float[np.ndarray, " fragments"]
    layer: str | None = None


@runtime_checkable
class Task(Protocol):
    """What measures read of a task: the held-out rows, and what is measured on them."""

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of all of the task's content."""
        ...

    @property
    def label_names(self) -> tuple[str, ...]:
        """Distinct labels."""
        ...

    @property
    def eval_sets(self) -> Mapping[str, EvalSet]:
        """By name. Their positions count from the first held-out row."""
        ...

    @property
    def held_out_labels(self) -> Int[np.ndarray, " held_out"]:
        """Position of each held-out row's label in ``label_names``."""
        ...

    @property
    def held_out_clusters(self) -> Int[np.ndarray, " held_out"]:
        """Cluster of each held-out row; rows of one cluster are not independent test items."""
        ...


@dataclass(frozen=True, eq=False)
class SequenceTask:
    """Token sequences whose label a rule decides, held out for measuring; training rows are drawn as needed.

    Attributes:
        concept: Name of the rule.
        tokens: Held-out sequences, padded with 0 from their length on.
        lengths: Number of tokens of each.
        held_out_labels: 1 where the rule holds (or, in an eval set that says so, is said to hold), else 0.
        held_out_clusters: A positive and the near misses made from it are one cluster.
        label_names: Names of the labels 0 and 1.
        eval_sets: By name.
        fingerprint: SHA-256 (hex) of all of the above.
    """

    concept: str
    tokens: Int32[np.ndarray, "held_out longest"]
    lengths: Int[np.ndarray, " held_out"]
    held_out_labels: Int[np.ndarray, " held_out"]
    held_out_clusters: Int[np.ndarray, " held_out"]
    label_names: tuple[str, ...]
    eval_sets: Mapping[str, EvalSet]
    fingerprint: str


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


@dataclass(frozen=True, eq=False)
class Predictions:
    """What one fitted model said of every held-out row.

    Attributes:
        label: The most probable label of each row.
        confidence: The probability it gave to that label, in [0, 1]; NaN where the model gave none.
        truth: The probability it gave to the row's own label, in [0, 1]; NaN where it gave none.
    """

    label: Int[np.ndarray, " held_out"]
    confidence: Float[np.ndarray, " held_out"]
    truth: Float[np.ndarray, " held_out"]


@dataclass(frozen=True, eq=False)
class Run:
    """One arm fitted with one seed, and what it predicted.

    Attributes:
        arm: Name of the arm.
        seed: The seed; arms of a study are paired by it.
        predictions: On all of the task's held-out rows.
        resumed: True if the run came out of the store instead of being computed.
        diverged_at: Step (from 0) at which training stopped being finite, and the model stayed as it was
            before; None for one that did not, or does not train by steps.
    """

    arm: str
    seed: int
    predictions: Predictions
    resumed: bool = False
    diverged_at: int | None = None


@dataclass(frozen=True, eq=False)
class Measurement:
    """One measure of one run.

    ``influence`` linearises the measure over its test items (Hampel 1974): the value moves by
    about ``influence[i]`` when item *i* is given infinitesimally more weight. For a mean it is
    ``(x_i - mean) / n``. Its variance over items is how evidence accounts for the test rows
    being a sample; a difference of two measures joins their influences, with a sign.

    Attributes:
        value: The measure; NaN where it is undefined.
        influence: Contribution of each item, summing to 0; empty if the measure has none.
        clusters: Identity of the cluster (group) each item belongs to; items of one cluster are
            not independent. Identities are shared by all eval sets of a task.
        resolution: Standard error that so many test items leave whatever they show. A share of exactly 0 or
            1 has no influence and yet is not known exactly: n rows that are all right do not tell 1 from
            1 - 2 / n.
    """

    value: float
    influence: Float[np.ndarray, " items"]
    clusters: Int[np.ndarray, " items"]
    resolution: float = 0.0


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
    """A measure over all seeds of an arm.

    Attributes:
        measure: Name of the measure.
        mean: Mean over seeds.
        interval: Of the mean, over seeds and test items.
        per_seed: The value at each seed, in the order of the study's seeds.
        n: Number of test items the measure looked at.
    """

    measure: str
    mean: float
    interval: Interval
    per_seed: tuple[float, ...]
    n: int


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
        margin: Smallest effect of interest, in the measure's units.
        effect: Mean per-seed effect; NaN where there is none.
        interval: Of the effect.
        p_value: One-sided p of the sign-flip test against ``margin`` (Holm-adjusted within a
            family); NaN where it was not computed.
        mde: Minimum detectable effect: the smallest true effect that would come out supported
            with 80 % power at this spread and number of seeds; NaN where unknown.
        seeds_needed: For an inconclusive outcome, seeds at which the effect seen would come out
            supported or refuted with 80 % power; None where no number of seeds would do.
    """

    outcome: Outcome
    reason: str
    margin: float
    effect: float
    interval: Interval
    p_value: float
    mde: float
    seeds_needed: int | None = None
