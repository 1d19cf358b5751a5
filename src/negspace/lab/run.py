"""Testing claims: experiments run out of one store, results are kept, and pages written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from negspace._version import __version__
from negspace.data import write_text
from negspace.lab.claim import Claim, Scale, plan_hash
from negspace.lab.result import FORMAT, ClaimResult, result_of
from negspace.records import Outcome
from negspace.store import RunStore, default_store_path
from negspace.study import Progress


class LatestResult(NamedTuple):
    """The result of a claim that is kept, and when it was found: ``YYYY-MM-DD HH:MM:SS`` in UTC."""

    finished: str
    result: ClaimResult


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
        workers: How many runs at once; as many as there are cores if None. No result depends on it.
        progress: Told after every run.

    Returns:
        The result. It is kept as the claim's own if it was run at the registered scale.

    Raises:
        StoreError: If the store cannot be read or written.
        MissingExtraError: If a package that trains an arm is not installed.
        PlanError: If the plan cannot come out both ways at this scale.
    """
    from negspace.execution import cpu_count  # a claim can be listed without it

    if store is None:
        with RunStore(default_store_path()) as own:
            return run_claim(claim, scale, controls=controls, store=own, workers=workers, progress=progress)
    scale = scale or Scale()
    experiments = claim.experiments(scale, controls=controls)
    studies = []
    for each in experiments:

        def named(_stage: str, done: int, total: int, what: str = f"{claim.name}, {each.name}") -> None:
            if progress is not None:
                progress(what, done, total)

        at_once, counted = workers or cpu_count(), not scale.smoke
        studies.append(each.study.run(store=store, workers=at_once, progress=named, counted=counted))
    told = (claim.name, claim.title, claim.statement, claim.source, __version__)
    run_at = (scale.device, scale.smoke, scale.registered, plan_hash(experiments))
    found = tuple(map(result_of, experiments, studies))
    result = ClaimResult(*told, *run_at, experiments=found, studies=tuple(studies))
    kept = latest_results(store).get(claim.name)
    ours = [each.plan_hash for each in result.experiments]
    theirs = [] if kept is None else [each.plan_hash for each in kept.result.experiments]
    # One with the same published experiments, and the controls as well, is not given up.
    if scale.registered and not (len(theirs) > len(ours) and theirs[: len(ours)] == ours):
        store.put_result(claim.name, result.plan_hash, result.to_dict())
    return result


def latest_results(store: RunStore) -> Mapping[str, LatestResult]:
    """The results that are kept, by claim; those of another format are left out.

    Raises:
        StoreError: If the store cannot be read.
    """
    return {
        name: LatestResult(last.finished, ClaimResult.from_dict(last.summary))
        for name, last in store.latest_results().items()
        if last.summary.get("format") == FORMAT
    }


def status(last: LatestResult | None) -> str:
    """What the last run of a claim found: hypotheses by outcome, the day, whether controls were left out."""
    if last is None:
        return "not run"
    found = last.result
    outcomes = Counter(verdict.outcome for verdict in found.verdicts.values())
    counts = ", ".join(f"{outcomes[outcome]} {outcome.value}" for outcome in Outcome)
    controls = "" if any(each.control for each in found.experiments) else ", without controls"
    return f"{counts} ({last.finished[:10]}{controls})"


def save_lab(results: Sequence[ClaimResult], folder: Path, *, progress: Progress | None = None) -> Path:
    """Write the pages of claims, in order, and ``index.html`` over all of them, which is given back.

    The folder is made if need be; files of an earlier report are replaced.

    Raises:
        StoreError: If the folder cannot be written.
    """
    from negspace.lab.report import lab_report
    from negspace.reports.html import render_page

    links = {}
    for done, result in enumerate(results):
        if progress is not None:
            progress(f"page of {result.claim}", done, len(results))
        links[result.claim] = result.save(folder).name
    index = folder / "index.html"
    write_text(index, render_page(lab_report(results, links)))
    return index
