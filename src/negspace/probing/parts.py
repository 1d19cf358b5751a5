"""Parts of the fragments: measured in one process or several, each kept when done, and put in one table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Int

from negspace.data import Fragments
from negspace.embedders import one_thread
from negspace.execution import run_jobs
from negspace.language_models import LanguageModel, halving
from negspace.probes import Planned, Probe, Probed, Trace
from negspace.store import PartStore
from negspace.study import Progress

if TYPE_CHECKING:
    from negspace.gradients import MeanGradient

SCHEMA = pa.schema([
    pa.field("fragment", pa.int32(), nullable=False),
    pa.field("probe", pa.dictionary(pa.int32(), pa.string()), nullable=False),
    pa.field("measure", pa.dictionary(pa.int32(), pa.string()), nullable=False),
    pa.field("layer", pa.dictionary(pa.int32(), pa.string())),
    pa.field("value", pa.float64(), nullable=False),
])  # fmt: skip
"""A row a fragment, metric and layer. A value that was not measured has no row; a layer is null where the
metric is of the model as a whole."""

_Rows: TypeAlias = Int[np.ndarray, " rows"]
_Values: TypeAlias = Float[np.ndarray, " fragments"]

_PART = 32  # fragments of a part: what is lost at most when a run is killed
_SMALL = 30_000_000  # parameters of a model that is copied to every worker


@dataclass(frozen=True)
class Column:
    """What names one number a fragment."""

    probe: str
    metric: str
    layer: str | None = None


@dataclass(frozen=True, eq=False)
class TraceTable:
    """Numbers of all fragments, a column a metric and layer, in the order in which they were first added."""

    size: int
    columns: dict[Column, _Values] = field(default_factory=dict)

    def add(self, part: pa.Table) -> None:
        """Add the rows of a part, which has the columns of `SCHEMA`."""
        rows = part.column("fragment").to_numpy()
        values = part.column("value").to_numpy()
        codes = [
            part.column(name).combine_chunks().dictionary_encode() for name in ("probe", "measure", "layer")
        ]
        keys = np.stack([code.indices.fill_null(-1).to_numpy(zero_copy_only=False) for code in codes], axis=1)
        names = [[*code.dictionary.to_pylist(), None] for code in codes]
        for key in dict.fromkeys(map(tuple, keys.tolist())):
            probe, metric, layer = (of[place] for of, place in zip(names, key, strict=True))
            mine = (keys == key).all(axis=1)
            column = self.columns.setdefault(Column(probe, metric, layer), np.full(self.size, np.nan))
            column[rows[mine]] = values[mine]

    def get(self, probe: str, metric: str, layer: str | None = None) -> _Values | None:
        """The numbers of a column; None where there is none."""
        return self.columns.get(Column(probe, metric, layer))

    def layers_of(self, probe: str, metric: str) -> dict[str, _Values]:
        """The numbers of a metric at each layer, in the order in which they came."""
        return {
            column.layer: values
            for column, values in self.columns.items()
            if column.layer is not None and (column.probe, column.metric) == (probe, metric)
        }

    def tidy(self) -> Iterator[pa.Table]:
        """The whole table, a column at a time."""
        every = np.arange(self.size, dtype=np.int32)
        for column, values in self.columns.items():
            there = ~np.isnan(values)
            yield _rows(every[there], column, values[there])


def part_of(rows: _Rows, traces: Iterable[Trace]) -> pa.Table:
    """What a probe measured of some fragments, as rows of `SCHEMA`."""
    tables = []
    for trace in traces:
        there = ~np.isnan(trace.values)
        column = Column(trace.probe, trace.metric, trace.layer)
        tables.append(_rows(rows[there].astype(np.int32), column, trace.values[there]))
    return pa.concat_tables(tables).unify_dictionaries() if tables else SCHEMA.empty_table()


def _rows(fragments: _Rows, column: Column, values: Float[np.ndarray, " rows"]) -> pa.Table:
    names = (
        pa.array([name] * len(fragments), pa.string()).cast(SCHEMA.field("probe").type)
        for name in (column.probe, column.metric, column.layer)
    )
    return pa.table(
        [pa.array(fragments, pa.int32()), *names, pa.array(np.asarray(values, np.float64))], schema=SCHEMA
    )


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

    def mean_gradient(self, fragments: Fragments, rows: _Rows, stage: str) -> MeanGradient:
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
    probe: Probe, model: LanguageModel, fragments: Fragments, rows: _Rows, batch: int, *, tokens: bool = False
) -> Probed:
    """Probe some fragments, with half of the batch where memory runs out, and again half of it."""
    longest = int(fragments.lengths[rows].max())
    return halving(
        lambda size: probe.measure(model, fragments, rows, batch=size, tokens=tokens), batch, longest
    )


def _measure_part(
    part: str, probe: Probe, model: LanguageModel, fragments: Fragments, rows: _Rows, batch: int
) -> tuple[str, pa.Table]:
    return part, part_of(rows, measure_some(probe, model, fragments, rows, batch).traces)


def _mean_of_part(model: LanguageModel, fragments: Fragments, rows: _Rows, batch: int) -> MeanGradient:
    from negspace.gradients import mean_gradient

    longest = int(fragments.lengths[rows].max())
    with one_thread():
        return halving(lambda size: mean_gradient(model, fragments, rows, batch=size), batch, longest)
