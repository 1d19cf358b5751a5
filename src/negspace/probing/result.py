"""What a probe found, as a user holds it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

__all__ = ["ProbeResult"]


@dataclass(frozen=True, eq=False)
class ProbeResult:
    """The result of a probe.

    Attributes:
        report: The page that was written.
        traces: A row a fragment, probe, measure and layer: the content of ``traces.parquet``.
        summary: What was found, as plain data.
    """

    report: Path
    traces: pa.Table
    summary: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """The content of ``probe.json``, a fresh copy."""
        copy: dict[str, Any] = json.loads(json.dumps(self.summary, allow_nan=False))
        return copy
