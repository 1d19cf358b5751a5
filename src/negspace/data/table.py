"""The one form that every source is read into before it means anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from negspace.errors import DataError, did_you_mean

__all__ = ["Table", "check_names", "fault", "numbered", "several", "suggest"]

_SHOWN = 3


@dataclass(frozen=True, eq=False)
class Table:
    """Named columns of Python values, and where each row came from.

    Attributes:
        source: Where the rows came from, for messages (a path, or the type of an object).
        columns: Values of each column, one a row; a missing value is None.
        lines: For each row, the physical line of the file on which it starts, or its number where
            a source has no lines. 1-based.
        unit: What ``lines`` counts: ``"line"`` or ``"row"``.
    """

    source: str
    columns: Mapping[str, Sequence[object]]
    lines: Int[np.ndarray, " rows"]
    unit: str = "line"

    def __len__(self) -> int:
        return len(self.lines)

    def where(self, row: int) -> str:
        """Place of a row, as messages give it: ``train.csv, line 7``."""
        return f"{self.source}, {self.unit} {self.lines[row]}"


def numbered(rows: int) -> Int[np.ndarray, " rows"]:
    """Row numbers from 1, for a source without lines."""
    return np.arange(1, rows + 1, dtype=np.int64)


def check_names(source: str, names: Sequence[str]) -> None:
    """Refuse columns that cannot be told apart.

    Raises:
        DataError: Two columns have the same name.
    """
    doubled = [name for name, count in Counter(names).items() if count > 1]
    if doubled:
        raise DataError(
            f"{source}: the column name '{doubled[0]}' occurs more than once",
            got=", ".join(f"'{name}'" for name in names),
            hint="rename the columns so that each name occurs once",
        )


def several(unit: str, others: Sequence[int], what: str = "the same") -> str:
    """Tell of further offending lines: ``; the same on lines 4, 9, 11 and 12 more``."""
    if not others:
        return ""
    listed = ", ".join(str(line) for line in others[:_SHOWN])
    more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
    return f"; {what} on {unit}{'s' if len(others) > 1 else ''} {listed}{more}"


def suggest(asked: str, known: Iterable[str], shown: int = 8) -> str:
    """Name the words near to a mistyped one, else the first of those there are."""
    names = list(known)
    near = did_you_mean(asked, names)
    if near.endswith("?") or len(names) <= shown:
        return near if near.endswith("?") else f"{near}."
    return f"there is {', '.join(repr(name) for name in names[:shown])} and {len(names) - shown} more."


def fault(
    table: Table, column: str, rows: Sequence[int], what: str, *, got: object = None, hint: str
) -> DataError:
    """Make the error for rows that share a fault: the first with its place, the rest counted.

    Args:
        table: The table the rows are of.
        column: The column at fault.
        rows: Positions of all rows at fault, in order; at least one.
        what: What is wrong with the first of them.
        got:  The first row's value.
        hint: What to do about it.
    """
    others = [int(table.lines[row]) for row in rows[1:]]
    place = f"{table.where(rows[0])}, column '{column}'"
    return DataError(f"{place}: {what}{several(table.unit, others)}", got=got, hint=hint)
