"""Examples together with how they were read."""

from __future__ import annotations

from dataclasses import dataclass

from negspace.data.columns import Recognised
from negspace.records import Examples

__all__ = ["Dataset"]


@dataclass(frozen=True, eq=False)
class Dataset:
    """Examples, and how they were read.

    Attributes:
        examples: The rows.
        columns: The columns that were taken.
        group_names: Name of each group, by its position in ``examples.groups``; None for the group
            of a row that has no group value (each such row is a group of its own). None where no
            group column was read. Names are comparable across files, positions are not: see
            ``shared_groups``.
        notes: Things worth telling the user, a sentence each.
        unit: What ``examples.lines`` counts: ``"line"`` or ``"row"``.
    """

    examples: Examples
    columns: Recognised
    group_names: tuple[str | None, ...] | None = None
    notes: tuple[str, ...] = ()
    unit: str = "line"

    def __len__(self) -> int:
        return len(self.examples)

    def where(self, row: int) -> str:
        """Place of a row, as messages give it: ``train.csv, line 7``."""
        lines = self.examples.lines
        return f"{self.examples.source}, {self.unit} {row + 1 if lines is None else lines[row]}"
