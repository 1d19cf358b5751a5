"""What was mined, as a user holds it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from negspace.data import check_writable, read_table, write_text
from negspace.mining.findings import Findings
from negspace.mining.report import mining_report
from negspace.reports.blocks import Report

__all__ = ["Mined"]


@dataclass(frozen=True, eq=False)
class Mined:
    """The result of mining.

    Attributes:
        path: The file or dataset folder that was written.
        findings: What was found.
    """

    path: Path
    findings: Findings

    def to_dict(self) -> dict[str, Any]:
        """The content of ``mined.json``, a fresh copy."""
        return self.findings.to_dict()

    def __len__(self) -> int:
        return self.findings.output.rows

    def report(self) -> Report:
        """What the page and the terminal show."""
        return mining_report(self.findings)

    def _repr_html_(self) -> str:
        from negspace.reports.html import render_notebook  # noqa: PLC0415 - Jinja, when it is shown

        return render_notebook(self.report())

    def rows(self) -> Iterator[dict[str, object]]:
        """Read the output back, row by row.

        Raises:
            MissingExtraError: It is a dataset folder, and the library ``datasets`` is not installed.
        """
        table = read_table(self.path)
        names = list(table.columns)
        return (dict(zip(names, row, strict=True)) for row in zip(*table.columns.values(), strict=True))

    def save(self, place: str | Path) -> Path:
        """Write the report as a page.

        Args:
            place: An ``.html`` file, or a folder for ``report.html``, made if need be.

        Returns:
            The path of the page.

        Raises:
            StoreError: If it cannot be written.
        """
        from negspace.reports.html import render_page  # noqa: PLC0415 - Jinja and matplotlib, when asked for

        path = Path(place).expanduser()
        path = path if path.suffix.lower() in {".html", ".htm"} else path / "report.html"
        check_writable(path.parent)
        write_text(path, render_page(self.report()))
        return path
