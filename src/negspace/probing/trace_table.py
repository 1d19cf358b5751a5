"""All that the probes measured, as one table: fragment, probe, metric, layer, value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Int

from negspace.probes import Trace

SCHEMA = pa.schema([
    pa.field("fragment", pa.int32(), nullable=False),
    pa.field("probe", pa.dictionary(pa.int32(), pa.string()), nullable=False),
    pa.field("measure", pa.dictionary(pa.int32(), pa.string()), nullable=False),
    pa.field("layer", pa.dictionary(pa.int32(), pa.string())),
    pa.field("value", pa.float64(), nullable=False),
])  # fmt: skip
"""A row a fragment, metric and layer. A value that was not measured has no row; a layer is null where the
metric is of the model as a whole."""

_NAMES = SCHEMA.field("probe").type


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
    columns: dict[Column, Float[np.ndarray, " fragments"]] = field(default_factory=dict)

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

    def get(
        self, probe: str, metric: str, layer: str | None = None
    ) -> Float[np.ndarray, " fragments"] | None:
        """The numbers of a column; None where there is none."""
        return self.columns.get(Column(probe, metric, layer))

    def layers_of(self, probe: str, metric: str) -> dict[str, Float[np.ndarray, " fragments"]]:
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


def part_of(rows: Int[np.ndarray, " rows"], traces: Iterable[Trace]) -> pa.Table:
    """What a probe measured of some fragments, as rows of `SCHEMA`."""
    tables = []
    for trace in traces:
        there = ~np.isnan(trace.values)
        column = Column(trace.probe, trace.metric, trace.layer)
        tables.append(_rows(rows[there].astype(np.int32), column, trace.values[there]))
    return pa.concat_tables(tables).unify_dictionaries() if tables else SCHEMA.empty_table()


def _rows(
    fragments: Int[np.ndarray, " rows"], column: Column, values: Float[np.ndarray, " rows"]
) -> pa.Table:
    def repeated(name: str | None) -> pa.Array:
        return pa.array([name] * len(fragments), pa.string()).cast(_NAMES)

    arrays: Mapping[str, pa.Array] = {
        "fragment": pa.array(fragments, pa.int32()),
        "probe": repeated(column.probe),
        "measure": repeated(column.metric),
        "layer": repeated(column.layer),
        "value": pa.array(np.asarray(values, dtype=np.float64)),
    }
    return pa.table(dict(arrays), schema=SCHEMA)
