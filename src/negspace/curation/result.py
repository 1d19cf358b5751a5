"""The result of a curation, as a user holds it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from negspace.curation.building import Survey
from negspace.curation.inputs import PoolFile
from negspace.curation.pool import Strategy
from negspace.curation.reasons import why
from negspace.curation.summary import summarise
from negspace.curation.trial import Trial
from negspace.curation.worklist import Worklist
from negspace.curation.worklist_sheet import write_sheet
from negspace.data import check_writable, write_rows, write_text
from negspace.evaluation import Roles
from negspace.records import Json
from negspace.report import render_selection

__all__ = ["Selection"]


@dataclass(frozen=True, eq=False)
class Selection:
    """The rows that were chosen, and what the choice rests on.

    Attributes:
        file: The pool as it was read.
        survey: What was found out about its rows.
        chosen: Positions of the chosen rows, in the order they were chosen.
        strategy_name: Name of the strategy that chose them.
        strategy: The strategy.
        trial: What became of each strategy on held-out rows; None where the strategy was given.
        worklist: Rows to rewrite, where asked for.
        seed: Of the choice.
    """

    file: PoolFile
    survey: Survey
    chosen: Int[np.ndarray, " chosen"]
    strategy_name: str
    strategy: Strategy
    trial: Trial | None
    worklist: Worklist | None
    seed: int

    @property
    def indices(self) -> list[int]:
        """Positions of the chosen rows, ascending: what ``datasets.Dataset.select`` takes."""
        return [int(row) for row in np.sort(self.chosen)]

    @cached_property
    def roles(self) -> Roles:
        """Role of each row of the pool."""
        return self.survey.roles(self.file.dataset.examples, unit=self.file.dataset.unit)

    @cached_property
    def reasons(self) -> Sequence[str]:
        """Why each row of the pool was chosen or not."""
        return why(self.survey, self.roles, self.file.dataset, self.chosen, self.strategy, self.strategy_name)

    @cached_property
    def _summary(self) -> dict[str, Json]:
        return summarise(self)

    def to_dict(self) -> dict[str, Any]:
        """The content of ``curation.json``, a fresh copy."""
        copy: dict[str, Any] = json.loads(json.dumps(self._summary, allow_nan=False))
        return copy

    def rows(self) -> list[dict[str, object]]:
        """One record per row of the pool: the content of ``rows.parquet``.

        ``index`` counts rows from 0; ``rank`` is the place among the chosen rows, from 1.
        """
        examples, pool = self.file.dataset.examples, self.survey.pool
        rank = np.zeros(len(pool), dtype=np.int64)
        rank[self.chosen] = np.arange(1, len(self.chosen) + 1)
        return [
            {
                "index": row,
                "line": row + 1 if examples.lines is None else int(examples.lines[row]),
                "chosen": bool(rank[row]),
                "rank": int(rank[row]) or None,
                "reason": self.reasons[row],
                "role": self.roles.role[row].value,
                "label_quality": float(self.roles.label_quality[row]),
                "group": int(pool.groups[row]),
                "cluster": int(pool.clusters[row]),
            }
            for row in range(len(pool))
        ]

    def records(self) -> list[dict[str, object]]:
        """The chosen rows with all columns of their file, in its order."""
        columns = self.file.table.columns
        return [{name: _plain(values[row]) for name, values in columns.items()} for row in self.indices]

    def save(self, folder: str | Path) -> Path:
        """Write ``selected.jsonl``, ``rows.parquet``, ``curation.json`` and ``report.html``.

        And ``worklist.csv``, where a worklist was asked for. Each file appears whole or not at all.

        Args:
            folder: Made if need be; files of an earlier curation are replaced.

        Returns:
            The path of the report.

        Raises:
            StoreError: If the folder cannot be written.
        """
        folder = Path(folder)
        check_writable(folder)
        page, rows, records = render_selection(self._summary), self.rows(), self.records()
        write_rows(folder / "selected.jsonl", records)
        write_rows(folder / "rows.parquet", rows)
        if self.worklist is not None:
            lines = self.file.dataset.examples.lines
            write_sheet(folder / "worklist.csv", self.worklist, self.survey.pool, lines=lines)
        write_text(folder / "curation.json", json.dumps(self._summary, indent=2, allow_nan=False) + "\n")
        write_text(folder / "report.html", page)
        return folder / "report.html"


def _plain(value: object) -> object:
    """What JSON has no form for, as text: a date, say, in ISO's."""
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace")
    if isinstance(value, date | time):
        return value.isoformat()
    return value if isinstance(value, str | int | float | list | dict | None) else str(value)
