"""The table of all numbers: what goes in comes out, a column a measure and layer."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from negspace.probes import Trace
from negspace.probing import SCHEMA, Column, TraceTable, part_of


def test_parts_are_put_together_by_fragment() -> None:
    table = TraceTable(4)
    table.add(part_of(np.array([2, 0]), [Trace("loss", "loss", np.array([2.0, 0.5]))]))
    table.add(part_of(np.array([1]), [Trace("loss", "loss", np.array([1.0]))]))
    found = table.get("loss", "loss")
    assert found is not None
    np.testing.assert_array_equal(found, [0.5, 1.0, 2.0, np.nan])


def test_layers_are_apart_from_the_whole_and_keep_their_order() -> None:
    rows = np.arange(2)
    traces = [
        Trace("gradient", "norm", np.array([5.0, 6.0])),
        Trace("gradient", "norm", np.array([3.0, 4.0]), "embed"),
        Trace("gradient", "norm", np.array([1.0, np.nan]), "10"),
        Trace("gradient", "norm", np.array([1.5, 2.5]), "2"),
        Trace("step", "norm", np.array([9.0, 9.0]), "2"),
    ]
    table = TraceTable(2)
    table.add(part_of(rows, traces))
    layers = table.layers_of("gradient", "norm")
    assert list(layers) == ["embed", "10", "2"]
    np.testing.assert_array_equal(layers["10"], [1.0, np.nan])
    np.testing.assert_array_equal(table.columns[Column("gradient", "norm")], [5.0, 6.0])


def test_tidy_rows_are_those_that_were_measured() -> None:
    table = TraceTable(3)
    table.add(part_of(np.arange(3), [Trace("p", "m", np.array([1.0, np.nan, np.inf]), "0")]))
    tidy = pa.concat_tables(table.tidy())
    assert tidy.schema == SCHEMA
    assert tidy.to_pylist() == [
        {"fragment": 0, "probe": "p", "measure": "m", "layer": "0", "value": 1.0},
        {"fragment": 2, "probe": "p", "measure": "m", "layer": "0", "value": float("inf")},
    ]


def test_a_part_with_nothing_measured_adds_nothing() -> None:
    table = TraceTable(2)
    table.add(part_of(np.arange(2), [Trace("p", "m", np.full(2, np.nan))]))
    table.add(part_of(np.arange(2), []))
    assert not table.columns
