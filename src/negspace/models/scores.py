"""A model that ran anywhere, audited from what it said of the held-out rows."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int

from negspace.data import read_table
from negspace.errors import DataError, PlanError, did_you_mean
from negspace.models.learner import LEARNERS
from negspace.models.text_task import TextArm, TextTask, summarise_probabilities
from negspace.quantities import PREDICTION
from negspace.records import Json, Run, Values

_NOT_SCORES = re.compile(r"^(?:id|index|idx|row|text|label|group)$", re.IGNORECASE)
_PROBABILITY = re.compile(r"^(?:prob|proba|probability|p|score)_(?P<label>.+)$", re.IGNORECASE)
_TOLERANCE = 1e-3  # probabilities printed with three digits still add up to 1 within this, times their number


@LEARNERS.register("scores", argument="FILE")
@dataclass(frozen=True)
class ScoresFile:
    """Predictions of a model that ran elsewhere, one row per test row; for audit."""

    path: str

    name = "scores"
    gives = PREDICTION
    n_runs = 0  # known once there is a task

    def for_task(self, task: TextTask, *, ignore: Sequence[str] = ()) -> ScoresLearner:
        """Read the predictions of a task's held-out rows; see `ScoresLearner.from_columns`."""
        table = read_table(Path(self.path))
        return ScoresLearner.from_columns(
            table.columns, task, source=table.source, lines=[int(line) for line in table.lines], ignore=ignore
        )

    def describe(self) -> Mapping[str, Json]:
        """The file's name; what it holds is known once there is a task."""
        return {"name": self.name, "source": self.path}

    def runs(self, task: TextTask, jobs: Sequence[tuple[TextArm, int]], *, workers: int) -> Iterator[Run]:
        """Read the file, and hand out its runs."""
        yield from self.for_task(task).runs(task, jobs, workers=workers)


@dataclass(frozen=True, eq=False)
class ScoresLearner:
    """Predictions read from a table with one row per held-out row, in their order.

    Its columns are read in this order of trust:

    * ``prob_<label>`` (or ``p_``, ``proba_``, ``score_``; or a label's bare name) for every label:
      the probabilities of one model. With ``prob_<label>@<run>``, of several.
    * any other column whose values are labels: the predictions of one run.
    * with two labels, any other column of numbers in [0, 1]: the probability of the second label.

    Columns named id, index, row, text, label or group are passed over, unless that is a label's name and
    they hold probabilities; so are those in ``ignore``.
    """

    # values of each run: sets of probability columns first, then single columns
    runs_values: tuple[Values, ...]
    run_names: tuple[str, ...]  # the columns each run came from
    source: str

    name = "scores"
    gives = PREDICTION

    @property
    def n_runs(self) -> int:
        """Number of runs, which are the seeds from 0."""
        return len(self.runs_values)

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
        """Read predictions of a task's held-out rows: a run per column, or per set of probability columns.

        ``lines`` are those of ``source`` on which the rows start, for messages; columns in ``ignore`` hold no
        scores.

        Raises: DataError: If the rows are not as many as those held out, a value is neither a label nor a
        probability, probabilities do not add up to 1, no column holds scores, or a column's name leaves open
        whose probability it holds.
        """
        rows = len(task.held_out_labels)
        wrong = [len(values) for values in columns.values() if len(values) != rows]
        if wrong or not columns:
            raise DataError(
                f"{source}: scores are needed for each of the {rows} held-out rows, in their order",
                got=f"{wrong[0] if wrong else 0} rows",
                hint="score the rows of --test, then those of --near-miss, each in the order of its file",
            )
        reader = _Reader(task.label_names, source, lines)
        used = {
            column: values
            for column, values in columns.items()
            if column not in ignore and not reader.is_passed_over(column, values)
        }
        truth = task.held_out_labels
        runs: dict[str, Values] = {}
        sets = reader.probability_sets(used)
        for names in sets:
            runs[", ".join(names.values())] = summarise_probabilities(reader.matrix(used, names), truth)
        taken = {column for names in sets for column in names.values()}
        for column, values in used.items():
            if column not in taken:
                runs[column] = reader.single(column, values, truth)
        if not runs:
            raise DataError(
                f"{source}: no column holds scores",
                got=", ".join(columns),
                hint="give a column of predicted labels, or prob_<label> for every label",
            )
        return cls(tuple(runs.values()), tuple(runs), source)

    def describe(self) -> Mapping[str, Json]:
        """All settings that decide a result: the scores themselves."""
        digest = hashlib.sha256()
        for values in self.runs_values:
            for name, kind in (("label", "<i8"), ("confidence", "<f8"), ("truth", "<f8")):
                digest.update(np.ascontiguousarray(values[name].astype(kind)).tobytes())
        return {
            "name": self.name,
            "source": self.source,
            "columns": list(self.run_names),
            "sha256": digest.hexdigest(),
        }

    def runs(self, task: TextTask, jobs: Sequence[tuple[TextArm, int]], *, workers: int) -> Iterator[Run]:
        """Hand out the runs: seed ``i`` is the ``i``-th of them."""
        del task, workers
        for arm, seed in jobs:
            if not 0 <= seed < len(self.runs_values):
                raise PlanError(
                    f"{self.source}: it holds {len(self.runs_values)} runs, which are the seeds from 0",
                    got=f"seed {seed}",
                )
            yield Run(arm.name, seed, self.runs_values[seed])


@dataclass(frozen=True, eq=False)
class _Reader:
    label_names: tuple[str, ...]
    source: str
    lines: Sequence[int] | None

    @property
    def labels(self) -> Mapping[str, int]:
        """Position of each label by its name."""
        return {name: i for i, name in enumerate(self.label_names)}

    def is_passed_over(self, column: str, values: Sequence[object]) -> bool:
        """Whether a column is known by its name to hold no scores."""
        if not _NOT_SCORES.match(column):
            return False
        # "id" is also a language, and "text" a kind of page.
        return column not in self.labels or not all(0 <= _number(value) <= 1 for value in values)

    def probability_sets(self, columns: Iterable[str]) -> list[dict[int, str]]:
        """For each model whose probabilities have a column per label, the column of each label."""
        found: dict[str, dict[int, str]] = {}
        for column in columns:
            label, model = self._label_and_model(column)
            if label is None:
                continue
            of_label = found.setdefault(model, {})
            if (other := of_label.setdefault(self.labels[label], column)) != column:
                raise DataError(
                    f"{self.source}: two columns hold the probability of '{label}'",
                    got=f"'{other}' and '{column}'",
                    hint="drop one, or name the columns of several models prob_<label>@<model>",
                )
        return list(found.values())

    def _label_and_model(self, column: str) -> tuple[str | None, str]:
        """The label whose probability a column holds by its name, if any, and the model."""
        base, _, model = column.rpartition("@") if "@" in column else (column, "", "")
        match = None
        for name, of_model in ((column, ""), (base, model)):
            match = _PROBABILITY.match(name)
            for label in (match["label"] if match else name, name):
                if label in self.labels:
                    return label, of_model
        if match:  # with two labels too: read as the second's, a mistyped first would be turned around
            raise DataError(
                f"{self.source}, column '{column}': no label of the data is called '{match['label']}'",
                hint=did_you_mean(match["label"], self.labels),
            )
        return None, ""

    def matrix(self, columns: Mapping[str, Sequence[object]], of_label: Mapping[int, str]) -> np.ndarray:
        """Probability of each label for each row."""
        missing = [name for name, i in self.labels.items() if i not in of_label]
        if missing:
            for i, column in of_label.items():
                bare = column.partition("@")[0] == self.label_names[i]
                if bare and all(_label_in(self.labels, value) is not None for value in columns[column]):
                    raise DataError(
                        f"{self.source}, column '{column}': a label's name stands for its probability, "
                        "but the column holds labels",
                        hint=f"call predicted labels 'prediction', and probabilities 'prob_{column}'",
                    )
            if len(self.labels) > 2:
                raise DataError(
                    f"{self.source}: probabilities are needed for every label",
                    got=f"none for {', '.join(repr(name) for name in missing[:5])}",
                    hint="add a column prob_<label> for each",
                )
            # Two labels, one column: the other is what is left of 1.
            ((present, column),) = of_label.items()
            p = self._numbers(column, columns[column])
            return np.stack([1 - p, p] if present == 1 else [p, 1 - p], axis=1)
        names = [of_label[i] for i in range(len(self.labels))]
        found = np.stack([self._numbers(name, columns[name]) for name in names], axis=1)
        wrong = np.flatnonzero(np.abs(found.sum(axis=1) - 1) > _TOLERANCE * len(names))
        if len(wrong):
            raise DataError(
                f"{self.source}{self._line(int(wrong[0]))}: the probabilities of a row must add up to 1",
                got=f"{found[wrong[0]].sum():.4g} over {', '.join(names[:5])}",
                hint="pass logits through a softmax first",
            )
        return found

    def single(self, column: str, values: Sequence[object], truth: Int[np.ndarray, " held_out"]) -> Values:
        """A run given as one column: predicted labels, or the probability of the second of two."""
        names = [_label_in(self.labels, value) for value in values]
        unknown = next((row for row, name in enumerate(names) if name is None), None)
        if unknown is None:
            label = np.array([self.labels[name] for name in names if name is not None])
            unsaid = np.full(len(names), np.nan)
            return {"label": label, "confidence": unsaid, "truth": unsaid}
        if len(self.labels) != 2 or math.isnan(_number(values[unknown])):
            raise DataError(
                f"{self.source}{self._line(unknown)}, column '{column}': neither a label nor a probability",
                got=_shown(values[unknown]),
                hint=did_you_mean(str(values[unknown]), self.labels),
            )
        # A column that is named like the first label would be read as the second's.
        first, second = (label.casefold() for label in self.label_names)
        name = column.partition("@")[0].casefold()
        if len(name) > 1 and first.startswith(name) and not second.startswith(name):
            named = self.label_names[0]
            raise DataError(
                f"{self.source}, column '{column}': is it the probability of '{named}'?",
                hint=f"then call it 'prob_{named}'; else give it a name unlike a label's",
            )
        p = self._numbers(column, values)
        return summarise_probabilities(np.stack([1 - p, p], axis=1), truth)

    def _numbers(self, column: str, values: Sequence[object]) -> np.ndarray:
        numbers = np.array([_number(value) for value in values])
        wrong = np.flatnonzero(~((numbers >= 0) & (numbers <= 1)))
        if len(wrong):
            raise DataError(
                f"{self.source}{self._line(int(wrong[0]))}, column '{column}': not a probability in [0, 1]",
                got=_shown(values[int(wrong[0])]),
                hint="pass logits through a softmax first, and leave no cell empty",
            )
        return numbers

    def _line(self, row: int) -> str:
        return f", row {row + 1}" if self.lines is None else f", line {self.lines[row]}"


def _number(value: object) -> float:
    """A cell as a number; NaN where it is none."""
    try:
        return float(str(value))
    except ValueError:
        return math.nan


def _label_in(labels: Mapping[str, int], value: object) -> str | None:
    """The label a cell names, if any: 1, 1.0, "1" and "1.0" are all ``1``."""
    name = str(value).strip()
    if name in labels:
        return name
    number = _number(value)
    whole = str(int(number)) if number.is_integer() else ""
    return whole if whole in labels else None


def _shown(value: object) -> str:
    empty = value is None or str(value).strip() in ("", "nan")
    return "an empty cell" if empty else str(value)
