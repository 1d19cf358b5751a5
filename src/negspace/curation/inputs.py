"""The pool's file, read, with what it says of which rows are true data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from negspace.data import Dataset, Table, read, read_table
from negspace.errors import DataError, PlanError, did_you_mean

__all__ = ["PoolFile", "read_pool"]


@dataclass(frozen=True, eq=False)
class PoolFile:
    """What the user gave.

    Attributes:
        dataset: Its rows.
        table: All of its columns, so that chosen rows can be written as they came.
        real: Whether each row is true data; None where nothing is said.
    """

    dataset: Dataset
    table: Table
    real: Bool[np.ndarray, " rows"] | None

    def __len__(self) -> int:
        return len(self.dataset)


def read_pool(
    source: object,
    *,
    text: str | None,
    label: str | None,
    group: str | None,
    source_column: str | None,
    real: str | None,
) -> PoolFile:
    """Read a pool.

    Args:
        source: Path or object.
        text: Column of texts; recognised by its name where None.
        label: Column of labels; recognised by its name where None.
        group: Column of near-miss groups, or None.
        source_column: Column that says where each row comes from, or None.
        real: Its value for true rows.

    Raises:
        DataError: If the file cannot be used, or has no such column or value.
        PlanError: If only one of ``source_column`` and ``real`` is given.
    """
    if (source_column is None) != (real is None):
        raise PlanError(
            "which rows are true data is said by a column and its value",
            got=f"--source {source_column}, --real {real}",
            hint="give both --source COLUMN and --real VALUE, or neither",
        )
    dataset = read(source, text=text, label=label, group=group)
    table = read_table(source)
    if source_column is None or real is None:
        return PoolFile(dataset, table, None)
    if source_column not in table.columns:
        raise DataError(
            f"{table.source}: there is no column '{source_column}' (asked for by --source)",
            got=", ".join(table.columns),
            hint=did_you_mean(source_column, list(table.columns)),
        )
    values = [str(value) for value in table.columns[source_column]]
    if real not in values:
        raise DataError(
            f"{table.source}, column '{source_column}': no row has the value that --real names",
            got=real,
            hint=did_you_mean(real, sorted(set(values))),
        )
    return PoolFile(dataset, table, np.array([value == real for value in values], dtype=bool))
