"""Testing a claim: its parts run one after the other, out of one store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from joblib import cpu_count

from negspace.lab.claim import Claim, Part, Scale
from negspace.lab.pages import save_claim
from negspace.lab.summary import FORMAT, summarise
from negspace.records import Json, Verdict
from negspace.store import RunStore, StoredResult, default_store_path
from negspace.study import Progress, StudyResult

__all__ = ["ClaimResult", "latest_results", "run_claim"]


@dataclass(frozen=True, eq=False)
class ClaimResult:
    """What came of a claim.

    Attributes:
        claim: The claim.
        scale: How large it was run.
        parts: Its parts.
        results: What each part found, in their order.
    """

    claim: Claim
    scale: Scale
    parts: Sequence[Part]
    results: Sequence[StudyResult[Any, Any]]

    @property
    def verdicts(self) -> Mapping[tuple[str, str], Verdict]:
        """By part and hypothesis."""
        return {
            (part.name, name): verdict
            for part, result in zip(self.parts, self.results, strict=True)
            for name, verdict in result.verdicts.items()
        }

    @property
    def resumed(self) -> int:
        """Number of runs that came out of the store."""
        return sum(result.resumed for result in self.results)

    @cached_property
    def _summary(self) -> Mapping[str, Json]:
        return summarise(self.claim, self.scale, self.parts, self.results)

    def to_dict(self) -> Mapping[str, Json]:
        """What ``negspace lab run --json`` prints; NaN is null."""
        return self._summary

    def save(self, folder: str | Path) -> Path:
        """Write the claim's page and its summary.

        Args:
            folder: Where to; made if need be.

        Returns:
            Path of the page.

        Raises:
            StoreError: If the folder cannot be written.
        """
        return save_claim(self.to_dict(), Path(folder))


def run_claim(
    claim: Claim,
    scale: Scale | None = None,
    *,
    controls: bool = True,
    store: RunStore | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
) -> ClaimResult:
    """Test a claim: run what is not in the store yet, judge, and keep the result.

    Args:
        claim: The claim.
        scale: How large it is run; as registered if None.
        controls: Whether the controls are run as well.
        store: Where runs and results are kept; the user's own if None.
        workers: How many replicas at once; as many as there are cores if None. No result depends on it.
        progress: Told after every run.

    Returns:
        The result. It is kept as the claim's own if it was run at the registered scale.

    Raises:
        StoreError: If the store cannot be read or written.
        MissingExtraError: If a package that trains an arm is not installed.
        PlanError: If the plan cannot come out both ways at this scale.
    """
    if store is None:
        with RunStore(default_store_path()) as own:
            return run_claim(claim, scale, controls=controls, store=own, workers=workers, progress=progress)
    scale = scale or Scale()
    parts = claim.parts(scale, controls=controls)
    results = [
        part.study.run(store=store, workers=workers or cpu_count(), progress=_named(claim, part, progress))
        for part in parts
    ]
    result = ClaimResult(claim, scale, parts, results)
    if scale.registered:
        _keep(result, store)
    return result


def _keep(result: ClaimResult, store: RunStore) -> None:
    """Keep a result, unless the one that is kept has the same published part and the controls as well."""
    kept = latest_results(store).get(result.claim.name)
    summary = result.to_dict()
    hashes = _part_hashes(summary)
    if kept is not None:
        theirs = _part_hashes(kept.summary)
        if len(theirs) > len(hashes) and theirs[: len(hashes)] == hashes:
            return
    store.put_result(result.claim.name, str(summary["plan_hash"]), summary)


def _part_hashes(summary: Mapping[str, Json]) -> list[Json]:
    parts = summary["parts"]
    assert isinstance(parts, list)
    return [part["plan_hash"] for part in parts]


def latest_results(store: RunStore) -> Mapping[str, StoredResult]:
    """The results that are kept, by claim; those of another format of the summary are left out.

    Raises:
        StoreError: If the store cannot be read.
    """
    return {
        name: result
        for name, result in store.latest_results().items()
        if result.summary.get("format") == FORMAT
    }


def _named(claim: Claim, part: Part, progress: Progress | None) -> Progress | None:
    if progress is None:
        return None
    return lambda _stage, done, total: progress(f"{claim.name}, {part.name}", done, total)
