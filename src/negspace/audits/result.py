"""What every audit gives to its user: a verdict, its findings, the files it writes, what a notebook shows."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from negspace.audits.findings import AuditFindings
from negspace.data import check_writable, write_rows, write_text
from negspace.records import Verdict
from negspace.reports.blocks import Report
from negspace.study import StudyResult

__all__ = ["Audit"]


@runtime_checkable
class Parts(Protocol):
    """All parts of an audit, as they were computed."""

    @property
    def result(self) -> StudyResult[Any, Any]:
        """The runs and the verdict."""
        ...


PartsT = TypeVar("PartsT", bound=Parts)


@dataclass(frozen=True, eq=False)
class Audit(ABC, Generic[PartsT]):
    """What an audit found. In a notebook it shows itself: verdict, headline metrics, the plot of the seeds.

    Attributes:
        parts: The parts it was made of.
    """

    parts: PartsT

    @property
    def verdict(self) -> Verdict:
        """The verdict on the near-miss gap."""
        return self.parts.result.verdict

    @property
    def resumed(self) -> int:
        """Number of runs that came out of the run store."""
        return self.parts.result.resumed

    @property
    @abstractmethod
    def findings(self) -> AuditFindings:
        """The content of ``audit.json``, typed."""

    @abstractmethod
    def report(self) -> Report:
        """What the page and the terminal show."""

    @abstractmethod
    def rows(self) -> list[dict[str, object]]:
        """The content of ``rows.parquet``, a record for each row or pair that was audited."""

    def to_dict(self) -> dict[str, Any]:
        """The content of ``audit.json``, a fresh copy."""
        return self.findings.to_dict()

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
        from negspace.reports.html import render_page  # noqa: PLC0415 - Jinja and matplotlib, when asked for

        folder = Path(folder)
        check_writable(folder)
        # All three are made before the first is written.
        page, rows = render_page(self.report()), self.rows()
        content = json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n"
        write_rows(folder / "rows.parquet", rows)
        write_text(folder / "audit.json", content)
        write_text(folder / "report.html", page)
        return folder / "report.html"

    def _repr_html_(self) -> str:
        from negspace.reports.html import render_notebook  # noqa: PLC0415 - as above

        return render_notebook(self.report())
