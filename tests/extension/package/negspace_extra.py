"""One addition of each kind, as another package would make it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from negspace.data import Table, fingerprint
from negspace.data.formats import Format
from negspace.lab.claims import Claim, Experiment, Scale, StatedHypothesis, experiment
from negspace.metrics import Accuracy, EvalSetMetric, share_of
from negspace.models import RowsArm, TextTask, TfidfLearner
from negspace.perturbations import Proof, Validity
from negspace.probes import Planned, Probe, ProbeContext, Probed, Trace, TraceMetric
from negspace.records import EvalSet, Measurement, Run, Task
from negspace.reports.blocks import Paragraph, Section
from negspace.study import Hypothesis


@dataclass(frozen=True)
class Majority:
    """Predicts the most frequent label of its rows."""

    name = "extra-majority"
    gives = ("label",)

    def describe(self) -> dict[str, Any]:
        return {"name": self.name}

    def runs(self, task: TextTask, jobs: Sequence[tuple[Any, int]], *, workers: int) -> Iterator[Run]:
        for arm, seed in jobs:
            often = np.bincount(task.labels[arm.draw(task, seed)]).argmax()
            yield Run(arm.name, seed, {"label": np.full(len(task.held_out_labels), often, dtype=np.int64)})


class Letters:
    """Counts the letters of a text."""

    name = "extra-letters"
    frozen = True

    def describe(self) -> dict[str, Any]:
        return {"embedder": self.name}

    def embed(self, texts: Sequence[str], *, progress: object = None) -> np.ndarray:
        counts = np.array([[text.count(chr(97 + i)) for i in range(26)] for text in texts], dtype=np.float32)
        length = np.linalg.norm(counts, axis=1, keepdims=True)
        return np.divide(counts, length, out=np.zeros_like(counts), where=length > 0)


def _read_bars(path: Path) -> Table:
    lines = path.read_text(encoding="utf-8").splitlines()
    names, *rows = (line.split("|") for line in lines)
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    return Table(str(path), columns, np.arange(2, len(lines) + 1))


BARS = Format((".bars",), _read_bars)


class ErrorRate(EvalSetMetric):
    """Share of rows whose label is not predicted."""

    kind = "extra error rate"

    def __call__(self, run: Run, task: Task) -> Measurement:
        return share_of(~self.right(run, task), self.clusters(task))


class Palindrome:
    """The text reads the same backwards."""

    name = "extra-palindrome"
    operators: ClassVar[tuple[object, ...]] = ()

    def describe(self) -> dict[str, Any]:
        return {"verifier": self.name}

    def __call__(self, text: str) -> Proof:
        same = text == text[::-1]
        return Proof(Validity.VALID if same else Validity.INVALID, "it does" if same else "it does not")


@dataclass(frozen=True)
class LengthProbe(Probe):
    """How long each fragment is."""

    name: ClassVar[str] = "extra-length"
    order: ClassVar[int] = 90
    metrics: ClassVar[tuple[TraceMetric, ...]] = (
        TraceMetric("extra length", "tokens", "extra length", "how long the fragment is"),
    )

    @classmethod
    def plan(cls, context: ProbeContext) -> Iterator[Planned]:
        yield Planned(cls.name, cls(), context.every)

    def measure(self, model: Any, fragments: Any, rows: Any, *, batch: int, tokens: bool = False) -> Probed:
        lengths = fragments.lengths[np.asarray(rows)].astype(np.float64)
        return Probed((Trace(self.name, "extra length", lengths),))


def _task() -> TextTask:
    texts = tuple(f"{word} {i}" for i in range(30) for word in ("good", "bad"))
    labels = np.tile([0, 1], 30)
    sets: Mapping[str, EvalSet] = {"easy": EvalSet("easy", np.arange(20))}
    return TextTask(
        texts,
        labels,
        ("bad", "good"),
        np.arange(60),
        40,
        sets,
        np.full(20, np.nan),
        fingerprint(texts, texts),
    )


def _plan(scale: Scale) -> list[Experiment]:
    task = _task()
    arms = [RowsArm("all rows", np.arange(40)), RowsArm("two rows", np.arange(2))]
    hypothesis = Hypothesis("more rows", Accuracy("easy"), "all rows", versus="two rows", margin=0.01)
    stated = [StatedHypothesis(hypothesis, "More rows teach more", "easy")]
    return [
        experiment(
            "rows",
            "Forty rows against two",
            task,
            TfidfLearner(),
            arms=arms,
            seeds=scale.seeds_of(10),
            stated=stated,
            tests={"easy": "20 ordinary rows"},
        )
    ]


CLAIM = Claim(
    name="extra-rows",
    title="More rows teach more",
    statement="Forty rows teach more than two. A difference below one point would refute it.",
    source="Made for the tests",
    plan=_plan,
    controls=lambda scale: [],
)


def word_count(result: Any) -> Section:
    """How many words the training rows have."""
    return Section("Extra: words", (Paragraph("A section of another package."),))


word_count.command = "audit"  # type: ignore[attr-defined]
