"""The result of an audit, as a user holds it."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from negspace.audits.summary import Findings, summarise
from negspace.data import check_writable, write_rows, write_text
from negspace.records import Json, Verdict
from negspace.report import fragment, render

__all__ = ["AuditResult"]


@dataclass(frozen=True, eq=False)
class AuditResult:
    """What an audit found.

    In a notebook it shows itself: verdict, headline figures, and easy against near-miss accuracy.

    Attributes:
        findings: The parts it was made of.
    """

    findings: Findings

    @property
    def verdict(self) -> Verdict:
        """The verdict on the near-miss gap."""
        return self.findings.result.verdict

    @property
    def resumed(self) -> int:
        """Number of fits that came out of the run store."""
        return self.findings.result.resumed

    @cached_property
    def _summary(self) -> dict[str, Json]:
        return summarise(self.findings)

    def to_dict(self) -> dict[str, Any]:
        """The content of ``audit.json``, a fresh copy."""
        copy: dict[str, Any] = json.loads(json.dumps(self._summary, allow_nan=False))
        return copy

    def rows(self) -> list[dict[str, object]]:
        """One record per row of the training file: the content of ``rows.parquet``.

        ``index`` and ``neighbour`` count rows from 0; ``line`` is the line of the file.
        """
        roles, space = self.findings.roles, self.findings.space
        examples = self.findings.inputs.train.examples
        trained = np.zeros(len(space.texts), dtype=bool)
        trained[space.train] = True
        return [
            {
                "index": row,
                "line": int(examples.lines[row]) if examples.lines is not None else row + 1,
                "role": role.value,
                "reason": roles.reason[row],
                "neighbour": neighbour if (neighbour := int(roles.neighbour[row])) >= 0 else None,
                "distance": None if math.isnan(roles.distance[row]) else float(roles.distance[row]),
                "label_quality": float(roles.label_quality[row]),
                "cluster": int(space.clusters[row]),
                "split": "train" if trained[row] else "test",
            }
            for row, role in enumerate(roles.role)
        ]

    def save(self, folder: str | Path) -> Path:
        """Write ``report.html``, ``audit.json`` and ``rows.parquet``.

        Each file appears whole or not at all.

        Args:
            folder: Made if need be; files of an earlier audit are replaced.

        Returns:
            The path of the report.

        Raises:
            StoreError: If the folder cannot be written.
        """
        folder = Path(folder)
        check_writable(folder)
        # All three are made before the first is written.
        page, rows = render(self._summary), self.rows()
        write_rows(folder / "rows.parquet", rows)
        write_text(folder / "audit.json", json.dumps(self._summary, indent=2, allow_nan=False) + "\n")
        write_text(folder / "report.html", page)
        return folder / "report.html"

    def _repr_html_(self) -> str:
        return fragment(self._summary)
