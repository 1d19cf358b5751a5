"""What was mined, as a user holds it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from negspace.data import check_writable, read_table, write_text

__all__ = ["Mined"]


@dataclass(frozen=True, eq=False)
class Mined:
    """The result of mining.

    Attributes:
        path: The file or dataset folder that was written.
        summary: What was found, as plain data.
    """

    path: Path
    summary: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """The content of ``mined.json``, a fresh copy."""
        copy: dict[str, Any] = json.loads(json.dumps(self.summary, allow_nan=False))
        return copy

    def __len__(self) -> int:
        return int(self.summary["output"]["rows"])

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
        from negspace.report.mining_page import render_mining  # noqa: PLC0415 - matplotlib, when asked for

        path = Path(place).expanduser()
        path = path if path.suffix.lower() in {".html", ".htm"} else path / "report.html"
        check_writable(path.parent)
        write_text(path, render_mining(self.summary))
        return path
