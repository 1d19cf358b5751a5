"""A model that ran anywhere, audited from what it said of the held-out rows."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from negspace.errors import DataError, did_you_mean
from negspace.learners.arms import RowsArm
from negspace.learners.predictions import summarise_probabilities
from negspace.records import Json, Predictions, Run, TextTask

__all__ = ["ScoresLearner"]

_NOT_SCORES = re.compile(r"^(?:id|index|idx|row|text|label|group)$", re.IGNORECASE)
_PROBABILITY = re.compile(r"^(?:prob|proba|probability|p|score)_(?P<label>.+)$", re.IGNORECASE)
_TOLERANCE = 1e-3  # probabilities printed with three digits still add up to 1 within this, times their number


@dataclass(frozen=True, eq=False)
class ScoresLearner:
    """Predictions read from a table with one row per held-out row, in their order.

    Its columns are read in this order of trust:

    * ``prob_<label>`` (or ``p_``, ``proba_``, ``score_``; or a label's bare name) for every label:
      the probabilities of one model. With ``prob_<label>@<run>``, of several.
    * any other column whose values are labels: the predictions of one run.
    * with two labels, any other column of numbers in [0, 1]: the probability of the second label.

    Columns named id, index, row, text, label or group are passed over, as are those in ``ignore``.

    Attributes:
        runs_predictions: What each run said, in the order of the columns.
        run_names: The columns each run came from.
        source: Where the table came from.
    """

    runs_predictions: tuple[Predictions, ...]
    run_names: tuple[str, ...]
    source: str

    name = "scores"

    @classmethod
    def from_columns(
        cls,
        columns: Mapping[str, Sequence[object]],
        task: TextTask,
        *,
        source: str,
        lines: Sequence[int] | None = None,
        ignore: Sequence[str] = (),
    ) -> ScoresLearner:
        """Read predictions of a task's held-out rows.

        Args:
            columns: The table, column by column.
            task: Its held-out rows are what was predicted.
            source: Where the table came from, for messages.
            lines: Line of the source on which each row starts.
            ignore: Further columns that hold no scores.

        Returns:
            The learner, one run per column (or per set of probability columns).

        Raises:
            DataError: If the rows are not as many as those held out, a value is neither a label nor a
                probability, or no column holds scores.
        """
        reader = _Reader(task, source, lines)
        used = {
            name: values
            for name, values in columns.items()
            if name not in ignore and not _NOT_SCORES.match(name)
        }
        rows = len(task.held_out_labels)
        came = len(next(iter(columns.values()), ()))
        if came != rows:
            raise DataError(
                f"{source}: scores are needed for each of the {rows} held-out rows, in their order",
                came=f"{came} rows",
                do="score the rows of --test, then those of --near-miss, each in the order of its file",
            )
        runs = reader.probability_runs(used)
        taken = {column for names, _ in runs for column in names.split(", ")}
        runs += [(name, reader.single(name, values)) for name, values in used.items() if name not in taken]
        if not runs:
            raise DataError(
                f"{source}: no column holds scores",
                came=", ".join(columns),
                do="give a column of predicted labels, or prob_<label> for every label",
            )
        return cls(tuple(p for _, p in runs), tuple(n for n, _ in runs), source)

    def describe(self) -> Mapping[str, Json]:
        """All settings that decide a result: the scores themselves."""
        digest = hashlib.sha256()
        for p in self.runs_predictions:
            for values in (p.label.astype("<i8"), p.confidence.astype("<f8"), p.truth.astype("<f8")):
                digest.update(np.ascontiguousarray(values).tobytes())
        return {
            "name": self.name,
            "source": self.source,
            "columns": list(self.run_names),
            "sha256": digest.hexdigest(),
        }

    def runs(self, task: TextTask, jobs: Sequence[tuple[RowsArm, int]], *, workers: int) -> Iterator[Run]:
        """Hand out the runs: seed ``i`` is the ``i``-th of them."""
        del task, workers
        for arm, seed in jobs:
            yield Run(arm.name, seed, self.runs_predictions[seed])


@dataclass(frozen=True, eq=False)
class _Reader:
    task: TextTask
    source: str
    lines: Sequence[int] | None

    def probability_runs(self, columns: Mapping[str, Sequence[object]]) -> list[tuple[str, Predictions]]:
        """Runs given as one column of probabilities per label."""
        labels = {name: i for i, name in enumerate(self.task.label_names)}
        found: dict[str, dict[int, str]] = {}
        for column in columns:
            base, _, run = column.partition("@")
            match = _PROBABILITY.match(base)
            label = match["label"] if match else base
            if label in labels:
                found.setdefault(run, {})[labels[label]] = column
            elif match and len(labels) > 2:
                raise DataError(
                    f"{self.source}, column '{column}': no label of the data is called '{label}'",
                    do=did_you_mean(label, labels),
                )
        runs = []
        for of_label in found.values():
            missing = [name for name, i in labels.items() if i not in of_label]
            if missing and len(labels) > 2:
                raise DataError(
                    f"{self.source}: probabilities are needed for every label",
                    came=f"none for {', '.join(repr(name) for name in missing[:5])}",
                    do="add a column prob_<label> for each",
                )
            if missing:  # two labels, one column: the other is what is left of 1
                present = next(iter(of_label))
                p = self._numbers(of_label[present], columns[of_label[present]])
                matrix = np.stack([1 - p, p] if present == 1 else [p, 1 - p], axis=1)
            else:
                names = [of_label[i] for i in range(len(labels))]
                matrix = np.stack([self._numbers(name, columns[name]) for name in names], axis=1)
                self._check_sums(matrix, names)
            runs.append(
                (", ".join(of_label.values()), summarise_probabilities(matrix, self.task.held_out_labels))
            )
        return runs

    def single(self, column: str, values: Sequence[object]) -> Predictions:
        """A run given as one column: predicted labels, or the probability of the second of two."""
        labels = {name: i for i, name in enumerate(self.task.label_names)}
        names = [_as_label(value) for value in values]
        unknown = next((row for row, name in enumerate(names) if name not in labels), None)
        if unknown is None:
            unsaid = np.full(len(names), np.nan)
            return Predictions(np.array([labels[name] for name in names]), unsaid, unsaid)
        if len(labels) == 2 and all(isinstance(v, int | float) or _is_number(v) for v in values):
            p = self._numbers(column, values)
            return summarise_probabilities(np.stack([1 - p, p], axis=1), self.task.held_out_labels)
        raise DataError(
            f"{self.source}{self._line(unknown)}, column '{column}': neither a label nor a probability",
            came=values[unknown],
            do=did_you_mean(names[unknown], labels),
        )

    def _numbers(self, column: str, values: Sequence[object]) -> np.ndarray:
        numbers = np.array([float(str(v)) if _is_number(v) else math.nan for v in values])
        wrong = np.flatnonzero(~((numbers >= 0) & (numbers <= 1)))
        if len(wrong):
            raise DataError(
                f"{self.source}{self._line(int(wrong[0]))}, column '{column}': not a probability in [0, 1]",
                came=values[int(wrong[0])],
                do="pass logits through a softmax first, and leave no cell empty",
            )
        return numbers

    def _check_sums(self, matrix: np.ndarray, names: Sequence[str]) -> None:
        wrong = np.flatnonzero(np.abs(matrix.sum(axis=1) - 1) > _TOLERANCE * len(names))
        if len(wrong):
            raise DataError(
                f"{self.source}{self._line(int(wrong[0]))}: the probabilities of a row must add up to 1",
                came=f"{matrix[wrong[0]].sum():.4g} over {', '.join(names[:5])}",
                do="pass logits through a softmax first",
            )

    def _line(self, row: int) -> str:
        return f", row {row + 1}" if self.lines is None else f", line {self.lines[row]}"


def _is_number(value: object) -> bool:
    try:
        float(str(value))
    except ValueError:
        return False
    return True


def _as_label(value: object) -> str:
    """A cell as a label's name, whole numbers without their point."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
