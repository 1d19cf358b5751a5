"""The result of a proof, as a user holds it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from negspace.data import check_writable, write_text
from negspace.proofs.conclusion import Conclusion, conclude
from negspace.proofs.summary import Findings, summarise
from negspace.records import Json, Verdict
from negspace.report.proof_page import proof_fragment, render_proof

__all__ = ["Proof"]


@dataclass(frozen=True, eq=False)
class Proof:
    """What a proof found. In a notebook it shows itself.

    Attributes:
        findings: The parts it was made of.
    """

    findings: Findings

    @property
    def verdicts(self) -> Mapping[str, Verdict]:
        """By name of the claim: for each other arm, on near misses and on easy rows."""
        return self.findings.result.verdicts

    @property
    def conclusions(self) -> Mapping[str, Conclusion]:
        """How the first arm stands to each other one, by the other's name."""
        return {
            claim.versus: conclude(self.verdicts[claim.near_miss.name], self.verdicts[claim.easy.name])
            for claim in self.findings.claims
        }

    @property
    def resumed(self) -> int:
        """Number of fits, those of the search aside, that came out of the run store."""
        return self.findings.result.resumed

    @cached_property
    def _summary(self) -> dict[str, Json]:
        return summarise(self.findings)

    def to_dict(self) -> dict[str, Any]:
        """The content of ``proof.json``, a fresh copy."""
        copy: dict[str, Any] = json.loads(json.dumps(self._summary, allow_nan=False))
        return copy

    def save(self, folder: str | Path) -> Path:
        """Write ``report.html`` and ``proof.json``; each appears whole or not at all.

        Args:
            folder: Made if need be; files of an earlier proof are replaced.

        Returns:
            The path of the report.

        Raises:
            StoreError: If the folder cannot be written.
        """
        folder = Path(folder)
        check_writable(folder)
        page = render_proof(self._summary)
        write_text(folder / "proof.json", json.dumps(self._summary, indent=2, allow_nan=False) + "\n")
        write_text(folder / "report.html", page)
        return folder / "report.html"

    def _repr_html_(self) -> str:
        return proof_fragment(self._summary)
