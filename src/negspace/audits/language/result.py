"""The result of an audit of minimal pairs, as a user holds it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from negspace.audits.language.summary import PairFindings, summarise
from negspace.data import check_writable, write_rows, write_text
from negspace.records import Json, Verdict
from negspace.report import fragment, render

__all__ = ["MinimalPairsAudit"]


@dataclass(frozen=True, eq=False)
class MinimalPairsAudit:
    """What an audit of minimal pairs found.

    In a notebook it shows itself: verdict, headline figures, and easy against near-miss accuracy.

    Attributes:
        findings: The parts it was made of.
    """

    findings: PairFindings

    @property
    def verdict(self) -> Verdict:
        """The verdict on the near-miss gap."""
        return self.findings.result.verdict

    @property
    def resumed(self) -> int:
        """Number of runs that came out of the run store."""
        return self.findings.result.resumed

    @cached_property
    def _summary(self) -> dict[str, Json]:
        return summarise(self.findings)

    def to_dict(self) -> dict[str, Any]:
        """The content of ``audit.json``, a fresh copy."""
        copy: dict[str, Any] = json.loads(json.dumps(self._summary, allow_nan=False))
        return copy

    def rows(self) -> list[dict[str, object]]:
        """One record per pair: the content of ``rows.parquet``. Numbers are means over seeds."""
        task, scores = self.findings.task, self.findings.scores
        pairs, count = task.pairs, len(task.pairs)
        twin = np.full(count, -1)
        twin[task.twin_of] = np.arange(len(task.twin_of))
        sentences = np.mean([each.sentences for each in scores], axis=0)
        good, bad = (
            np.mean([np.exp(token) for token in tokens], axis=0)
            for tokens in ([s.good_token for s in scores], [s.bad_token for s in scores])
        )
        rank = np.median([each.rank for each in scores], axis=0)
        return [
            {
                "index": row,
                "file": pairs.files[row],
                "line": int(pairs.lines[row]),
                "paradigm": pairs.paradigms[pairs.paradigm[row]],
                "good": pairs.good[row],
                "bad": pairs.bad[row],
                "shuffled": None if twin[row] < 0 else task.shuffled[twin[row]],
                "preferred": float(self.findings.preferred[row]),
                "margin": float(sentences[row] - sentences[count + row]),
                "easy_margin": None
                if twin[row] < 0
                else float(sentences[row] - sentences[2 * count + twin[row]]),
                "good_tokens": int(task.scored[row]),
                "bad_tokens": int(task.scored[count + row]),
                "parting": int(task.parting[row]) or None,
                "pressure": None if np.isnan(good[row]) else float(1 - good[row]),
                "bad_token": None if np.isnan(bad[row]) else float(bad[row]),
                "rank": None if np.isnan(rank[row]) else float(rank[row]),
            }
            for row in range(count)
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
        page, rows = render(self._summary), self.rows()
        write_rows(folder / "rows.parquet", rows)
        write_text(folder / "audit.json", json.dumps(self._summary, indent=2, allow_nan=False) + "\n")
        write_text(folder / "report.html", page)
        return folder / "report.html"

    def _repr_html_(self) -> str:
        return fragment(self._summary)
