"""Measures parts of the fragments, in this process or several, and keeps each as soon as it is done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from jaxtyping import Int

from negspace.data import Fragments
from negspace.embedders.quiet import one_thread
from negspace.execution import run_jobs
from negspace.language_models import LanguageModel, halving
from negspace.probes import Planned, Probe, Probed
from negspace.probing.trace_table import part_of
from negspace.store import PartStore
from negspace.study import Progress

if TYPE_CHECKING:
    from negspace.gradients import MeanGradient

_PART = 32  # fragments of a part: what is lost at most when a run is killed
_SMALL = 30_000_000  # parameters of a model that is copied to every worker


@dataclass(frozen=True, eq=False)
class PartExecutor:
    """Measures probes part by part."""

    model: LanguageModel
    store: PartStore
    batch: int
    workers: int
    report: Progress

    def measure(self, planned: Planned, fragments: Fragments) -> Iterator[pa.Table]:
        """Measure the parts that are not finished yet, and give all of them in order."""
        name, rows, model = planned.name, planned.rows, planned.model or self.model
        parts = {f"{name}-{start:06d}": rows[start : start + _PART] for start in range(0, len(rows), _PART)}
        missing = [part for part in parts if not self.store.has(part)]
        done = len(parts) - len(missing)
        self.report(f"probing {name}", min(done * _PART, len(rows)), len(rows))
        jobs = ((part, planned.probe, model, fragments, parts[part], self.batch) for part in missing)
        for part, table in run_jobs(_measure_part, jobs, workers=self._processes(len(missing))):
            self.store.put(part, table, {})
            done += 1
            self.report(f"probing {name}", min(done * _PART, len(rows)), len(rows))
        return (table for table, _ in self.store.all(parts))

    def mean_gradient(self, fragments: Fragments, rows: Int[np.ndarray, " rows"], stage: str) -> MeanGradient:
        """The mean over some fragments of their gradients; see `negspace.gradients.mean_gradient`."""
        from negspace.gradients import joined

        starts = range(0, len(rows), _PART)
        self.report(stage, 0, len(rows))
        jobs = ((self.model, fragments, rows[start : start + _PART], self.batch) for start in starts)
        # In order: sums round as they are ordered.
        made = run_jobs(_mean_of_part, jobs, workers=self._processes(len(starts)), in_order=True)

        def counted() -> Iterator[MeanGradient]:
            for number, mean in enumerate(made, start=1):
                yield mean
                self.report(stage, min(number * _PART, len(rows)), len(rows))

        return joined(counted())

    def _processes(self, parts: int) -> int:
        return min(processes_for(self.model, self.workers), max(1, parts))


def processes_for(model: LanguageModel, workers: int) -> int:
    """How many processes a model is measured in: one, where it is large or on another device."""
    small = sum(p.numel() for p in model.network.parameters()) <= _SMALL
    return max(1, workers) if small and model.device == "cpu" else 1


def measure_some(
    probe: Probe,
    model: LanguageModel,
    fragments: Fragments,
    rows: Int[np.ndarray, " rows"],
    batch: int,
    *,
    tokens: bool = False,
) -> Probed:
    """Probe some fragments, with half of the batch where memory runs out, and again half of it."""
    longest = int(fragments.lengths[rows].max())
    return halving(
        lambda size: probe.measure(model, fragments, rows, batch=size, tokens=tokens), batch, longest
    )


def _measure_part(
    part: str,
    probe: Probe,
    model: LanguageModel,
    fragments: Fragments,
    rows: Int[np.ndarray, " rows"],
    batch: int,
) -> tuple[str, pa.Table]:
    return part, part_of(rows, measure_some(probe, model, fragments, rows, batch).traces)


def _mean_of_part(
    model: LanguageModel, fragments: Fragments, rows: Int[np.ndarray, " rows"], batch: int
) -> MeanGradient:
    from negspace.gradients import mean_gradient

    longest = int(fragments.lengths[rows].max())
    with one_thread():
        return halving(lambda size: mean_gradient(model, fragments, rows, batch=size), batch, longest)
